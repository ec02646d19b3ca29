MODEL (
  name bronze.stg_tool_calls,
  kind FULL,
  description 'One row per tool call block in an assistant message, copies included.',
  audits (
    unique_combination_of_columns(columns := (_id, block_index)),
    not_null(columns := (_id, block_index, tool_use_id, tool_name))
  )
);

WITH blocks AS (
  SELECT
    _id, session_id, project_id, timestamp, is_sidechain, is_copy,
    json_transform(
      message_raw,
      '{
        "content": [{
          "type": "VARCHAR",
          "id": "VARCHAR",
          "name": "VARCHAR",
          "input": {"file_path": "VARCHAR", "notebook_path": "VARCHAR"}
        }]
      }'
    )['content'] AS content
  FROM bronze.stg_conversations
  WHERE type = 'assistant'
), calls AS (
  SELECT
    _id, session_id, project_id, timestamp, is_sidechain, is_copy,
    UNNEST(content) AS block,
    generate_subscripts(content, 1) AS block_index
  FROM blocks
)
SELECT
  _id, -- Document the call stands in.
  block_index, -- Place of the block in the message, from 1.
  block['id'] AS tool_use_id, -- Identity of the call; its result names it.
  COALESCE(block['name'], 'unknown') AS tool_name, -- Tool that was called.
  COALESCE(block['input']['file_path'], block['input']['notebook_path']) AS file_path, -- File the call names.
  session_id, -- Session of the call.
  project_id, -- Folder of the project.
  timestamp, -- When the call was made.
  is_sidechain, -- Whether a sub-agent made the call.
  is_copy -- Whether the transcript is one that repeats entries of another.
FROM calls
WHERE block['type'] LIKE '%tool_use' AND block['id'] IS NOT NULL
