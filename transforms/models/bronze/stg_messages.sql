MODEL (
  name bronze.stg_messages,
  kind CUSTOM (
    materialization 'by_change',
    materialization_properties (key = '_id')
  ),
  grain (_id),
  description 'One row per user or assistant entry, and per text that was typed ahead, copies included: what its JSON holds, as narrow columns.',
  audits (
    unique_combination_of_columns(columns := (_id)),
    not_null(columns := (_id, role, session_key, message_kind))
  )
);

@DEF(tokens, count -> CAST(COALESCE(count, 0) AS BIGINT));
@DEF(
  written,
  usage -> @tokens(
    COALESCE(
      usage['cache_creation_input_tokens'],
      @tokens(usage['cache_creation']['ephemeral_5m_input_tokens'])
      + @tokens(usage['cache_creation']['ephemeral_1h_input_tokens'])
    )
  )
);
@DEF(written_1h, usage -> LEAST(@tokens(usage['cache_creation']['ephemeral_1h_input_tokens']), @written(usage)));

@DEF(stripped, text -> regexp_replace(text, '^\s+|\s+$', '', 'g'));

WITH entries AS (
  SELECT
    * EXCLUDE (type, message_content, queued_text),
    CASE WHEN type IN ('user', 'assistant') THEN type ELSE 'user' END AS role,
    COALESCE(message_content, queued_text, '') AS content
  FROM bronze.unwrapped
  WHERE type IN ('user', 'assistant') OR queued_by IS NOT NULL
), typed AS (
  SELECT
    *,
    -- what an editor shows Claude beside the text
    CASE
      WHEN role = 'user' AND contains(content, '<ide_')
      THEN @stripped(regexp_replace(content, '(?s)<ide_[a-z_]+>.*?</ide_[a-z_]+>', chr(10), 'g'))
      ELSE content
    END AS text
  FROM entries
), measured AS (
  SELECT
    *,
    -- a tool of the API's own (server_tool_use) is a tool, a bare string is a text
    list_transform(
      blocks,
      block -> CASE
        WHEN block['type'] LIKE '%tool_use' THEN 'tool_use'
        WHEN block['type'] LIKE '%tool_result' THEN 'tool_result'
        WHEN block['type'] LIKE '%thinking' THEN 'thinking'
        ELSE 'text'
      END
    ) AS kinds
  FROM typed
  WHERE queued_by IS NULL OR queued_by = 'popAll' OR regexp_matches(text, '^\s*[^\s</{]')
), classified AS (
  SELECT
    *,
    len(list_distinct(kinds)) AS kind_count,
    CASE
      WHEN queued_by IS NOT NULL THEN 'prompt'
      WHEN role = 'assistant' AND kind_count > 1 THEN 'mixed'
      WHEN role = 'assistant' AND kinds[1] IN ('tool_use', 'thinking') THEN kinds[1]
      WHEN role = 'assistant' THEN 'text'
      WHEN is_compact_summary THEN 'compact_summary'
      WHEN list_contains(kinds, 'tool_result') THEN 'tool_result'
      WHEN is_meta OR text = '' AND (message_raw IS NULL OR content <> '') THEN 'meta'
      WHEN starts_with(text, '[Request interrupted by user') THEN 'interrupt'
      WHEN regexp_matches(
        text,
        '^\s*<(command-(name|message|args)|local-command-(stdout|stderr|caveat)|bash-(input|stdout|stderr))>'
      ) THEN 'command'
      WHEN is_sidechain THEN 'agent_prompt'
      WHEN origin = 'task-notification'
        OR regexp_matches(text, '^\s*(<(teammate-message|task-notification|ci-monitor-event)\b|(Operation stopped by hook|Stop hook says)\b)')
      THEN 'notification'
      WHEN has_plan
        OR regexp_matches(claude_version, '^2\.1\.1[2-7]$') AND starts_with(text, 'Implement the following plan')
      THEN 'plan'
      WHEN prompt_source = 'sdk' AND starts_with(entrypoint, 'sdk-') THEN 'sdk_prompt'
      ELSE 'prompt'
    END AS message_kind
  FROM measured
)
SELECT
  _id, -- Document that holds the message.
  role, -- Who speaks: user or assistant.
  session_id, -- Session of the entry; NULL where it names none.
  COALESCE(session_id, _id) AS session_key, -- Session; where the entry names none, the document.
  project_id, -- Folder of the project.
  timestamp, -- When the entry was written.
  uuid, -- Identity of the entry.
  is_sidechain, -- Whether a sub-agent wrote the entry.
  is_copy, -- Whether the transcript is one that repeats entries of another.
  user_name, -- Who ran Claude Code.
  machine_name, -- Machine that the transcript was imported from.
  entrypoint, -- What Claude Code was started by.
  message_id, -- Identity of the API response; several lines share it.
  request_id, -- API request.
  CASE WHEN role = 'assistant' THEN CAST(md5(COALESCE(message_id, uuid, _id)) AS UUID) END
    AS message_key, -- Digest of the message id that the line reports; of its line where it names none.
  CASE
    WHEN role = 'assistant' AND model IS DISTINCT FROM '<synthetic>' AND (message_id IS NOT NULL OR usage IS NOT NULL)
    THEN CAST(md5(
      -- a gateway that names no message is taken at its line; some give every response the same message id
      COALESCE(message_id, uuid, _id) || ' ' || COALESCE('request ' || request_id, 'session ' || session_id, '')
    ) AS UUID)
  END AS response_key, -- Digest that identifies the API response; NULL where the line reports none.
  model, -- Model that answered, as the API names it.
  usage IS NOT NULL AS has_usage, -- Whether the line reports tokens.
  @tokens(usage['input_tokens']) AS input_tokens, -- Input tokens neither written to nor read from the cache; 0, as in all counts, where the number cannot be one.
  @tokens(usage['output_tokens']) AS output_tokens, -- Output tokens.
  @written(usage) AS cache_creation_tokens, -- Input tokens written to the cache.
  @written(usage) - @written_1h(usage) AS cache_creation_5m_tokens, -- Input tokens written to the cache for 5 minutes; all written ones where the line does not say for how long.
  @written_1h(usage) AS cache_creation_1h_tokens, -- Input tokens written to the cache for an hour.
  @tokens(usage['cache_read_input_tokens']) AS cache_read_tokens, -- Input tokens read from the cache.
  @tokens(usage['server_tool_use']['web_search_requests']) AS web_searches, -- Web searches that the API made itself.
  usage['speed'] AS speed, -- Speed it was served at: standard or fast; NULL in old versions.
  usage['inference_geo'] AS inference_geo, -- Region it was served from; NULL in old versions.
  list_filter(usage['iterations'], part -> part['type'] IN ('advisor_message', 'compaction'))
    AS iterations, -- Advisors and compactions of the response, whose tokens are not among the others.
  message_kind, -- What the message is: prompt, agent_prompt, sdk_prompt, plan, notification, command, tool_result, interrupt, compact_summary or meta of a user; text, tool_use, thinking or mixed of the assistant.
  queued_by, -- How a text was typed ahead: enqueue, attachment, or popAll where it was taken back; NULL for an entry of its own.
  CASE WHEN queued_by IS NOT NULL THEN @stripped(text) END AS queued_text, -- That text.
  CASE WHEN role = 'user' AND message_kind NOT IN ('tool_result', 'meta') THEN CAST(md5(@stripped(text)) AS UUID) END
    AS text_key, -- Digest of the user's text; NULL for other messages.
  CASE
    WHEN message_kind = 'prompt'
    THEN trim(left(regexp_replace(left(text, 400), '\s+', ' ', 'g'), 80)) || CASE WHEN length(text) > 80 THEN '…' ELSE '' END
  END AS beginning, -- The first 80 characters of a prompt; NULL for other messages.
  list_filter(blocks, block -> block['type'] LIKE '%tool_use' OR block['type'] LIKE '%tool_result') AS tool_blocks, -- Tool calls and results among the blocks.
  result, -- What Claude Code recorded of a tool's result; NULL for other messages.
  len(blocks) AS block_count, -- Content blocks.
  len(list_filter(kinds, kind -> kind = 'tool_use')) AS tool_use_count, -- Tool calls among the blocks.
  length(text) AS content_length, -- Characters of the texts and of the placeholders for tool calls and results.
  contains(text, '```') AS has_code_block, -- Whether the text holds a fenced code block.
  regexp_matches(text, 'https?://\S') AS has_url, -- Whether the text holds a web address.
  regexp_matches(text, '\?(\s|$)') AS is_question, -- Whether a question mark ends a word of the text.
  CASE
    WHEN message_kind <> 'prompt' THEN NULL
    WHEN regexp_matches(text, '(?i)\b(bugs?|buggy|bug-?fix(es)?|hotfix(es)?|fix(es|ed|ing)?|debug(s|ged|ging)?|errors?|exceptions?|crash(es|ed|ing)?|broken|regressions?)\b') THEN 'bug_fix'
    WHEN regexp_matches(text, '(?i)\b(features?|add(s|ed|ing)?|implement(s|ed|ing|ation)?|create(s|d)?|creating|introduc(e|es|ed|ing))\b') THEN 'feature'
    WHEN regexp_matches(text, '(?i)\b(refactor(s|ed|ing|ings)?|restructur(e|es|ed|ing)|renam(e|es|ed|ing)|simplif(y|ies|ied|ying|ications?)|clean-?ups?|clean(s|ed|ing)? up|reorgani[sz](e|es|ed|ing|ations?))\b') THEN 'refactor'
    WHEN regexp_matches(text, '(?i)\b(tests?|tested|testing|unit-?tests?|pytest|coverage)\b') THEN 'testing'
    WHEN regexp_matches(text, '(?i)\b(docs?|document(s|ed|ing|ation)?|docstrings?|readme|changelog)\b') THEN 'documentation'
    WHEN regexp_matches(text, '(?i)\b(review(s|ed|ing)?|audit(s|ed|ing)?|feedback|critiques?)\b') THEN 'review'
    ELSE 'other'
  END AS task_category -- What a prompt asks for, by the first of the categories whose words it holds; NULL for other messages.
FROM classified
