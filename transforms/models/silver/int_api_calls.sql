MODEL (
  name silver.int_api_calls,
  kind CUSTOM (
    materialization 'by_change',
    materialization_properties (key = 'message_key')
  ),
  grain (entry_id, iteration),
  description 'One row per API response: of the lines that report it, the fullest. All lines count, copies and unwrapped ones too. Advisors and compactions, which the totals of a response leave out, are rows of their own.',
  audits (
    unique_combination_of_columns(columns := (entry_id, iteration)),
    unique_combination_of_columns(columns := (response_key, iteration)),
    not_null(
      columns := (
        entry_id, iteration, call_kind, response_key, message_key, message_id, input_tokens, output_tokens,
        cache_creation_tokens, cache_read_tokens, web_searches
      )
    )
  )
);

@DEF(tokens, count -> CAST(COALESCE(count, 0) AS BIGINT));
@DEF(
  written,
  part -> @tokens(
    COALESCE(
      part['cache_creation_input_tokens'],
      @tokens(part['cache_creation']['ephemeral_5m_input_tokens'])
      + @tokens(part['cache_creation']['ephemeral_1h_input_tokens'])
    )
  )
);
@DEF(written_1h, part -> LEAST(@tokens(part['cache_creation']['ephemeral_1h_input_tokens']), @written(part)));

WITH lines AS (
  SELECT *
  FROM bronze.stg_messages
  WHERE response_key IS NOT NULL
), ranked AS (
  SELECT
    *,
    BOOL_AND(is_sidechain) OVER (PARTITION BY response_key) AS is_aside,
    ROW_NUMBER() OVER (
      PARTITION BY response_key ORDER BY output_tokens DESC, timestamp NULLS LAST, is_copy, _id
    ) AS place
  FROM lines
), fullest AS (
  SELECT
    *,
    -- some gateways reuse one message for many responses; those differ in tokens
    COUNT(*) FILTER (WHERE NOT is_aside AND request_id IS NOT NULL) OVER (
      PARTITION BY message_key, input_tokens, cache_creation_tokens, cache_read_tokens
    ) > 0 AS is_outside_too
  FROM ranked
  WHERE place = 1
), searches AS (
  SELECT response_key, SUM(web_searches) AS searches
  FROM silver.int_tool_usage
  WHERE web_searches IS NOT NULL
  GROUP BY response_key
), responses AS (
  SELECT
    fullest.* EXCLUDE (model, web_searches),
    fullest.model AS response_model,
    fullest.web_searches + COALESCE(searches.searches, 0) AS response_searches,
    -- 0 is the response itself
    UNNEST(generate_series(0, COALESCE(array_length(fullest.iterations), 0))) AS iteration
  FROM fullest
  LEFT JOIN searches
    ON searches.response_key = fullest.response_key
  -- /btw asks aside: its sidechain repeats the response under a request of its own
  WHERE NOT (is_aside AND request_id IS NOT NULL AND is_outside_too)
), parts AS (
  SELECT *, list_extract(iterations, iteration) AS part
  FROM responses
), calls AS (
  SELECT
    * EXCLUDE (
      input_tokens, output_tokens, cache_creation_tokens, cache_creation_5m_tokens, cache_creation_1h_tokens,
      cache_read_tokens
    ),
    CASE
      WHEN iteration = 0 THEN 'response'
      WHEN part['type'] = 'compaction' THEN 'compaction'
      ELSE 'advisor'
    END AS call_kind,
    CASE WHEN iteration = 0 THEN response_model ELSE COALESCE(part['model'], response_model) END AS model,
    CASE WHEN iteration = 0 THEN input_tokens ELSE @tokens(part['input_tokens']) END AS input_tokens,
    CASE WHEN iteration = 0 THEN output_tokens ELSE @tokens(part['output_tokens']) END AS output_tokens,
    CASE WHEN iteration = 0 THEN cache_creation_tokens ELSE @written(part) END AS cache_creation_tokens,
    CASE WHEN iteration = 0 THEN cache_creation_5m_tokens ELSE @written(part) - @written_1h(part) END
      AS cache_creation_5m_tokens,
    CASE WHEN iteration = 0 THEN cache_creation_1h_tokens ELSE @written_1h(part) END AS cache_creation_1h_tokens,
    CASE WHEN iteration = 0 THEN cache_read_tokens ELSE @tokens(part['cache_read_input_tokens']) END
      AS cache_read_tokens,
    CASE WHEN iteration = 0 THEN CAST(response_searches AS BIGINT) ELSE 0 END AS web_searches,
    COALESCE(CAST(timestamp AT TIME ZONE 'UTC' AS DATE), CAST('9999-12-31' AS DATE)) AS priced_on,
    timestamp AT TIME ZONE @VAR('timezone') AS local_time
  FROM parts
), named AS (
  SELECT
    *,
    -- providers and releases decorate the name that the price list has: us.anthropic.NAME-20260101-v1:0
    regexp_replace(
      replace(regexp_replace(trim(lower(model)), '^.*(/|anthropic\.)', ''), '.', '-'),
      '((-v\d+)?[@:]\w+|-(\d{8}|\d{4}-\d\d-\d\d)(-v\d+)?|-latest|[-:]thinking|\[\w+\])+$',
      ''
    ) AS name,
    regexp_extract(lower(model), '(^|[/:])([a-z-]+)\.anthropic\.', 2) AS region
  FROM calls
), priced AS (
  SELECT
    *,
    -- claude-4-5-sonnet is claude-sonnet-4-5, but claude-3-5-sonnet is its own name
    regexp_replace(
      regexp_replace(name, '^(claude-.*)-v\d+$', '\1'),
      '^claude-([4-9]|[1-9]\d)((-\d{1,2})?)-([a-z]+)$',
      'claude-\4-\1\2'
    ) AS priced_model,
    GREATEST(input_tokens + cache_creation_tokens + cache_read_tokens, 1) AS prompt_tokens
  FROM named
), dated AS (
  SELECT
    * REPLACE (COALESCE(CAST(valid_from AS DATE), CAST('0001-01-01' AS DATE)) AS valid_from)
  FROM bronze.seed_model_prices
), beginning AS (
  SELECT
    * REPLACE (
      CASE
        WHEN valid_from = MIN(valid_from) OVER (PARTITION BY model) THEN CAST('0001-01-01' AS DATE)
        ELSE valid_from
      END AS valid_from
    )
  FROM dated
), days AS (
  SELECT
    model,
    valid_from AS since,
    LEAD(valid_from) OVER (PARTITION BY model ORDER BY valid_from) AS until
  FROM (
    SELECT DISTINCT model, valid_from
    FROM beginning
  )
), in_force AS (
  SELECT
    beginning.*,
    days.since,
    days.until
  FROM days
  JOIN beginning
    ON beginning.model = days.model AND beginning.valid_from <= days.since
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY days.model, days.since, beginning.prompt_above ORDER BY beginning.valid_from DESC
    ) = 1
), prices AS (
  SELECT
    *,
    LEAD(prompt_above) OVER (PARTITION BY model, since ORDER BY prompt_above) AS prompt_up_to
  FROM in_force
)
SELECT
  call._id AS entry_id, -- Document of the line that reports the response in full.
  call.response_key, -- Digest that identifies the response.
  call.message_key, -- Digest of its message, which many responses of a gateway may share.
  CAST(call.iteration AS INTEGER) AS iteration, -- 0 for the response itself, 1 and on for what was bought with it.
  call.call_kind, -- What was bought: response, advisor or compaction.
  COALESCE(call.message_id, call.uuid, call._id) AS message_id, -- Identity of the response; of its line where it has none.
  call.request_id, -- API request; NULL where the line names none.
  call.session_id, -- Session of that line.
  call.project_id, -- Folder of the project.
  call.timestamp, -- When that line was written.
  CAST(call.local_time AS DATE) AS date, -- Day of the response in the configured time zone.
  CAST(hour(call.local_time) AS INTEGER) AS hour_of_day, -- Hour 0 to 23, in the configured time zone.
  call.is_sidechain, -- Whether a sub-agent made the request.
  call.user_name, -- Who ran Claude Code; NULL where no entry says.
  call.machine_name, -- Machine that the transcript was imported from; NULL where no import wrote it.
  call.entrypoint, -- What Claude Code was started by; NULL in old versions.
  call.model, -- Model that answered, as the API names it.
  call.priced_model, -- Model as the price list would name it.
  call.speed, -- Speed at which the response was served: standard or fast; NULL where the line does not say.
  call.inference_geo, -- Where it was computed, as the API says.
  call.input_tokens, -- Input tokens neither written to nor read from the cache.
  call.output_tokens, -- Output tokens.
  call.cache_creation_tokens, -- Input tokens written to the cache.
  call.cache_creation_5m_tokens, -- Input tokens written to the cache for 5 minutes.
  call.cache_creation_1h_tokens, -- Input tokens written to the cache for an hour.
  call.cache_read_tokens, -- Input tokens read from the cache.
  call.web_searches, -- Searches of the web, the API's and Claude Code's own.
  -- decimals, so that sums do not depend on their order, each with room for all digits of its product
  CAST(
    CAST(
      CAST(
        call.input_tokens * price.input
        + call.output_tokens * price.output
        + call.cache_creation_5m_tokens * price.cache_write_5m
        + call.cache_creation_1h_tokens * price.cache_write_1h
        + call.cache_read_tokens * price.cache_read
        AS DECIMAL(24, 6)
      )
      * CAST(CASE WHEN call.speed = 'fast' THEN COALESCE(price.fast_factor, 1) ELSE 1 END AS DECIMAL(6, 3))
      * CAST(
        CASE
          WHEN call.region NOT IN ('', 'global') THEN CAST(1.1 AS DECIMAL(6, 3))
          WHEN call.inference_geo = 'us' THEN COALESCE(price.region_factor, 1)
          ELSE 1
        END
        AS DECIMAL(6, 3)
      )
      AS DECIMAL(30, 6)
    )
    * CAST(0.000001 AS DECIMAL(6, 6))
    + CASE WHEN price.model IS NOT NULL THEN call.web_searches * CAST(0.01 AS DECIMAL(4, 2)) END
    AS DECIMAL(38, 12)
  ) AS cost_usd -- List price in USD; NULL where the model has no price.
FROM priced AS call
LEFT JOIN prices AS price
  ON price.model = call.priced_model
  AND call.priced_on >= price.since
  AND (price.until IS NULL OR call.priced_on < price.until)
  AND call.prompt_tokens > price.prompt_above
  AND (price.prompt_up_to IS NULL OR call.prompt_tokens <= price.prompt_up_to)
