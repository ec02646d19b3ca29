MODEL (
  name gold.fct_tool_calls,
  kind VIEW,
  grain (tool_use_id),
  description 'One row per tool call, with its result.'
);

SELECT
  tool_use_id, -- Identity of the call.
  entry_id, -- Document that holds the call.
  session_id, -- Session; NULL where the entry names none.
  project_id, -- Project.
  CAST(strftime(date, '%Y%m%d') AS INTEGER) AS date_key, -- Day as the number yyyymmdd; NULL where the entry has no time.
  date, -- Day of the call in the configured time zone.
  tool_name, -- Tool that was called.
  tool_category, -- What the tool is for; mcp for a tool of an MCP server, other for an unknown one.
  mcp_server, -- MCP server of the tool.
  is_error, -- Whether the tool reported an error.
  has_result, -- Whether the call has a result.
  duration_seconds, -- Seconds from the call to its result, waits for permission included; NULL where one of the times is unknown.
  result_size, -- Characters of the result; NULL without one.
  called_at, -- When the call was made.
  hour_of_day, -- Hour 0 to 23, in the configured time zone.
  is_sidechain, -- Whether a sub-agent made the call.
  file_path -- File the call names.
FROM silver.int_tool_usage
