MODEL (
  name gold.dim_users,
  kind CUSTOM (
    materialization 'by_change'
  ),
  grain (user_name),
  description 'One row per user: when they worked, and what it took. Entries that name no user are left out.',
  audits (
    unique_combination_of_columns(columns := (user_name)),
    not_null(columns := (user_name))
  )
);

WITH users AS (
  SELECT
    user_name,
    COUNT(DISTINCT machine_name) AS machines,
    COUNT(DISTINCT project_id) AS projects,
    MIN(timestamp) AS first_activity_at,
    MAX(timestamp) AS last_activity_at
  FROM bronze.stg_conversations
  WHERE user_name IS NOT NULL
  GROUP BY user_name
), sessions AS (
  SELECT
    user_name,
    COUNT(*) AS sessions,
    COUNT(*) FILTER(WHERE is_automated) AS automated_sessions
  FROM silver.int_sessions_computed
  GROUP BY user_name
), messages AS (
  SELECT
    user_name,
    COUNT(*) AS messages,
    COUNT(*) FILTER(WHERE message_kind = 'prompt') AS prompts,
    COUNT(DISTINCT date) AS active_days
  FROM silver.int_messages_enriched
  GROUP BY user_name
), tools AS (
  SELECT
    user_name,
    COUNT(*) AS tool_calls,
    COUNT(*) FILTER(WHERE is_error) AS tool_errors,
    SUM(lines_added) AS lines_added,
    SUM(lines_removed) AS lines_removed
  FROM silver.int_tool_usage
  GROUP BY user_name
), api AS (
  SELECT
    user_name,
    COUNT(*) FILTER(WHERE call_kind = 'response') AS api_calls,
    SUM(input_tokens + output_tokens + cache_creation_tokens + cache_read_tokens) AS tokens,
    SUM(cost_usd) AS cost_usd,
    COUNT(*) FILTER(WHERE cost_usd IS NULL) AS unpriced_api_calls
  FROM silver.int_api_calls
  GROUP BY user_name
)
SELECT
  user_name, -- Who ran Claude Code: what the import wrote, else the home folder's name.
  users.machines, -- Machines that the transcripts were imported from, where an import wrote them.
  users.projects, -- Projects with an entry of the user's.
  users.first_activity_at, -- Earliest entry.
  users.last_activity_at, -- Latest entry.
  COALESCE(messages.active_days, 0) AS active_days, -- Days with a message, in the configured time zone.
  COALESCE(sessions.sessions, 0) AS sessions, -- Sessions that the user ran at their end.
  COALESCE(sessions.automated_sessions, 0) AS automated_sessions, -- Those of them that a program ran, by the SDK.
  COALESCE(messages.messages, 0) AS messages, -- Messages, of the user and the assistant.
  COALESCE(messages.prompts, 0) AS prompts, -- Prompts that a person typed.
  COALESCE(tools.tool_calls, 0) AS tool_calls, -- Tool calls.
  COALESCE(tools.tool_errors, 0) AS tool_errors, -- Tool calls that reported an error.
  CAST(COALESCE(tools.lines_added, 0) AS BIGINT) AS lines_added, -- Lines added.
  CAST(COALESCE(tools.lines_removed, 0) AS BIGINT) AS lines_removed, -- Lines removed, where a patch or the call says.
  COALESCE(api.api_calls, 0) AS api_calls, -- API responses; tokens and cost are also those of advisors and compactions.
  CAST(COALESCE(api.tokens, 0) AS BIGINT) AS tokens, -- Tokens of all kinds.
  CAST(api.cost_usd AS DOUBLE) AS cost_usd, -- Cost in USD of the responses that have a price; NULL where none has.
  COALESCE(api.unpriced_api_calls, 0) AS unpriced_api_calls -- API responses without a price.
FROM users
LEFT JOIN sessions USING (user_name)
LEFT JOIN messages USING (user_name)
LEFT JOIN tools USING (user_name)
LEFT JOIN api USING (user_name)
