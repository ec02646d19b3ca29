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

WITH responses AS (
  SELECT *, timestamp AT TIME ZONE 'UTC' AS utc, date_trunc('hour', timestamp AT TIME ZONE 'UTC') AS hour
  FROM silver.int_api_calls
  WHERE timestamp IS NOT NULL
), hours AS (
  SELECT hour, MAX(utc) AS latest
  FROM responses
  GROUP BY hour
), chain AS (
  -- An hour begins a window if it has a response later than the end of the window before it. The last one comes first.
  SELECT
    list_reduce(
      list_transform(list_sort(list(latest)), latest -> [latest]),
      (starts, hour) -> CASE
        WHEN list_extract(hour, 1) <= list_extract(starts, 1) + INTERVAL 5 HOUR THEN starts
        ELSE [date_trunc('hour', list_extract(hour, 1))] || starts
      END,
      CAST([] AS TIMESTAMP[])
    ) AS starts
  FROM hours
), windows AS (
  SELECT start, LAG(start) OVER (ORDER BY start) AS start_before
  FROM (
    SELECT UNNEST(starts) AS start
    FROM chain
  )
), hours_in_windows AS (
  SELECT
    hours.hour,
    MAX(windows.start) OVER (ORDER BY hours.hour) AS start,
    MAX(windows.start_before) OVER (ORDER BY hours.hour) AS start_before
  FROM hours
  LEFT JOIN windows
    ON windows.start = hours.hour
), placed AS (
  SELECT
    -- on the stroke of the end of the one before it, a response is not of this window
    CASE WHEN utc = start_before + INTERVAL 5 HOUR THEN start_before ELSE start END AS start,
    responses.*
  FROM responses
  INNER JOIN hours_in_windows
    ON hours_in_windows.hour = responses.hour
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
