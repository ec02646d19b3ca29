MODEL (
  name gold.agg_model_usage,
  kind CUSTOM (
    materialization 'by_change',
    materialization_properties (key = 'date')
  ),
  grain (date_key, model),
  description 'One row per model and day on which it answered, in the configured time zone.',
  audits (
    unique_combination_of_columns(columns := (date_key, model)),
    not_null(columns := (date_key, date, model, api_calls))
  )
);

SELECT
  CAST(strftime(date, '%Y%m%d') AS INTEGER) AS date_key, -- Day as the number yyyymmdd.
  date, -- Day.
  COALESCE(model, 'unknown') AS model, -- Model, as the API names it; unknown where a line names none.
  COUNT(*) FILTER(WHERE call_kind = 'response') AS api_calls, -- API responses.
  COUNT(*) FILTER(WHERE call_kind <> 'response') AS aside_calls, -- Advisors and compactions that were bought with responses.
  CAST(
    COALESCE(
      SUM(input_tokens + output_tokens + cache_creation_tokens + cache_read_tokens) FILTER(WHERE call_kind <> 'response'), 0
    ) AS BIGINT
  ) AS aside_tokens, -- Their tokens, which are among the others.
  COUNT(DISTINCT session_id) AS sessions, -- Sessions that it answered in.
  CAST(SUM(input_tokens) AS BIGINT) AS input_tokens, -- Input tokens neither written to nor read from the cache.
  CAST(SUM(output_tokens) AS BIGINT) AS output_tokens, -- Output tokens.
  CAST(SUM(cache_creation_tokens) AS BIGINT) AS cache_creation_tokens, -- Input tokens written to the cache.
  CAST(SUM(cache_read_tokens) AS BIGINT) AS cache_read_tokens, -- Input tokens read from the cache.
  SUM(cache_read_tokens) / NULLIF(SUM(input_tokens + cache_creation_tokens + cache_read_tokens), 0)
    AS cache_hit_rate, -- Share of all input tokens that were read from the cache, 0 to 1; NULL without input.
  CAST(SUM(cost_usd) AS DOUBLE) AS cost_usd -- Cost in USD; NULL without a price.
FROM silver.int_api_calls
WHERE date IS NOT NULL
GROUP BY date, COALESCE(model, 'unknown')
