MODEL (
  name gold.fct_tool_calls,
  kind VIEW,
  grain (tool_use_id),
  description 'One row per tool call, with its result.'
);

WITH project_names AS (
  SELECT project_id, project_name
  FROM gold.dim_projects
)
SELECT
  tool_use_id, -- Identity of the call.
  entry_id, -- Document that holds the call.
  session_id, -- Session; NULL where the entry names none.
  project_id, -- Project.
  project_name, -- Last part of the project's directory; its folder where no entry names a directory.
  user_name, -- Who ran Claude Code; NULL where no entry says.
  machine_name, -- Machine that the transcript was imported from; NULL where no import wrote it.
  entrypoint, -- What Claude Code was started by, such as cli or sdk-py; NULL in old versions.
  CAST(strftime(date, '%Y%m%d') AS INTEGER) AS date_key, -- Day as the number yyyymmdd; NULL where the entry has no time.
  date, -- Day of the call in the configured time zone.
  tool_name, -- Tool that was called.
  tool_category, -- What the tool is for; by the list of known tools, else by its name; mcp for a tool of an MCP server, other where its name does not say.
  mcp_server, -- MCP server of the tool.
  is_error, -- Whether the tool reported an error.
  error_text, -- The first 500 characters of an error; NULL for other results.
  has_result, -- Whether the call has a result.
  duration_seconds, -- Seconds from the call to its result, waits for permission included; NULL where one of the times is unknown.
  result_size, -- Characters of the result; NULL without one.
  called_at, -- When the call was made.
  hour_of_day, -- Hour 0 to 23, in the configured time zone.
  is_sidechain, -- Whether a sub-agent made the call.
  file_path -- File the call names.
FROM silver.int_tool_usage
LEFT JOIN project_names USING (project_id)
