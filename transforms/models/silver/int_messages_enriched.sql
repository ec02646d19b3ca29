MODEL (
  name silver.int_messages_enriched,
  kind CUSTOM (
    materialization 'by_change',
    materialization_properties (key = 'session_key')
  ),
  grain (entry_id),
  description 'One row per message, in its place in the session and on the clock of the configured time zone: an entry, or a prompt that was typed while Claude worked and has no entry.',
  audits (
    unique_combination_of_columns(columns := (entry_id)),
    not_null(columns := (entry_id, session_key, role, message_kind, turn_type))
  )
);

WITH messages AS (
  SELECT
    entries.entry_id, entries.uuid, entries.session_id, entries.session_key,
    entries.project_id, entries.timestamp, entries.date,
    entries.is_sidechain, entries.agent_id,
    entries.user_name, entries.machine_name, entries.entrypoint,
    entries.timestamp AT TIME ZONE @VAR('timezone') AS local_time,
    message.role, message.message_kind, message.model, message.task_category,
    message.content_length, message.block_count, message.tool_use_count,
    message.has_code_block, message.has_url, message.is_question,
    message.beginning, message.queued_by, message.queued_text, message.text_key
  FROM silver.int_entries AS entries
  INNER JOIN bronze.stg_messages AS message
    ON message._id = entries.entry_id AND message.session_key = entries.session_key
), typed_ahead AS (
  SELECT
    session_key,
    text_key,
    ANY_VALUE(queued_text) AS queued_text,
    MIN(timestamp) AS first_typed_at,
    COUNT(*) FILTER(WHERE queued_by = 'enqueue') AS enqueued,
    COUNT(*) FILTER(WHERE queued_by = 'attachment') AS attached
  FROM messages
  WHERE queued_by IN ('enqueue', 'attachment')
  GROUP BY session_key, text_key
), taken_back AS (
  SELECT typed_ahead.session_key, typed_ahead.text_key, COUNT(*) AS times
  FROM typed_ahead
  INNER JOIN messages
    ON messages.session_key = typed_ahead.session_key AND messages.queued_by = 'popAll'
    AND messages.timestamp >= typed_ahead.first_typed_at
    AND contains(messages.queued_text, typed_ahead.queued_text)
  GROUP BY typed_ahead.session_key, typed_ahead.text_key
), sent AS (
  SELECT typed_ahead.session_key, typed_ahead.text_key, COUNT(*) AS times
  FROM typed_ahead
  INNER JOIN messages
    ON messages.session_key = typed_ahead.session_key AND messages.text_key = typed_ahead.text_key
    AND messages.queued_by IS NULL AND messages.timestamp >= typed_ahead.first_typed_at
  GROUP BY typed_ahead.session_key, typed_ahead.text_key
), unsent AS (
  -- a text may stand in the queue, in an attachment and in an entry of its own
  SELECT
    typed_ahead.session_key,
    typed_ahead.text_key,
    CASE WHEN attached > enqueued THEN 'attachment' ELSE 'enqueue' END AS queued_by,
    GREATEST(enqueued - COALESCE(taken_back.times, 0), attached) - COALESCE(sent.times, 0) AS times
  FROM typed_ahead
  LEFT JOIN taken_back
    ON taken_back.session_key = typed_ahead.session_key AND taken_back.text_key = typed_ahead.text_key
  LEFT JOIN sent
    ON sent.session_key = typed_ahead.session_key AND sent.text_key = typed_ahead.text_key
), newest_first AS (
  SELECT
    messages.*,
    unsent.times,
    ROW_NUMBER() OVER (
      PARTITION BY messages.session_key, messages.text_key
      ORDER BY messages.timestamp DESC NULLS LAST, messages.entry_id DESC
    ) AS number
  FROM messages
  INNER JOIN unsent
    ON unsent.session_key = messages.session_key AND unsent.text_key = messages.text_key
    AND unsent.queued_by = messages.queued_by
), prompts_without_entry AS (
  SELECT * EXCLUDE (times, number)
  FROM newest_first
  WHERE number <= times
), automated AS (
  SELECT DISTINCT session_key
  FROM messages
  WHERE message_kind = 'sdk_prompt'
), answered AS (
  SELECT
    *,
    LAG(role) OVER (
      PARTITION BY session_key, is_sidechain, agent_id ORDER BY timestamp NULLS LAST, entry_id
    ) AS previous_role,
    LAG(timestamp) OVER (
      PARTITION BY session_key, is_sidechain, agent_id ORDER BY timestamp NULLS LAST, entry_id
    ) AS previous_timestamp
  FROM messages
  WHERE queued_by IS NULL
  UNION ALL
  SELECT
    prompts_without_entry.*
    REPLACE (
      CASE WHEN automated.session_key IS NULL THEN message_kind ELSE 'sdk_prompt' END AS message_kind,
      CASE WHEN automated.session_key IS NULL THEN task_category END AS task_category
    ),
    CAST(NULL AS TEXT) AS previous_role,
    CAST(NULL AS TIMESTAMPTZ) AS previous_timestamp
  FROM prompts_without_entry
  LEFT JOIN automated
    ON automated.session_key = prompts_without_entry.session_key
), ordered AS (
  SELECT
    *,
    ROW_NUMBER() OVER (PARTITION BY session_key ORDER BY timestamp NULLS LAST, entry_id) AS place,
    ROW_NUMBER() OVER (PARTITION BY session_key, message_kind ORDER BY timestamp NULLS LAST, entry_id)
      AS place_in_kind,
    isodow(local_time) - 1 AS day_of_week,
    hour(local_time) AS hour_of_day
  FROM answered
)
SELECT
  entry_id, -- Document that stands for the message.
  uuid, -- Identity of the entry.
  session_id, -- Session of the message; NULL where it names none.
  session_key, -- Session; where the message names none, the document.
  project_id, -- Folder of the project.
  timestamp, -- When the message was written.
  date, -- Day in the configured time zone.
  role, -- Who speaks: user or assistant.
  message_kind, -- What the message is.
  is_sidechain, -- Whether a sub-agent wrote the message.
  agent_id, -- Sub-agent that wrote the message.
  model, -- Model that answered, as the API names it.
  content_length, -- Characters of the texts and of the placeholders for tool calls and results.
  block_count, -- Content blocks.
  tool_use_count, -- Tool calls among the blocks.
  task_category, -- What a prompt asks for; NULL for other messages.
  CASE
    WHEN hour_of_day BETWEEN 6 AND 11 THEN 'morning'
    WHEN hour_of_day BETWEEN 12 AND 17 THEN 'afternoon'
    WHEN hour_of_day BETWEEN 18 AND 21 THEN 'evening'
    WHEN hour_of_day IS NOT NULL THEN 'night'
  END AS time_of_day, -- Morning 6 to 11, afternoon 12 to 17, evening 18 to 21, else night, in the configured time zone.
  CASE
    WHEN day_of_week >= 5 THEN 'weekend'
    WHEN day_of_week IS NOT NULL THEN 'weekday'
  END AS day_type, -- Weekday or weekend (Saturday, Sunday), in the configured time zone.
  CAST(hour_of_day AS INTEGER) AS hour_of_day, -- Hour 0 to 23, in the configured time zone.
  CAST(day_of_week AS INTEGER) AS day_of_week, -- Day 0 (Monday) to 6 (Sunday), in the configured time zone.
  CASE
    WHEN role = 'assistant' THEN 'response'
    WHEN message_kind = 'tool_result' THEN 'tool_result'
    WHEN message_kind <> 'prompt' THEN 'system'
    WHEN place_in_kind = 1 THEN 'initial_prompt'
    ELSE 'follow_up'
  END AS turn_type, -- Part in the conversation: initial_prompt (first of the session), follow_up, tool_result, response or system (the rest).
  CASE WHEN session_id IS NOT NULL THEN place END AS message_sequence, -- Place in the session by time, from 1.
  CASE
    WHEN role = 'assistant' AND previous_role = 'user' AND model IS DISTINCT FROM '<synthetic>'
    THEN date_diff('millisecond', previous_timestamp, timestamp) / 1000
  END AS response_time_seconds, -- Seconds from the user message before it, in the same session and sub-agent; NULL where an assistant message comes before it, and where no model answered.
  has_code_block, -- Whether the text holds a fenced code block.
  has_url, -- Whether the text holds a web address.
  is_question, -- Whether a question mark ends a word of the text.
  beginning, -- The first 80 characters of a prompt; NULL for other messages.
  user_name, -- Who ran Claude Code; NULL where no entry says.
  machine_name, -- Machine that the transcript was imported from; NULL where no import wrote it.
  entrypoint -- What Claude Code was started by, such as cli or sdk-py; NULL in old versions.
FROM ordered
