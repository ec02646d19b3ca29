MODEL (
  name gold.dim_models,
  kind CUSTOM (
    materialization 'by_change'
  ),
  grain (model),
  description 'One row per model that answered, as an advisor too, with what it took and its list price.',
  audits (
    unique_combination_of_columns(columns := (model)),
    not_null(columns := (model, is_priced, api_calls))
  )
);

WITH prices AS (
  SELECT *
  FROM bronze.seed_model_prices
  WHERE prompt_above = 0
  QUALIFY ROW_NUMBER() OVER (PARTITION BY model ORDER BY valid_from DESC NULLS LAST) = 1
), used AS (
  SELECT
    COALESCE(model, 'unknown') AS model,
    ANY_VALUE(priced_model) AS priced_model,
    MIN(timestamp) AS first_used_at,
    MAX(timestamp) AS last_used_at,
    COUNT(*) FILTER (WHERE call_kind = 'response') AS api_calls,
    SUM(input_tokens) AS input_tokens,
    SUM(output_tokens) AS output_tokens,
    SUM(cache_creation_tokens) AS cache_creation_tokens,
    SUM(cache_read_tokens) AS cache_read_tokens,
    SUM(cost_usd) AS cost_usd
  FROM silver.int_api_calls
  GROUP BY COALESCE(model, 'unknown')
)
SELECT
  used.model, -- Model, as the API names it; unknown where a line names none.
  price.model IS NOT NULL AS is_priced, -- Whether the price list has it; if not, its responses have no cost.
  price.model AS priced_as, -- Its name in the price list.
  CAST(price.input AS DOUBLE) AS input_price, -- Newest list price in USD per million input tokens; for a longer prompt it may be higher.
  CAST(price.output AS DOUBLE) AS output_price, -- Newest list price in USD per million output tokens.
  CAST(price.cache_write_5m AS DOUBLE) AS cache_write_5m_price, -- Newest list price in USD per million tokens written to the cache for 5 minutes.
  CAST(price.cache_write_1h AS DOUBLE) AS cache_write_1h_price, -- Newest list price in USD per million tokens written to the cache for an hour.
  CAST(price.cache_read AS DOUBLE) AS cache_read_price, -- Newest list price in USD per million tokens read from the cache.
  used.first_used_at, -- Earliest response.
  used.last_used_at, -- Latest response.
  used.api_calls, -- API responses; the tokens and the cost are those of advisors and compactions, too.
  CAST(used.input_tokens AS BIGINT) AS input_tokens, -- Input tokens neither written to nor read from the cache.
  CAST(used.output_tokens AS BIGINT) AS output_tokens, -- Output tokens.
  CAST(used.cache_creation_tokens AS BIGINT) AS cache_creation_tokens, -- Input tokens written to the cache.
  CAST(used.cache_read_tokens AS BIGINT) AS cache_read_tokens, -- Input tokens read from the cache.
  CAST(used.cost_usd AS DOUBLE) AS cost_usd -- Cost in USD; NULL without a price.
FROM used
LEFT JOIN prices AS price
  ON price.model = used.priced_model
