MODEL (
  name bronze.unwrapped,
  kind EMBEDDED,
  description 'Every landed document as one entry, with its long texts. A document that wraps a sub-agent entry (progress of subtype agent_progress) counts as the entry it wraps.'
);

WITH documents AS (
  SELECT
    *,
    -- parsing is expensive: only progress documents that may wrap an entry are parsed
    CASE
      WHEN type = 'progress' AND contains(entry_raw, 'agent_progress')
        AND json_extract_string(entry_raw, '$.data.type') = 'agent_progress'
        AND json_type(entry_raw, '$.data.message') = 'OBJECT'
      THEN json_extract(entry_raw, '$.data.message')
    END AS entry
  FROM raw.conversations
), wrapping AS (
  SELECT
    *,
    entry IS NOT NULL AS is_wrapped,
    json_extract(entry, '$.message') AS message,
    json_extract(entry, '$.message.content') AS content
  FROM documents
)
SELECT
  _id,
  CASE WHEN is_wrapped THEN json_extract_string(entry, '$.type') ELSE type END AS type,
  NULLIF(session_id, '') AS session_id,
  -- Windows names the same folder with either case of its drive letter
  CASE
    WHEN regexp_matches(project_id, '^[a-z]--') THEN upper(left(project_id, 1)) || substr(project_id, 2)
    ELSE project_id
  END AS project_id,
  CASE
    WHEN is_wrapped
    THEN COALESCE(TRY_CAST(json_extract_string(entry, '$.timestamp') AS TIMESTAMPTZ), timestamp)
    ELSE timestamp
  END AS timestamp,
  ingested_at,
  CASE
    WHEN NOT is_wrapped THEN message_content
    WHEN json_type(message) = 'VARCHAR' THEN json_extract_string(message, '$')
    WHEN json_type(content) = 'VARCHAR' THEN json_extract_string(content, '$')
    WHEN json_type(content) = 'ARRAY' THEN list_aggregate(
      list_transform(
        CAST(content AS JSON[]),
        block -> CASE
          WHEN json_type(block) = 'VARCHAR' THEN json_extract_string(block, '$')
          WHEN json_extract_string(block, '$.type') = 'text' THEN json_extract_string(block, '$.text')
          WHEN json_extract_string(block, '$.type') = 'tool_use'
          THEN '[tool_use: ' || json_extract_string(block, '$.name') || ']'
          WHEN json_extract_string(block, '$.type') = 'tool_result' THEN '[tool_result]'
        END
      ),
      'string_agg',
      chr(10)
    )
    WHEN json_type(content) <> 'NULL' THEN CAST(content AS TEXT)
  END AS message_content,
  CASE
    WHEN NOT is_wrapped THEN message_raw
    WHEN json_type(message) NOT IN ('VARCHAR', 'NULL') THEN CAST(message AS TEXT)
  END AS message_raw,
  source_file,
  NULLIF(CASE WHEN is_wrapped THEN json_extract_string(entry, '$.uuid') ELSE uuid END, '') AS uuid,
  CASE WHEN NOT is_wrapped THEN NULLIF(parent_uuid, '') END AS parent_uuid,
  NULLIF(
    CASE WHEN is_wrapped THEN json_extract_string(entry, '$.requestId') ELSE request_id END, ''
  ) AS request_id,
  CASE
    WHEN is_wrapped THEN json_extract_string(entry_raw, '$.data.agentId')
    ELSE agent_id
  END AS agent_id,
  is_wrapped OR COALESCE(is_sidechain, FALSE) AS is_sidechain,
  NOT is_wrapped AND COALESCE(is_meta, FALSE) AS is_meta,
  cwd,
  git_branch,
  claude_version,
  CASE WHEN NOT is_wrapped THEN entry_raw END AS entry_raw,
  COALESCE(
    regexp_matches(source_file, '(^|[/\\])agent-(acompact|aside_question)-'), FALSE
  ) AS is_copy
FROM wrapping
