MODEL (
  name gold.agg_hourly_activity,
  kind CUSTOM (
    materialization 'by_change',
    materialization_properties (key = 'date')
  ),
  grain (date_key, hour_of_day),
  description 'One row per hour with activity, in the configured time zone. When clocks are set back, both hours of that name are one.',
  audits (
    unique_combination_of_columns(columns := (date_key, hour_of_day)),
    not_null(columns := (date_key, date, hour_of_day))
  )
);

WITH activity AS (
  SELECT
    date, hour_of_day, session_id,
    1 AS messages,
    CAST(message_kind = 'prompt' AS INTEGER) AS prompts,
    CAST(role = 'assistant' AS INTEGER) AS assistant_messages,
    0 AS tool_calls, 0 AS tool_errors, 0 AS api_calls, 0 AS output_tokens, 0 AS tokens,
    CAST(NULL AS DECIMAL(38, 12)) AS cost_usd
  FROM silver.int_messages_enriched
  UNION ALL
  SELECT date, hour_of_day, session_id, 0, 0, 0, 1, CAST(is_error AS INTEGER), 0, 0, 0, NULL
  FROM silver.int_tool_usage
  UNION ALL
  SELECT
    date, hour_of_day, session_id, 0, 0, 0, 0, 0,
    CAST(call_kind = 'response' AS INTEGER),
    output_tokens,
    input_tokens + output_tokens + cache_creation_tokens + cache_read_tokens,
    cost_usd
  FROM silver.int_api_calls
)
SELECT
  CAST(strftime(date, '%Y%m%d') AS INTEGER) AS date_key, -- Day as the number yyyymmdd.
  date, -- Day.
  hour_of_day, -- Hour 0 to 23.
  COUNT(DISTINCT session_id) AS sessions, -- Sessions with a message, a tool call or an API response in that hour.
  CAST(COALESCE(SUM(messages), 0) AS BIGINT) AS messages, -- Messages, of the user and the assistant.
  CAST(COALESCE(SUM(prompts), 0) AS BIGINT) AS prompts, -- Prompts that a person typed.
  CAST(COALESCE(SUM(assistant_messages), 0) AS BIGINT) AS assistant_messages, -- Messages of the assistant.
  CAST(COALESCE(SUM(tool_calls), 0) AS BIGINT) AS tool_calls, -- Tool calls.
  CAST(COALESCE(SUM(tool_errors), 0) AS BIGINT) AS tool_errors, -- Tool calls that reported an error.
  CAST(COALESCE(SUM(api_calls), 0) AS BIGINT) AS api_calls, -- API responses.
  CAST(COALESCE(SUM(output_tokens), 0) AS BIGINT) AS output_tokens, -- Output tokens.
  CAST(COALESCE(SUM(tokens), 0) AS BIGINT) AS tokens, -- Tokens of all kinds.
  CAST(SUM(cost_usd) AS DOUBLE) AS cost_usd -- Cost in USD of the responses that have a price; NULL where none has.
FROM activity
WHERE date IS NOT NULL
GROUP BY date, hour_of_day
