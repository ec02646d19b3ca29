MODEL (
  name gold.fct_api_calls,
  kind VIEW,
  grain (entry_id),
  description 'One row per API response: its tokens and what they cost at list price.'
);

SELECT
  entry_id, -- Document of the line that reports the response in full.
  message_id, -- Identity of the response; unique with request_id, or with session_id where there is no request_id.
  request_id, -- API request; NULL where the line names none.
  session_id, -- Session; NULL where the line names none.
  project_id, -- Project.
  CAST(strftime(date, '%Y%m%d') AS INTEGER) AS date_key, -- Day as the number yyyymmdd; NULL where the line has no time.
  date, -- Day of the response in the configured time zone.
  timestamp, -- When the line was written.
  hour_of_day, -- Hour 0 to 23, in the configured time zone.
  is_sidechain, -- Whether a sub-agent made the request.
  model, -- Model that answered, as the API names it.
  input_tokens, -- Input tokens neither written to nor read from the cache.
  output_tokens, -- Output tokens.
  cache_creation_tokens, -- Input tokens written to the cache.
  cache_creation_5m_tokens, -- Input tokens written to the cache for 5 minutes.
  cache_creation_1h_tokens, -- Input tokens written to the cache for an hour.
  cache_read_tokens, -- Input tokens read from the cache.
  CAST(cost_usd AS DOUBLE) AS cost_usd -- List price in USD; NULL where the model has no price.
FROM silver.int_api_calls
