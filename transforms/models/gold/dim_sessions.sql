MODEL (
  name gold.dim_sessions,
  kind VIEW,
  grain (session_id),
  description 'One row per session: when it ran, what it was about, what it took.'
);

WITH project_names AS (
  SELECT project_id, project_name
  FROM gold.dim_projects
)
SELECT
  session_id, -- Session.
  project_id, -- Project that most of its lines belong to.
  project_name, -- Last part of the project's directory; its folder where no entry names a directory.
  title, -- Title: the one a person gave, else the one Claude Code gave, else its summary, else the beginning of the first prompt.
  first_activity_at, -- Earliest entry.
  last_activity_at, -- Latest entry.
  duration_seconds, -- Seconds from the earliest entry to the latest.
  CAST(strftime(first_activity_at AT TIME ZONE @VAR('timezone'), '%Y%m%d') AS INTEGER)
    AS date_key, -- Day it began, as the number yyyymmdd, in the configured time zone.
  CAST(first_activity_at AT TIME ZONE @VAR('timezone') AS DATE) AS date, -- Day it began, in the configured time zone.
  messages, -- Messages, of the user and the assistant.
  prompts, -- Prompts that a person typed.
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
  claude_version, -- Version of Claude Code at the end.
  user_name, -- Who ran Claude Code at the end; NULL where no entry says.
  machine_name, -- Machine that the transcript was imported from; NULL where no import wrote it.
  entrypoint, -- What Claude Code was started by at the end; NULL in old versions.
  is_automated -- Whether a program ran it, by the SDK: nobody typed a prompt.
FROM silver.int_sessions_computed
LEFT JOIN project_names USING (project_id)
