MODEL (
  name silver.int_sessions_computed,
  kind CUSTOM (
    materialization 'by_change',
    materialization_properties (key = 'session_id')
  ),
  grain (session_id),
  description 'One row per session. Its times come only from entries that have their own.',
  audits (
    unique_combination_of_columns(columns := (session_id)),
    not_null(columns := (session_id, messages, prompts, tool_calls, api_calls))
  )
);

WITH sessions AS (
  SELECT
    session_id,
    MIN(timestamp) AS first_activity_at,
    MAX(timestamp) AS last_activity_at,
    ARG_MAX(git_branch, ROW(timestamp, entry_id)) FILTER(WHERE timestamp IS NOT NULL) AS git_branch,
    ARG_MAX(cwd, ROW(timestamp, entry_id)) FILTER(WHERE timestamp IS NOT NULL) AS cwd,
    ARG_MAX(claude_version, ROW(timestamp, entry_id)) FILTER(WHERE timestamp IS NOT NULL) AS claude_version,
    ARG_MAX(user_name, ROW(timestamp, entry_id)) FILTER(WHERE timestamp IS NOT NULL) AS user_name,
    ARG_MAX(machine_name, ROW(timestamp, entry_id)) FILTER(WHERE timestamp IS NOT NULL) AS machine_name,
    ARG_MAX(entrypoint, ROW(timestamp, entry_id)) FILTER(WHERE timestamp IS NOT NULL) AS entrypoint
  FROM silver.int_entries
  WHERE session_id IS NOT NULL
  GROUP BY session_id
), mentioned AS (
  -- a session of nothing but copies has no entry of its own, yet a fact may name it
  SELECT session_id, project_id, COUNT(*) AS lines
  FROM bronze.stg_conversations
  WHERE session_id IS NOT NULL
  GROUP BY session_id, project_id
), main_projects AS (
  SELECT session_id, project_id
  FROM mentioned
  QUALIFY ROW_NUMBER() OVER (PARTITION BY session_id ORDER BY project_id IS NULL, lines DESC, project_id) = 1
), best_titles AS (
  SELECT session_id, title
  FROM silver.int_session_titles
  WHERE session_id IS NOT NULL
  QUALIFY
    ROW_NUMBER() OVER (PARTITION BY session_id ORDER BY rank, timestamp DESC NULLS LAST, _id DESC) = 1
), messages AS (
  SELECT
    session_id,
    COUNT(*) AS messages,
    COUNT(*) FILTER(WHERE message_kind = 'prompt') AS prompts,
    ARG_MIN(beginning, message_sequence) FILTER(WHERE message_kind = 'prompt') AS first_prompt
  FROM silver.int_messages_enriched
  WHERE session_id IS NOT NULL
  GROUP BY session_id
), tools AS (
  SELECT
    session_id,
    COUNT(*) AS tool_calls,
    COUNT(*) FILTER(WHERE is_error) AS tool_errors
  FROM silver.int_tool_usage
  WHERE session_id IS NOT NULL
  GROUP BY session_id
), api AS (
  SELECT
    session_id,
    COUNT(*) FILTER(WHERE call_kind = 'response') AS api_calls,
    SUM(input_tokens) AS input_tokens,
    SUM(output_tokens) AS output_tokens,
    SUM(cache_creation_tokens) AS cache_creation_tokens,
    SUM(cache_read_tokens) AS cache_read_tokens,
    SUM(cost_usd) AS cost_usd,
    COUNT(*) FILTER(WHERE cost_usd IS NULL) AS unpriced_api_calls
  FROM silver.int_api_calls
  WHERE session_id IS NOT NULL
  GROUP BY session_id
)
SELECT
  main_projects.session_id, -- Session.
  main_projects.project_id, -- Project that most of its lines belong to.
  COALESCE(best_titles.title, messages.first_prompt) AS title, -- Title: the one a person gave, else the one Claude Code gave, else its summary, the newest of each; else the beginning of the first prompt.
  sessions.first_activity_at, -- Earliest entry.
  sessions.last_activity_at, -- Latest entry.
  date_diff('millisecond', sessions.first_activity_at, sessions.last_activity_at) / 1000
    AS duration_seconds, -- Seconds from the earliest entry to the latest.
  COALESCE(messages.messages, 0) AS messages, -- Messages, of the user and the assistant.
  COALESCE(messages.prompts, 0) AS prompts, -- Prompts that a person typed.
  COALESCE(tools.tool_calls, 0) AS tool_calls, -- Tool calls.
  COALESCE(tools.tool_errors, 0) AS tool_errors, -- Tool calls that reported an error.
  COALESCE(api.api_calls, 0) AS api_calls, -- API responses.
  CAST(COALESCE(api.input_tokens, 0) AS BIGINT) AS input_tokens, -- Input tokens neither written to nor read from the cache.
  CAST(COALESCE(api.output_tokens, 0) AS BIGINT) AS output_tokens, -- Output tokens.
  CAST(COALESCE(api.cache_creation_tokens, 0) AS BIGINT) AS cache_creation_tokens, -- Input tokens written to the cache.
  CAST(COALESCE(api.cache_read_tokens, 0) AS BIGINT) AS cache_read_tokens, -- Input tokens read from the cache.
  CAST(api.cost_usd AS DOUBLE) AS cost_usd, -- Cost in USD of the responses that have a price; NULL where none has.
  COALESCE(api.unpriced_api_calls, 0) AS unpriced_api_calls, -- API responses without a price.
  sessions.git_branch, -- Git branch at the end.
  sessions.cwd, -- Working directory at the end.
  sessions.claude_version, -- Version of Claude Code at the end.
  sessions.user_name, -- Who ran Claude Code at the end; NULL where no entry says.
  sessions.machine_name, -- Machine that the transcript was imported from; NULL where no import wrote it.
  sessions.entrypoint, -- What Claude Code was started by at the end; NULL in old versions.
  COALESCE(starts_with(sessions.entrypoint, 'sdk-') AND COALESCE(messages.prompts, 0) = 0, FALSE)
    AS is_automated -- Whether a program ran it, by the SDK: nobody typed a prompt.
FROM main_projects
LEFT JOIN sessions USING (session_id)
LEFT JOIN best_titles USING (session_id)
LEFT JOIN messages USING (session_id)
LEFT JOIN tools USING (session_id)
LEFT JOIN api USING (session_id)
