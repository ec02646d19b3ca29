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

WITH results AS (
  SELECT
    _id, timestamp, is_copy,
    -- what Claude Code recorded belongs to the entry, so to its only result
    CASE WHEN len(list_filter(tool_blocks, each -> each['type'] LIKE '%tool_result')) = 1 THEN result END AS result,
    UNNEST(tool_blocks) AS block
  FROM bronze.stg_messages
  WHERE len(tool_blocks) > tool_use_count
)
SELECT
  _id, -- Document that holds the result.
  block['place'] AS block_index, -- Place of the block in the message, from 1.
  block['id'] AS tool_use_id, -- Call that the result answers.
  block['is_error'] AS is_error, -- Whether the tool reported an error.
  block['size'] AS result_size, -- Characters of the result: of its text, or of the JSON of its blocks.
  block['error_text'] AS error_text, -- The first 500 characters of an error; NULL for other results.
  result['searchCount'] AS web_searches, -- Web searches that Claude Code made for the call; NULL for other tools.
  COALESCE(result['type'] = 'create', FALSE) AS is_new_file, -- Whether Claude Code recorded that the call made a new file.
  result['structuredPatch']['added'] AS patch_added, -- Lines that the recorded patch adds; NULL where none was recorded.
  result['structuredPatch']['removed'] AS patch_removed, -- Lines that it removes.
  timestamp, -- When the result arrived.
  is_copy -- Whether the transcript is one that repeats entries of another.
FROM results
WHERE block['type'] LIKE '%tool_result' AND block['id'] IS NOT NULL
