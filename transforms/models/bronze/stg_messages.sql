MODEL (
  name bronze.stg_messages,
  kind CUSTOM (
    materialization 'by_change',
    materialization_properties (key = '_id')
  ),
  grain (_id),
  description 'One row per user or assistant entry, copies included: what its JSON holds, as narrow columns.',
  audits (
    unique_combination_of_columns(columns := (_id)),
    not_null(columns := (_id, role, session_key, message_kind))
  )
);

WITH parsed AS (
  SELECT
    _id, type, session_id, project_id, timestamp, request_id, uuid, is_sidechain, is_copy, is_meta, message_raw,
    COALESCE(message_content, '') AS content,
    json_transform(
      message_raw,
      '{
        "id": "VARCHAR",
        "model": "VARCHAR",
        "content": [{"type": "VARCHAR"}],
        "usage": {
          "input_tokens": "BIGINT",
          "output_tokens": "BIGINT",
          "cache_creation_input_tokens": "BIGINT",
          "cache_read_input_tokens": "BIGINT",
          "cache_creation": {"ephemeral_5m_input_tokens": "BIGINT", "ephemeral_1h_input_tokens": "BIGINT"},
          "speed": "VARCHAR",
          "inference_geo": "VARCHAR",
          "server_tool_use": {"web_search_requests": "BIGINT"},
          "iterations": [{
            "type": "VARCHAR", "model": "VARCHAR", "input_tokens": "BIGINT", "output_tokens": "BIGINT",
            "cache_creation_input_tokens": "BIGINT", "cache_read_input_tokens": "BIGINT",
            "cache_creation": {"ephemeral_5m_input_tokens": "BIGINT", "ephemeral_1h_input_tokens": "BIGINT"}
          }]
        }
      }'
    ) AS message,
    type = 'user' AND COALESCE(json_extract_string(entry_raw, '$.isCompactSummary') = 'true', FALSE)
      AS is_compact_summary
  FROM bronze.unwrapped
  WHERE type IN ('user', 'assistant')
), measured AS (
  SELECT
    *,
    message['id'] AS message_id,
    message['model'] AS model,
    message['usage'] AS usage,
    -- a tool of the API's own (server_tool_use) is a tool, a bare string is a text
    list_transform(
      COALESCE(message['content'], []),
      block -> CASE
        WHEN block['type'] LIKE '%tool_use' THEN 'tool_use'
        WHEN block['type'] LIKE '%tool_result' THEN 'tool_result'
        WHEN block['type'] LIKE '%thinking' THEN 'thinking'
        ELSE 'text'
      END
    ) AS blocks
  FROM parsed
), counted AS (
  SELECT
    *,
    len(list_distinct(blocks)) AS block_kinds,
    COALESCE(usage['cache_creation']['ephemeral_5m_input_tokens'], 0) AS cache_5m,
    COALESCE(usage['cache_creation']['ephemeral_1h_input_tokens'], 0) AS cache_1h
  FROM measured
), classified AS (
  SELECT
    *,
    COALESCE(usage['cache_creation_input_tokens'], cache_5m + cache_1h) AS cache_creation,
    CASE
      WHEN type = 'assistant' AND block_kinds > 1 THEN 'mixed'
      WHEN type = 'assistant' AND blocks[1] IN ('tool_use', 'thinking') THEN blocks[1]
      WHEN type = 'assistant' THEN 'text'
      WHEN is_compact_summary THEN 'compact_summary'
      WHEN list_contains(blocks, 'tool_result') THEN 'tool_result'
      WHEN is_meta OR message_raw IS NULL AND content = '' THEN 'meta'
      WHEN starts_with(content, '[Request interrupted by user') THEN 'interrupt'
      WHEN regexp_matches(
        content,
        '^\s*<(command-(name|message|args)|local-command-(stdout|stderr|caveat)|bash-(input|stdout|stderr))>'
      ) THEN 'command'
      ELSE 'prompt'
    END AS message_kind
  FROM counted
)
SELECT
  _id, -- Document that holds the message.
  type AS role, -- Who speaks: user or assistant.
  session_id, -- Session of the entry; NULL where it names none.
  COALESCE(session_id, _id) AS session_key, -- Session; where the entry names none, the document.
  project_id, -- Folder of the project.
  timestamp, -- When the entry was written.
  uuid, -- Identity of the entry.
  is_sidechain, -- Whether a sub-agent wrote the entry.
  is_copy, -- Whether the transcript is one that repeats entries of another.
  message_id, -- Identity of the API response; several lines share it.
  request_id, -- API request.
  CASE
    WHEN type = 'assistant' AND model IS DISTINCT FROM '<synthetic>' AND (message_id IS NOT NULL OR usage IS NOT NULL)
    THEN CAST(md5(
      -- a gateway that names no message is taken at its line; some give every response the same message id
      COALESCE(message_id, uuid, _id) || ' ' || COALESCE('request ' || request_id, 'session ' || session_id, '')
    ) AS UUID)
  END AS response_key, -- Digest that identifies the API response; NULL where the line reports none.
  CAST(md5(COALESCE(message_id, uuid, _id)) AS UUID) AS message_key, -- Digest of the message.
  usage['speed'] AS speed, -- Speed at which the response was served: standard or fast.
  usage['inference_geo'] AS inference_geo, -- Region that served the response.
  COALESCE(usage['server_tool_use']['web_search_requests'], 0) AS web_searches, -- Searches of the web by the API's own tool.
  CAST(list_transform(
    list_filter(usage['iterations'], each -> each['type'] IN ('advisor_message', 'compaction')),
    each -> {
      'type': each['type'],
      'model': each['model'],
      'input_tokens': each['input_tokens'],
      'output_tokens': each['output_tokens'],
      'cache_creation_5m_tokens': COALESCE(each['cache_creation_input_tokens'], each['cache_creation']['ephemeral_5m_input_tokens']),
      'cache_creation_1h_tokens': CAST(0 AS BIGINT),
      'cache_read_tokens': each['cache_read_input_tokens']
    }
  ) AS STRUCT(type TEXT, model TEXT, input_tokens BIGINT, output_tokens BIGINT, cache_creation_5m_tokens BIGINT, cache_creation_1h_tokens BIGINT, cache_read_tokens BIGINT)[])
    AS iterations, -- What else was bought with the response.
  model, -- Model that answered, as the API names it.
  usage IS NOT NULL AS has_usage, -- Whether the line reports tokens.
  COALESCE(usage['input_tokens'], 0) AS input_tokens, -- Input tokens neither written to nor read from the cache.
  COALESCE(usage['output_tokens'], 0) AS output_tokens, -- Output tokens.
  COALESCE(cache_creation, 0) AS cache_creation_tokens, -- Input tokens written to the cache.
  COALESCE(cache_creation, 0) - LEAST(cache_1h, COALESCE(cache_creation, 0))
    AS cache_creation_5m_tokens, -- Input tokens written to the cache for 5 minutes; all written ones where the line does not say for how long.
  LEAST(cache_1h, COALESCE(cache_creation, 0)) AS cache_creation_1h_tokens, -- Input tokens written to the cache for an hour.
  COALESCE(usage['cache_read_input_tokens'], 0) AS cache_read_tokens, -- Input tokens read from the cache.
  message_kind, -- What the message is: prompt, command, tool_result, interrupt, compact_summary or meta of a user; text, tool_use, thinking or mixed of the assistant.
  len(blocks) AS block_count, -- Content blocks.
  len(list_filter(blocks, kind -> kind = 'tool_use')) AS tool_use_count, -- Tool calls among the blocks.
  length(content) AS content_length, -- Characters of the texts and of the placeholders for tool calls and results.
  contains(content, '```') AS has_code_block, -- Whether the text holds a fenced code block.
  regexp_matches(content, 'https?://\S') AS has_url, -- Whether the text holds a web address.
  regexp_matches(content, '\?(\s|$)') AS is_question, -- Whether a question mark ends a word of the text.
  CASE
    WHEN message_kind <> 'prompt' THEN NULL
    WHEN regexp_matches(content, '(?i)\b(bugs?|buggy|bug-?fix(es)?|hotfix(es)?|fix(es|ed|ing)?|debug(s|ged|ging)?|errors?|exceptions?|crash(es|ed|ing)?|broken|regressions?)\b') THEN 'bug_fix'
    WHEN regexp_matches(content, '(?i)\b(features?|add(s|ed|ing)?|implement(s|ed|ing|ation)?|create(s|d)?|creating|introduc(e|es|ed|ing))\b') THEN 'feature'
    WHEN regexp_matches(content, '(?i)\b(refactor(s|ed|ing)?|restructur(e|es|ed|ing)|renam(e|es|ed|ing)|simplif(y|ies|ied|ying)|clean-?ups?|clean(s|ed|ing)? up|reorgani[sz](e|es|ed|ing))\b') THEN 'refactor'
    WHEN regexp_matches(content, '(?i)\b(tests?|tested|testing|unit-?tests?|pytest|coverage)\b') THEN 'testing'
    WHEN regexp_matches(content, '(?i)\b(docs?|document(s|ed|ing|ation)?|docstrings?|readme|changelog)\b') THEN 'documentation'
    WHEN regexp_matches(content, '(?i)\b(review(s|ed|ing)?|audit(s|ed|ing)?|feedback|critiques?)\b') THEN 'review'
    ELSE 'other'
  END AS task_category -- What a prompt asks for, by the first of the categories whose words it holds; NULL for other messages.
FROM classified
