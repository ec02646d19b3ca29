MODEL (
  name silver.int_api_calls,
  kind FULL,
  description 'One row per API response: of the lines that report it, the fullest. All lines count, copies and unwrapped ones too.',
  audits (
    unique_combination_of_columns(columns := (entry_id)),
    unique_combination_of_columns(columns := (message_id, request_id, session_id)),
    not_null(
      columns := (entry_id, message_id, input_tokens, output_tokens, cache_creation_tokens, cache_read_tokens)
    )
  )
);

-- what lies above 200,000 tokens of a kind is dearer on some models
@DEF(tiered, (tokens, price, factor) -> tokens * price + GREATEST(tokens - 200000, 0) * price * (factor - 1));

WITH lines AS (
  SELECT
    _id, session_id, project_id, timestamp, request_id, model, is_sidechain,
    input_tokens, output_tokens, cache_read_tokens,
    cache_creation_tokens, cache_creation_5m_tokens, cache_creation_1h_tokens,
    -- a gateway that names no message is taken at its line
    COALESCE(message_id, uuid, _id) AS message_id,
    -- providers and releases decorate the name that the price list knows
    regexp_replace(
      replace(regexp_replace(lower(model), '^.*(/|anthropic\.)', ''), '.', '-'),
      '([-@](\d{8}|latest|default)|-v\d+(:\d+)?|\[\w+\])+$',
      ''
    ) AS priced_model
  FROM bronze.stg_messages
  WHERE role = 'assistant' AND model IS DISTINCT FROM '<synthetic>' AND (message_id IS NOT NULL OR has_usage)
), responses AS (
  SELECT *
  FROM lines
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY
        message_id,
        request_id,
        -- some gateways give every response the same message id
        CASE WHEN request_id IS NULL THEN session_id END
      ORDER BY output_tokens DESC, timestamp NULLS LAST, _id
    ) = 1
)
SELECT
  response._id AS entry_id, -- Document of the line that reports the response in full.
  response.message_id, -- Identity of the response.
  response.request_id, -- API request; NULL where the line names none.
  response.session_id, -- Session of that line.
  response.project_id, -- Folder of the project.
  response.timestamp, -- When that line was written.
  CAST(response.timestamp AT TIME ZONE @VAR('timezone') AS DATE) AS date, -- Day of the response in the configured time zone.
  response.is_sidechain, -- Whether a sub-agent made the request.
  response.model, -- Model that answered, as the API names it.
  response.input_tokens, -- Input tokens neither written to nor read from the cache.
  response.output_tokens, -- Output tokens.
  response.cache_creation_tokens, -- Input tokens written to the cache.
  response.cache_creation_5m_tokens, -- Those kept for 5 minutes.
  response.cache_creation_1h_tokens, -- Those kept for an hour.
  response.cache_read_tokens, -- Input tokens read from the cache.
  (
    @tiered(response.input_tokens, price.input, price.above_200k)
    + @tiered(response.output_tokens, price.output, price.above_200k)
    + @tiered(response.cache_creation_5m_tokens, price.cache_write_5m, price.above_200k)
    + @tiered(response.cache_creation_1h_tokens, price.cache_write_1h, price.above_200k)
    + @tiered(response.cache_read_tokens, price.cache_read, price.above_200k)
  ) / 1000000 AS cost_usd -- List price in USD; NULL where the model has no price.
FROM responses AS response
LEFT JOIN bronze.seed_model_prices AS price
  ON price.model = response.priced_model
