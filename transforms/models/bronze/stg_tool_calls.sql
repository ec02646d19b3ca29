MODEL (
  name bronze.stg_tool_calls,
  kind CUSTOM (
    materialization 'by_change',
    materialization_properties (key = '_id')
  ),
  grain (_id, block_index),
  description 'One row per tool call block in an assistant message, copies included.',
  audits (
    unique_combination_of_columns(columns := (_id, block_index)),
    not_null(columns := (_id, block_index, tool_use_id, tool_name))
  )
);

WITH calls AS (
  SELECT
    * EXCLUDE (tool_blocks),
    UNNEST(tool_blocks) AS block
  FROM bronze.stg_messages
  WHERE role = 'assistant' AND tool_use_count > 0
)
SELECT
  _id, -- Document that holds the call.
  block['place'] AS block_index, -- Place of the block in the message, from 1.
  block['id'] AS tool_use_id, -- Identity of the call; its result names it.
  COALESCE(block['name'], 'unknown') AS tool_name, -- Tool that was called.
  block['file_path'] AS file_path, -- File the call names.
  CAST(list_sum(list_transform(block['edits'], edit -> edit['new'] - edit['equal'])) AS BIGINT) AS lines_added, -- Lines it writes, without those that an edit repeats at both ends of what it replaces; NULL for tools that write no file.
  CASE
    WHEN block['name'] IN ('Edit', 'MultiEdit')
    THEN CAST(list_sum(list_transform(block['edits'], edit -> edit['old'] - edit['equal'])) AS BIGINT)
  END AS lines_removed, -- Lines it replaces, without those; NULL where the call does not say what it replaces.
  session_id, -- Session of the call.
  project_id, -- Folder of the project.
  timestamp, -- When the call was made.
  is_sidechain, -- Whether a sub-agent made the call.
  is_copy, -- Whether the transcript is one that repeats entries of another.
  user_name, -- Who ran Claude Code.
  machine_name, -- Machine that the transcript was imported from.
  entrypoint, -- What Claude Code was started by.
  message_key, -- Digest of the message id of the response that makes the call.
  response_key -- Digest that identifies that response; NULL where the line reports none.
FROM calls
WHERE block['type'] LIKE '%tool_use' AND block['id'] IS NOT NULL
