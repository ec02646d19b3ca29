MODEL (
  name bronze.stg_conversations,
  kind VIEW,
  description 'Every landed document as one entry. A document that wraps a sub-agent entry (progress of subtype agent_progress) stands as the entry it wraps.',
  audits (
    unique_combination_of_columns(columns := (_id)),
    not_null(columns := (_id, is_sidechain, is_copy))
  )
);

WITH documents AS (
  SELECT
    _id, type, session_id, project_id, timestamp, ingested_at,
    message_role, message_content, message_raw, source_file,
    uuid, parent_uuid, request_id, agent_id, is_sidechain, is_meta,
    cwd, git_branch, claude_version, entry_raw,
    -- only progress documents pay for the look into their JSON
    CASE
      WHEN type = 'progress' AND json_type(entry_raw, '$.data.message') = 'OBJECT'
      THEN json_extract_string(entry_raw, '$.data.type')
    END AS subtype
  FROM raw.conversations
), wrappers AS (
  SELECT
    _id, session_id, project_id, timestamp, ingested_at, source_file, cwd, git_branch, claude_version,
    json_extract_string(entry_raw, '$.data.agentId') AS agent_id,
    json_extract(entry_raw, '$.data.message') AS entry,
    json_extract(entry_raw, '$.data.message.message') AS message,
    json_extract(entry_raw, '$.data.message.message.content') AS content
  FROM documents
  WHERE subtype = 'agent_progress'
), entries AS (
  SELECT
    _id, type, session_id, project_id, timestamp, ingested_at,
    message_role, message_content, message_raw, source_file,
    uuid, parent_uuid, request_id, agent_id, is_sidechain, is_meta,
    cwd, git_branch, claude_version, entry_raw
  FROM documents
  WHERE subtype IS DISTINCT FROM 'agent_progress'
  UNION ALL
  SELECT
    _id,
    json_extract_string(entry, '$.type') AS type,
    session_id,
    project_id,
    COALESCE(TRY_CAST(json_extract_string(entry, '$.timestamp') AS TIMESTAMPTZ), timestamp) AS timestamp,
    ingested_at,
    CASE WHEN json_type(message) = 'OBJECT' THEN json_extract_string(message, '$.role') END AS message_role,
    CASE
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
    CASE WHEN json_type(message) NOT IN ('VARCHAR', 'NULL') THEN CAST(message AS TEXT) END AS message_raw,
    source_file,
    json_extract_string(entry, '$.uuid') AS uuid,
    CAST(NULL AS TEXT) AS parent_uuid,
    json_extract_string(entry, '$.requestId') AS request_id,
    agent_id,
    TRUE AS is_sidechain,
    CAST(NULL AS BOOLEAN) AS is_meta,
    cwd,
    git_branch,
    claude_version,
    CAST(NULL AS TEXT) AS entry_raw
  FROM wrappers
)
SELECT
  _id, -- Identity of the document in MongoDB.
  type, -- Type of the entry: user, assistant, system, summary and others.
  session_id, -- Session the entry belongs to; NULL where the entry names none.
  -- Windows names the same folder with either case of its drive letter
  CASE
    WHEN regexp_matches(project_id, '^[a-z]--') THEN upper(left(project_id, 1)) || substr(project_id, 2)
    ELSE project_id
  END AS project_id, -- Folder of the project, a Windows drive letter in upper case.
  timestamp, -- When the entry was written; NULL where it has no time of its own.
  ingested_at, -- When the sync service stored the document.
  message_role, -- Role of the message.
  message_content, -- Texts of the message, with placeholders for tool calls and results.
  message_raw, -- JSON of the message.
  source_file, -- Transcript the line stands in, relative to the project folder.
  NULLIF(uuid, '') AS uuid, -- Identity of the entry; NULL for types that have none.
  parent_uuid, -- Entry this one follows.
  NULLIF(request_id, '') AS request_id, -- API request that an assistant entry answers.
  agent_id, -- Sub-agent that wrote the entry.
  COALESCE(is_sidechain, FALSE) AS is_sidechain, -- Whether a sub-agent wrote the entry.
  COALESCE(is_meta, FALSE) AS is_meta, -- Whether Claude Code, not a person, wrote the user entry.
  cwd, -- Working directory.
  git_branch, -- Git branch.
  claude_version, -- Version of Claude Code.
  entry_raw, -- JSON of the other fields; NULL for an unwrapped entry.
  COALESCE(
    regexp_matches(source_file, '(^|[/\\])agent-(acompact|aside_question)-'), FALSE
  ) AS is_copy -- Whether the transcript is one that repeats entries of another.
FROM entries
