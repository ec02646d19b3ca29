MODEL (
  name silver.int_tool_usage,
  kind CUSTOM (
    materialization 'by_change',
    materialization_properties (key = 'tool_use_id')
  ),
  grain (tool_use_id),
  description 'One row per tool call, joined to its result.',
  audits (
    unique_combination_of_columns(columns := (tool_use_id)),
    not_null(columns := (tool_use_id, entry_id, tool_name, tool_category, is_error, has_result))
  )
);

WITH calls AS (
  SELECT *, timestamp AT TIME ZONE @VAR('timezone') AS local_time
  FROM bronze.stg_tool_calls
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY tool_use_id ORDER BY is_copy, timestamp NULLS LAST, _id, block_index
    ) = 1
), results AS (
  SELECT *
  FROM bronze.stg_tool_results
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY tool_use_id ORDER BY is_copy, timestamp NULLS LAST, _id, block_index
    ) = 1
)
SELECT
  call.tool_use_id, -- Identity of the call.
  call._id AS entry_id, -- Document that holds the call.
  call.session_id, -- Session of the call.
  call.project_id, -- Folder of the project.
  call.tool_name, -- Tool that was called.
  CASE
    WHEN call.tool_name LIKE 'mcp\_\_%' ESCAPE '\' THEN 'mcp'
    ELSE COALESCE(category.category, 'other')
  END AS tool_category, -- What the tool is for; mcp for a tool of an MCP server, other for an unknown one.
  NULLIF(regexp_extract(call.tool_name, '^mcp__(.+?)__', 1), '') AS mcp_server, -- MCP server of the tool.
  COALESCE(result.is_error, FALSE) AS is_error, -- Whether the tool reported an error.
  result.tool_use_id IS NOT NULL AS has_result, -- Whether the call has a result.
  -- GREATEST ignores NULL, so it must not see an unknown time
  CASE
    WHEN call.timestamp IS NOT NULL AND result.timestamp IS NOT NULL
    THEN GREATEST(0, date_diff('millisecond', call.timestamp, result.timestamp) / 1000)
  END AS duration_seconds, -- Seconds from the call to its result; NULL where one of the times is unknown.
  result.result_size, -- Characters of the result; NULL without one.
  call.timestamp AS called_at, -- When the call was made.
  CAST(call.local_time AS DATE) AS date, -- Day of the call in the configured time zone.
  CAST(hour(call.local_time) AS INTEGER) AS hour_of_day, -- Hour 0 to 23, in the configured time zone.
  call.is_sidechain, -- Whether a sub-agent made the call.
  call.file_path, -- File the call names.
  call.lines_added, -- Lines the call writes; NULL for tools that write no file.
  CAST(NULL AS UUID) AS message_key, -- Digest of the message.
  CAST(NULL AS UUID) AS response_key, -- Digest that identifies the API response.
  CAST(NULL AS BIGINT) AS web_searches, -- Searches of the web by Claude Code's own tool.
  call.lines_removed -- Lines it replaces; NULL where the call does not say.
FROM calls AS call
LEFT JOIN results AS result
  ON result.tool_use_id = call.tool_use_id
LEFT JOIN bronze.seed_tool_categories AS category
  ON category.tool_name = call.tool_name
