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

-- the last line may lack its newline
@DEF(
  lines_of,
  text -> CASE
    WHEN COALESCE(text, '') = '' THEN CAST([] AS TEXT[])
    ELSE string_split(regexp_replace(text, '\n$', ''), chr(10))
  END
);
@DEF(
  equal_from_start,
  (ours, theirs) -> COALESCE(
    list_position(list_transform(list_zip(ours, theirs, TRUE), pair -> pair[1] = pair[2]), FALSE) - 1,
    LEAST(len(ours), len(theirs))
  )
);

WITH messages AS (
  SELECT
    _id, session_id, project_id, timestamp, is_sidechain, is_copy,
    json_transform(
      message_raw,
      '{
        "content": [{
          "type": "VARCHAR",
          "id": "VARCHAR",
          "name": "VARCHAR",
          "input": {
            "file_path": "VARCHAR",
            "notebook_path": "VARCHAR",
            "content": "VARCHAR",
            "new_source": "VARCHAR",
            "old_string": "VARCHAR",
            "new_string": "VARCHAR",
            "edits": [{"old_string": "VARCHAR", "new_string": "VARCHAR"}]
          }
        }]
      }'
    )['content'] AS content
  FROM bronze.unwrapped
  WHERE type = 'assistant' AND contains(message_raw, 'tool_use')
), blocks AS (
  SELECT
    * EXCLUDE (content),
    UNNEST(content) AS block,
    generate_subscripts(content, 1) AS block_index
  FROM messages
), calls AS (
  SELECT
    * EXCLUDE (block),
    block['id'] AS tool_use_id,
    COALESCE(block['name'], 'unknown') AS tool_name,
    COALESCE(block['input']['file_path'], block['input']['notebook_path']) AS file_path,
    CASE block['name']
      WHEN 'Edit' THEN [
        {'old_string': block['input']['old_string'], 'new_string': block['input']['new_string']}
      ]
      WHEN 'MultiEdit' THEN block['input']['edits']
      WHEN 'Write' THEN [{'old_string': '', 'new_string': block['input']['content']}]
      WHEN 'NotebookEdit' THEN [{'old_string': '', 'new_string': block['input']['new_source']}]
    END AS edits
  FROM blocks
  WHERE block['type'] LIKE '%tool_use' AND block['id'] IS NOT NULL
), edits AS (
  SELECT
    _id,
    block_index,
    @lines_of(edit['old_string']) AS old_lines,
    @lines_of(edit['new_string']) AS new_lines
  FROM (SELECT _id, block_index, UNNEST(edits) AS edit FROM calls)
), changes AS (
  SELECT
    _id,
    block_index,
    len(old_lines) AS old_count,
    len(new_lines) AS new_count,
    -- an edit repeats what stands around it; a line must not count as equal from both ends
    LEAST(
      len(old_lines),
      len(new_lines),
      @equal_from_start(old_lines, new_lines)
      + @equal_from_start(list_reverse(old_lines), list_reverse(new_lines))
    ) AS equal_count
  FROM edits
), summed AS (
  SELECT
    _id,
    block_index,
    CAST(SUM(new_count - equal_count) AS BIGINT) AS lines_added,
    CAST(SUM(old_count - equal_count) AS BIGINT) AS lines_removed
  FROM changes
  GROUP BY _id, block_index
)
SELECT
  call._id, -- Document that holds the call.
  call.block_index, -- Place of the block in the message, from 1.
  call.tool_use_id, -- Identity of the call; its result names it.
  call.tool_name, -- Tool that was called.
  call.file_path, -- File the call names.
  summed.lines_added, -- Lines it writes, without those that an edit repeats at both ends of what it replaces; NULL for tools that write no file.
  CASE WHEN call.tool_name IN ('Edit', 'MultiEdit') THEN summed.lines_removed END AS lines_removed, -- Lines it replaces, without those; NULL where the call does not say what it replaces.
  call.session_id, -- Session of the call.
  call.project_id, -- Folder of the project.
  call.timestamp, -- When the call was made.
  call.is_sidechain, -- Whether a sub-agent made the call.
  call.is_copy -- Whether the transcript is one that repeats entries of another.
FROM calls AS call
LEFT JOIN summed
  ON summed._id = call._id AND summed.block_index = call.block_index
