MODEL (
  name gold.fct_api_calls,
  kind VIEW,
  grain (entry_id, iteration),
  description 'One row per API response, and per advisor and compaction that was bought with one: its tokens and what they cost at list price.'
);

WITH project_names AS (
  SELECT project_id, project_name
  FROM gold.dim_projects
)
SELECT
  entry_id, -- Document of the line that reports the response in full.
  iteration, -- 0 for the response itself, 1 and on for what was bought with it.
  call_kind, -- What was bought: response, advisor or compaction.
  message_id, -- Identity of the response; unique with iteration and request_id, or with session_id where there is no request_id.
  request_id, -- API request; NULL where the line names none.
  session_id, -- Session; NULL where the line names none.
  project_id, -- Project.
  project_name, -- Last part of the project's directory; its folder where no entry names a directory.
  user_name, -- Who ran Claude Code; NULL where no entry says.
  machine_name, -- Machine that the transcript was imported from; NULL where no import wrote it.
  entrypoint, -- What Claude Code was started by, such as cli or sdk-py; NULL in old versions.
  CAST(strftime(date, '%Y%m%d') AS INTEGER) AS date_key, -- Day as the number yyyymmdd; NULL where the line has no time.
  date, -- Day of the response in the configured time zone.
  timestamp, -- When the line was written.
  hour_of_day, -- Hour 0 to 23, in the configured time zone.
  is_sidechain, -- Whether a sub-agent made the request.
  model, -- Model that answered, as the API names it.
  speed, -- Speed at which it was served: standard or fast; NULL in old versions.
  inference_geo, -- Region it was served from; NULL in old versions.
  input_tokens, -- Input tokens neither written to nor read from the cache.
  output_tokens, -- Output tokens.
  cache_creation_tokens, -- Input tokens written to the cache.
  cache_creation_5m_tokens, -- Input tokens written to the cache for 5 minutes.
  cache_creation_1h_tokens, -- Input tokens written to the cache for an hour.
  cache_read_tokens, -- Input tokens read from the cache.
  web_searches, -- Searches of the web, the API's and Claude Code's own.
  CAST(cost_usd AS DOUBLE) AS cost_usd -- List price in USD; NULL where the model has no price.
FROM silver.int_api_calls
LEFT JOIN project_names USING (project_id)
