MODEL (
  name silver.int_api_calls,
  kind CUSTOM (
    materialization 'by_change',
    materialization_properties (key = 'response_key')
  ),
  grain (entry_id),
  description 'One row per API response: of the lines that report it, the fullest. All lines count, copies and unwrapped ones too.',
  audits (
    unique_combination_of_columns(columns := (entry_id)),
    unique_combination_of_columns(columns := (response_key)),
    not_null(
      columns := (
        entry_id, response_key, message_id, input_tokens, output_tokens, cache_creation_tokens, cache_read_tokens
      )
    )
  )
);

-- what lies above 200,000 tokens of a kind of input costs more on some models
@DEF(tiered, (tokens, price, factor) -> tokens * price + GREATEST(tokens - 200000, 0) * price * (factor - 1));

WITH lines AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY response_key ORDER BY output_tokens DESC, timestamp NULLS LAST, is_copy, _id
    ) AS place
  FROM bronze.stg_messages
  WHERE response_key IS NOT NULL
), responses AS (
  SELECT
    *,
    -- providers and releases decorate the name that the price list has
    regexp_replace(
      replace(regexp_replace(lower(model), '^.*(/|anthropic\.)', ''), '.', '-'),
      '([-@](\d{8}|latest|default)|-v\d+(:\d+)?|\[\w+\])+$',
      ''
    ) AS priced_model,
    COALESCE(CAST(timestamp AT TIME ZONE 'UTC' AS DATE), CAST('infinity' AS DATE)) AS priced_on,
    timestamp AT TIME ZONE @VAR('timezone') AS local_time
  FROM lines
  WHERE place = 1
), prices AS (
  SELECT
    * EXCLUDE (valid_from),
    CASE
      WHEN ROW_NUMBER() OVER (PARTITION BY model ORDER BY valid_from NULLS FIRST) > 1 THEN CAST(valid_from AS DATE)
      ELSE CAST('-infinity' AS DATE)
    END AS valid_from
  FROM bronze.seed_model_prices
)
SELECT
  response._id AS entry_id, -- Document of the line that reports the response in full.
  response.response_key, -- Digest that identifies the response.
  COALESCE(response.message_id, response.uuid, response._id) AS message_id, -- Identity of the response; of its line where it has none.
  response.request_id, -- API request; NULL where the line names none.
  response.session_id, -- Session of that line.
  response.project_id, -- Folder of the project.
  response.timestamp, -- When that line was written.
  CAST(response.local_time AS DATE) AS date, -- Day of the response in the configured time zone.
  CAST(hour(response.local_time) AS INTEGER) AS hour_of_day, -- Hour 0 to 23, in the configured time zone.
  response.is_sidechain, -- Whether a sub-agent made the request.
  response.model, -- Model that answered, as the API names it.
  response.priced_model, -- Model as the price list would name it.
  response.input_tokens, -- Input tokens neither written to nor read from the cache.
  response.output_tokens, -- Output tokens.
  response.cache_creation_tokens, -- Input tokens written to the cache.
  response.cache_creation_5m_tokens, -- Input tokens written to the cache for 5 minutes.
  response.cache_creation_1h_tokens, -- Input tokens written to the cache for an hour.
  response.cache_read_tokens, -- Input tokens read from the cache.
  -- decimals, so that sums do not depend on their order
  CAST(
    (
      @tiered(response.input_tokens, price.input, price.above_200k)
      + response.output_tokens * price.output
      + @tiered(response.cache_creation_5m_tokens, price.cache_write_5m, price.above_200k)
      + @tiered(response.cache_creation_1h_tokens, price.cache_write_1h, price.above_200k)
      + @tiered(response.cache_read_tokens, price.cache_read, price.above_200k)
    ) * CAST(0.000001 AS DECIMAL(6, 6)) AS DECIMAL(24, 12)
  ) AS cost_usd -- List price in USD; NULL where the model has no price.
FROM responses AS response
ASOF LEFT JOIN prices AS price
  ON price.model = response.priced_model AND response.priced_on >= price.valid_from
