MODEL (
  name gold.agg_daily_summary,
  kind CUSTOM (
    materialization 'by_change',
    materialization_properties (key = 'date')
  ),
  grain (date_key),
  description 'One row per day with activity, in the configured time zone.',
  audits (
    unique_combination_of_columns(columns := (date_key)),
    not_null(columns := (date_key, date))
  )
);

WITH activity AS (
  SELECT date, session_id, project_id FROM silver.int_messages_enriched
  UNION ALL
  SELECT date, session_id, project_id FROM silver.int_tool_usage
  UNION ALL
  SELECT date, session_id, project_id FROM silver.int_api_calls
), days AS (
  SELECT
    date,
    COUNT(DISTINCT session_id) AS sessions,
    COUNT(DISTINCT project_id) AS projects
  FROM activity
  WHERE date IS NOT NULL
  GROUP BY date
), messages AS (
  SELECT
    date,
    COUNT(*) AS messages,
    COUNT(*) FILTER(WHERE message_kind = 'prompt') AS prompts,
    COUNT(*) FILTER(WHERE role = 'assistant') AS assistant_messages,
    COUNT(DISTINCT hour_of_day) AS active_hours
  FROM silver.int_messages_enriched
  WHERE date IS NOT NULL
  GROUP BY date
), tools AS (
  SELECT
    date,
    COUNT(*) AS tool_calls,
    COUNT(*) FILTER(WHERE is_error) AS tool_errors
  FROM silver.int_tool_usage
  WHERE date IS NOT NULL
  GROUP BY date
), api AS (
  SELECT
    date,
    COUNT(*) FILTER(WHERE call_kind = 'response') AS api_calls,
    SUM(input_tokens) AS input_tokens,
    SUM(output_tokens) AS output_tokens,
    SUM(cache_creation_tokens) AS cache_creation_tokens,
    SUM(cache_creation_5m_tokens) AS cache_creation_5m_tokens,
    SUM(cache_creation_1h_tokens) AS cache_creation_1h_tokens,
    SUM(cache_read_tokens) AS cache_read_tokens,
    SUM(cost_usd) AS cost_usd,
    COUNT(*) FILTER(WHERE cost_usd IS NULL) AS unpriced_api_calls
  FROM silver.int_api_calls
  WHERE date IS NOT NULL
  GROUP BY date
)
SELECT
  CAST(strftime(days.date, '%Y%m%d') AS INTEGER) AS date_key, -- Day as the number yyyymmdd.
  days.date, -- Day.
  days.sessions, -- Sessions with a message, a tool call or an API response that day.
  days.projects, -- Projects with a message, a tool call or an API response that day.
  COALESCE(messages.messages, 0) AS messages, -- Messages, of the user and the assistant.
  COALESCE(messages.prompts, 0) AS prompts, -- Prompts that a person typed.
  COALESCE(messages.assistant_messages, 0) AS assistant_messages, -- Messages of the assistant.
  COALESCE(messages.active_hours, 0) AS active_hours, -- Hours of the day with a message.
  COALESCE(tools.tool_calls, 0) AS tool_calls, -- Tool calls.
  COALESCE(tools.tool_errors, 0) AS tool_errors, -- Tool calls that reported an error.
  COALESCE(api.api_calls, 0) AS api_calls, -- API responses; tokens and cost are also those of advisors and compactions.
  CAST(COALESCE(api.input_tokens, 0) AS BIGINT) AS input_tokens, -- Input tokens neither written to nor read from the cache.
  CAST(COALESCE(api.output_tokens, 0) AS BIGINT) AS output_tokens, -- Output tokens.
  CAST(COALESCE(api.cache_creation_tokens, 0) AS BIGINT) AS cache_creation_tokens, -- Input tokens written to the cache.
  CAST(COALESCE(api.cache_creation_5m_tokens, 0) AS BIGINT) AS cache_creation_5m_tokens, -- Input tokens written to the cache for 5 minutes.
  CAST(COALESCE(api.cache_creation_1h_tokens, 0) AS BIGINT) AS cache_creation_1h_tokens, -- Input tokens written to the cache for an hour.
  CAST(COALESCE(api.cache_read_tokens, 0) AS BIGINT) AS cache_read_tokens, -- Input tokens read from the cache.
  CAST(api.cost_usd AS DOUBLE) AS cost_usd, -- Cost in USD of the responses that have a price; NULL where none has.
  COALESCE(api.unpriced_api_calls, 0) AS unpriced_api_calls -- API responses without a price.
FROM days
LEFT JOIN messages USING (date)
LEFT JOIN tools USING (date)
LEFT JOIN api USING (date)
