MODEL (
  name gold.dim_sessions,
  kind VIEW,
  grain (session_id),
  description 'One row per session: when it ran, what it was about, what it took.'
);

SELECT
  session_id, -- Session.
  project_id, -- Project that most of its lines belong to.
  title, -- Title: the one a person gave, else the one Claude Code gave, else its summary.
  first_activity_at, -- Earliest entry.
  last_activity_at, -- Latest entry.
  duration_seconds, -- Seconds from the earliest entry to the latest.
  CAST(strftime(first_activity_at AT TIME ZONE @VAR('timezone'), '%Y%m%d') AS INTEGER)
    AS date_key, -- Day it began, as the number yyyymmdd, in the configured time zone.
  CAST(first_activity_at AT TIME ZONE @VAR('timezone') AS DATE) AS date, -- Day it began, in the configured time zone.
  messages, -- Messages, of the user and the assistant.
  prompts, -- Messages that are prompts, those to sub-agents included.
  tool_calls, -- Tool calls.
  tool_errors, -- Tool calls that reported an error.
  api_calls, -- API responses.
  input_tokens, -- Input tokens neither written to nor read from the cache.
  output_tokens, -- Output tokens.
  cache_creation_tokens, -- Input tokens written to the cache.
  cache_read_tokens, -- Input tokens read from the cache.
  cost_usd, -- Cost in USD of the responses that have a price; NULL where none has.
  unpriced_api_calls, -- API responses without a price.
  git_branch, -- Git branch at the end.
  cwd, -- Working directory at the end.
  claude_version -- Version of Claude Code at the end.
FROM silver.int_sessions_computed
