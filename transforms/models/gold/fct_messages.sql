MODEL (
  name gold.fct_messages,
  kind VIEW,
  grain (entry_id),
  description 'One row per message: a user or assistant entry, without copies, or a prompt that was typed while Claude worked and has no entry.'
);

WITH project_names AS (
  SELECT project_id, project_name
  FROM gold.dim_projects
)
SELECT
  entry_id, -- Document that stands for the message.
  uuid, -- Identity of the entry.
  session_id, -- Session; NULL where the entry names none.
  project_id, -- Project.
  project_name, -- Last part of the project's directory; its folder where no entry names a directory.
  user_name, -- Who ran Claude Code; NULL where no entry says.
  machine_name, -- Machine that the transcript was imported from; NULL where no import wrote it.
  entrypoint, -- What Claude Code was started by, such as cli or sdk-py; NULL in old versions.
  CAST(strftime(date, '%Y%m%d') AS INTEGER) AS date_key, -- Day as the number yyyymmdd; NULL where the entry has no time.
  date, -- Day in the configured time zone.
  timestamp, -- When the message was written.
  role, -- Who speaks: user or assistant.
  message_kind, -- What the message is: prompt, agent_prompt, sdk_prompt, plan, notification, command, tool_result, interrupt, compact_summary or meta of a user; text, tool_use, thinking or mixed of the assistant.
  is_sidechain, -- Whether a sub-agent wrote the message.
  agent_id, -- Sub-agent that wrote the message.
  model, -- Model that answered, as the API names it.
  content_length, -- Characters of the texts and of the placeholders for tool calls and results.
  task_category, -- What a prompt asks for; NULL for other messages.
  time_of_day, -- Morning 6 to 11, afternoon 12 to 17, evening 18 to 21, else night, in the configured time zone.
  day_type, -- Weekday or weekend (Saturday, Sunday), in the configured time zone.
  hour_of_day, -- Hour 0 to 23, in the configured time zone.
  day_of_week, -- Day 0 (Monday) to 6 (Sunday), in the configured time zone.
  turn_type, -- Part in the conversation: initial_prompt (first of the session), follow_up, tool_result, response or system (the rest).
  message_sequence, -- Place in the session by time, from 1.
  response_time_seconds, -- Seconds from the user message before it, in the same session and sub-agent; NULL where an assistant message comes before it, and where no model answered.
  has_code_block, -- Whether the text holds a fenced code block.
  has_url, -- Whether the text holds a web address.
  is_question -- Whether a question mark ends a word of the text.
FROM silver.int_messages_enriched
LEFT JOIN project_names USING (project_id)
