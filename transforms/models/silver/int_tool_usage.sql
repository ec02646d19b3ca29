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
    WHEN category.category IS NOT NULL THEN category.category
    -- new tools are named like the old ones
    WHEN regexp_matches(call.tool_name, 'Mcp|MCP') THEN 'mcp'
    WHEN regexp_matches(call.tool_name, '(?i)agent|team|task(output|stop)|workflow|message') THEN 'agent'
    WHEN regexp_matches(call.tool_name, '(?i)cron|schedul|trigger|wakeup') THEN 'schedule'
    WHEN regexp_matches(call.tool_name, '(?i)task|todo|plan|worktree') THEN 'planning'
    WHEN regexp_matches(call.tool_name, '(?i)web|fetch|http|browser|design') THEN 'web'
    WHEN regexp_matches(call.tool_name, '(?i)search|grep|glob|find|lsp') THEN 'search'
    WHEN regexp_matches(call.tool_name, '(?i)bash|shell|exec|terminal|monitor|repl') THEN 'shell'
    WHEN regexp_matches(call.tool_name, '(?i)write|edit|patch|create') THEN 'file_write'
    WHEN regexp_matches(call.tool_name, '(?i)read|view|list') THEN 'file_read'
    WHEN regexp_matches(call.tool_name, '(?i)ask|user|question|notif|output|report|feedback') THEN 'interaction'
    WHEN regexp_matches(call.tool_name, '(?i)skill|command') THEN 'command'
    ELSE 'other'
  END AS tool_category, -- What the tool is for: by the list of known tools, else by its name; mcp for a tool of an MCP server, other where its name does not say.
  NULLIF(regexp_extract(call.tool_name, '^mcp__(.+?)__', 1), '') AS mcp_server, -- MCP server of the tool.
  COALESCE(result.is_error, FALSE) AS is_error, -- Whether the tool reported an error.
  result.tool_use_id IS NOT NULL AS has_result, -- Whether the call has a result.
  -- GREATEST ignores NULL, so it must not see an unknown time
  CASE
    WHEN call.timestamp IS NOT NULL AND result.timestamp IS NOT NULL
    THEN GREATEST(0, date_diff('millisecond', call.timestamp, result.timestamp) / 1000)
  END AS duration_seconds, -- Seconds from the call to its result; NULL where one of the times is unknown.
  result.result_size, -- Characters of the result; NULL without one.
  result.error_text, -- The first 500 characters of an error; NULL for other results.
  call.timestamp AS called_at, -- When the call was made.
  CAST(call.local_time AS DATE) AS date, -- Day of the call in the configured time zone.
  CAST(hour(call.local_time) AS INTEGER) AS hour_of_day, -- Hour 0 to 23, in the configured time zone.
  call.is_sidechain, -- Whether a sub-agent made the call.
  call.file_path, -- File the call names.
  CASE
    WHEN call.lines_added IS NULL THEN NULL
    WHEN result.is_error THEN CAST(0 AS BIGINT)
    ELSE COALESCE(CASE WHEN NOT result.is_new_file THEN result.patch_added END, call.lines_added)
  END AS lines_added, -- Lines added, none by a call that failed; NULL for tools that write no file.
  CASE
    WHEN call.lines_added IS NULL THEN NULL
    WHEN result.is_error OR result.is_new_file THEN CAST(0 AS BIGINT)
    ELSE COALESCE(result.patch_removed, call.lines_removed)
  END AS lines_removed, -- Lines removed; NULL where neither a patch nor the call says.
  CASE
    WHEN call.lines_added IS NULL THEN NULL
    WHEN result.is_error OR result.is_new_file OR result.patch_added IS NOT NULL THEN 'patch'
    ELSE 'call'
  END AS lines_from, -- Whether lines are those of the recorded patch, or were counted from the call: patch or call.
  result.web_searches, -- Web searches that Claude Code made for the call; NULL for other tools.
  call.message_key, -- Digest of the message id of the response that makes the call.
  call.response_key, -- Digest that identifies that response; NULL where the line reports none.
  call.user_name, -- Who ran Claude Code; NULL where no entry says.
  call.machine_name, -- Machine that the transcript was imported from; NULL where no import wrote it.
  call.entrypoint -- What Claude Code was started by; NULL in old versions.
FROM calls AS call
LEFT JOIN results AS result
  ON result.tool_use_id = call.tool_use_id
LEFT JOIN bronze.seed_tool_categories AS category
  ON category.tool_name = call.tool_name
