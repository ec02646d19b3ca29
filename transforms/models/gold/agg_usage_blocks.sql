MODEL (
  name gold.agg_usage_blocks,
  kind CUSTOM (
    materialization 'by_change'
  ),
  grain (block_start),
  description 'One row per window of five hours that usage limits are counted in: it begins with the UTC hour of its first response.',
  audits (
    unique_combination_of_columns(columns := (block_start)),
    not_null(columns := (block_start, block_end, api_calls))
  )
);

WITH RECURSIVE hours AS (
  SELECT
    date_trunc('hour', timestamp AT TIME ZONE 'UTC') AS hour,
    -- a response on the stroke of the hour may still belong to the window that ends there
    BOOL_OR(timestamp AT TIME ZONE 'UTC' > date_trunc('hour', timestamp AT TIME ZONE 'UTC')) AS goes_on
  FROM silver.int_api_calls
  WHERE timestamp IS NOT NULL
  GROUP BY 1
), nexts AS (
  SELECT
    hour,
    LEAST(
      MIN(hour) FILTER(WHERE goes_on) OVER (ORDER BY hour RANGE BETWEEN INTERVAL 5 HOUR FOLLOWING AND UNBOUNDED FOLLOWING),
      MIN(hour) OVER (ORDER BY hour RANGE BETWEEN INTERVAL 6 HOUR FOLLOWING AND UNBOUNDED FOLLOWING)
    ) AS next
  FROM hours
), jumps AS (
  -- The first hour begins a window, and so does the next of any that does. Each step looks twice as far ahead.
  SELECT hour, next, hour = MIN(hour) OVER () AS is_start
  FROM nexts
  UNION ALL
  SELECT one.hour, two.next, one.is_start OR one.hour IN (SELECT next FROM jumps WHERE is_start)
  FROM jumps AS one
  LEFT JOIN jumps AS two
    ON two.hour = one.next
  WHERE (SELECT COUNT(next) FROM jumps) > 0
), starts AS (
  SELECT DISTINCT hour AS start
  FROM jumps
  WHERE is_start
), responses AS (
  SELECT *, timestamp AT TIME ZONE 'UTC' AS utc
  FROM silver.int_api_calls
  WHERE timestamp IS NOT NULL
), blocks AS (
  SELECT start, LAG(start) OVER (ORDER BY start) + INTERVAL 5 HOUR AS end_before
  FROM starts
), placed AS (
  SELECT
    -- on the stroke of the end of the one before it, a response is not of this window
    CASE WHEN responses.utc = blocks.end_before THEN blocks.end_before - INTERVAL 5 HOUR ELSE blocks.start END
      AS start,
    responses.*
  FROM responses
  ASOF JOIN blocks
    ON responses.utc >= blocks.start
)
SELECT
  start AT TIME ZONE 'UTC' AS block_start, -- Beginning of the window.
  (start + INTERVAL 5 HOUR) AT TIME ZONE 'UTC' AS block_end, -- Its end.
  MIN(timestamp) AS first_activity_at, -- Earliest response.
  MAX(timestamp) AS last_activity_at, -- Latest response.
  COUNT(*) FILTER(WHERE call_kind = 'response') AS api_calls, -- API responses; tokens and cost are also those of advisors and compactions.
  CAST(SUM(input_tokens) AS BIGINT) AS input_tokens, -- Input tokens neither written to nor read from the cache.
  CAST(SUM(output_tokens) AS BIGINT) AS output_tokens, -- Output tokens.
  CAST(SUM(cache_creation_tokens) AS BIGINT) AS cache_creation_tokens, -- Input tokens written to the cache.
  CAST(SUM(cache_read_tokens) AS BIGINT) AS cache_read_tokens, -- Input tokens read from the cache.
  CAST(SUM(input_tokens + output_tokens + cache_creation_tokens + cache_read_tokens) AS BIGINT)
    AS tokens, -- Tokens of all kinds.
  CAST(SUM(cost_usd) AS DOUBLE) AS cost_usd, -- Cost in USD of the responses that have a price; NULL where none has.
  list_sort(list_distinct(list(model) FILTER(WHERE model IS NOT NULL))) AS models -- Models that answered.
FROM placed
GROUP BY start
