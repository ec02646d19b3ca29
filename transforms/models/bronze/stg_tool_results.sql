MODEL (
  name bronze.stg_tool_results,
  kind CUSTOM (
    materialization 'by_change',
    materialization_properties (key = '_id')
  ),
  grain (_id, block_index),
  description 'One row per tool result block in a message, copies included.',
  audits (
    unique_combination_of_columns(columns := (_id, block_index)),
    not_null(columns := (_id, block_index, tool_use_id, is_error, result_size))
  )
);

WITH messages AS (
  SELECT
    _id, timestamp, is_copy,
    json_transform(
      message_raw,
      '{"content": [{"type": "VARCHAR", "tool_use_id": "VARCHAR", "content": "VARCHAR", "is_error": "BOOLEAN"}]}'
    )['content'] AS content
  FROM bronze.unwrapped
  WHERE type IN ('user', 'assistant') AND contains(message_raw, 'tool_result')
), blocks AS (
  SELECT
    * EXCLUDE (content),
    UNNEST(content) AS block,
    generate_subscripts(content, 1) AS block_index
  FROM messages
)
SELECT
  _id, -- Document that holds the result.
  block_index, -- Place of the block in the message, from 1.
  block['tool_use_id'] AS tool_use_id, -- Call that the result answers.
  COALESCE(block['is_error'], FALSE) AS is_error, -- Whether the tool reported an error.
  COALESCE(length(block['content']), 0) AS result_size, -- Characters of the result: of its text, or of the JSON of its blocks.
  timestamp, -- When the result arrived.
  is_copy -- Whether the transcript is one that repeats entries of another.
FROM blocks
WHERE block['type'] LIKE '%tool_result' AND block['tool_use_id'] IS NOT NULL
