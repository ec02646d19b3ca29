MODEL (
  name silver.int_messages_enriched,
  kind CUSTOM (
    materialization 'by_change',
    materialization_properties (key = 'session_key')
  ),
  grain (entry_id),
  description 'One row per message, in its place in the session and on the clock of the configured time zone.',
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
    entries.timestamp AT TIME ZONE @VAR('timezone') AS local_time,
    message.role, message.message_kind, message.model, message.task_category,
    message.content_length, message.block_count, message.tool_use_count,
    message.has_code_block, message.has_url, message.is_question
  FROM silver.int_entries AS entries
  INNER JOIN bronze.stg_messages AS message
    ON message._id = entries.entry_id AND message.session_key = entries.session_key
), ordered AS (
  SELECT
    *,
    ROW_NUMBER() OVER (PARTITION BY session_key ORDER BY timestamp NULLS LAST, entry_id) AS place,
    -- a sub-agent may be warmed up before the person has asked anything
    ROW_NUMBER() OVER (
      PARTITION BY session_key, message_kind ORDER BY is_sidechain, timestamp NULLS LAST, entry_id
    ) AS place_in_kind,
    LAG(role) OVER lane AS previous_role,
    LAG(timestamp) OVER lane AS previous_timestamp,
    isodow(local_time) - 1 AS day_of_week,
    hour(local_time) AS hour_of_day
  FROM messages
  WINDOW lane AS (
    PARTITION BY session_key, is_sidechain, agent_id ORDER BY timestamp NULLS LAST, entry_id
  )
)
SELECT
  entry_id, -- Document that stands for the entry.
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
    WHEN role = 'assistant' AND previous_role = 'user'
    THEN date_diff('millisecond', previous_timestamp, timestamp) / 1000
  END AS response_time_seconds, -- Seconds from the user message before it, in the same session and sub-agent; NULL where an assistant message comes before it.
  has_code_block, -- Whether the text holds a fenced code block.
  has_url, -- Whether the text holds a web address.
  is_question -- Whether a question mark ends a word of the text.
FROM ordered
