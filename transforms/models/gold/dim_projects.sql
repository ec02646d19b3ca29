MODEL (
  name gold.dim_projects,
  kind CUSTOM (
    materialization 'by_change'
  ),
  grain (project_id),
  description 'One row per project.',
  audits (
    unique_combination_of_columns(columns := (project_id)),
    not_null(columns := (project_id, project_name))
  )
);

WITH projects AS (
  SELECT
    project_id,
    MIN(timestamp) AS first_activity_at,
    MAX(timestamp) AS last_activity_at,
    MIN(directory) AS directory
  FROM bronze.stg_conversations
  WHERE project_id IS NOT NULL
  GROUP BY project_id
), sessions AS (
  SELECT project_id, COUNT(*) AS sessions
  FROM silver.int_sessions_computed
  GROUP BY project_id
), messages AS (
  SELECT
    project_id,
    COUNT(*) AS messages,
    COUNT(*) FILTER(WHERE message_kind = 'prompt') AS prompts
  FROM silver.int_messages_enriched
  GROUP BY project_id
), tools AS (
  SELECT
    project_id,
    COUNT(*) AS tool_calls,
    COUNT(*) FILTER(WHERE is_error) AS tool_errors
  FROM silver.int_tool_usage
  GROUP BY project_id
), api AS (
  SELECT
    project_id,
    COUNT(*) FILTER(WHERE call_kind = 'response') AS api_calls,
    SUM(input_tokens) AS input_tokens,
    SUM(output_tokens) AS output_tokens,
    SUM(cache_creation_tokens) AS cache_creation_tokens,
    SUM(cache_read_tokens) AS cache_read_tokens,
    SUM(cost_usd) AS cost_usd,
    COUNT(*) FILTER(WHERE cost_usd IS NULL) AS unpriced_api_calls
  FROM silver.int_api_calls
  GROUP BY project_id
)
SELECT
  project_id, -- Folder of the project, a Windows drive letter in upper case.
  COALESCE(projects.directory, project_id) AS project_name, -- Last part of its directory; the folder where no entry names a directory.
  projects.first_activity_at, -- Earliest entry.
  projects.last_activity_at, -- Latest entry.
  COALESCE(sessions.sessions, 0) AS sessions, -- Sessions whose main project it is.
  COALESCE(messages.messages, 0) AS messages, -- Messages, of the user and the assistant.
  COALESCE(messages.prompts, 0) AS prompts, -- Prompts that a person typed.
  COALESCE(tools.tool_calls, 0) AS tool_calls, -- Tool calls.
  COALESCE(tools.tool_errors, 0) AS tool_errors, -- Tool calls that reported an error.
  COALESCE(api.api_calls, 0) AS api_calls, -- API responses; tokens and cost are also those of advisors and compactions.
  CAST(COALESCE(api.input_tokens, 0) AS BIGINT) AS input_tokens, -- Input tokens neither written to nor read from the cache.
  CAST(COALESCE(api.output_tokens, 0) AS BIGINT) AS output_tokens, -- Output tokens.
  CAST(COALESCE(api.cache_creation_tokens, 0) AS BIGINT) AS cache_creation_tokens, -- Input tokens written to the cache.
  CAST(COALESCE(api.cache_read_tokens, 0) AS BIGINT) AS cache_read_tokens, -- Input tokens read from the cache.
  CAST(api.cost_usd AS DOUBLE) AS cost_usd, -- Cost in USD of the responses that have a price; NULL where none has.
  COALESCE(api.unpriced_api_calls, 0) AS unpriced_api_calls -- API responses without a price.
FROM projects
LEFT JOIN sessions USING (project_id)
LEFT JOIN messages USING (project_id)
LEFT JOIN tools USING (project_id)
LEFT JOIN api USING (project_id)
