MODEL (
  name bronze.stg_conversations,
  kind CUSTOM (
    materialization 'by_change',
    materialization_properties (key = '_id')
  ),
  grain (_id),
  description 'One row per landed document, copies included, as the entry it is or wraps. The long texts stay in raw.conversations.',
  audits (
    unique_combination_of_columns(columns := (_id)),
    not_null(columns := (_id, entry_key, session_key, is_sidechain, is_copy))
  )
);

SELECT
  _id, -- Identity of the document in MongoDB.
  -- a session copied under another name keeps its own summaries and titles
  CAST(md5(
    COALESCE(
      uuid,
      CAST(
        ROW(
          project_id, source_file, type, session_id, timestamp, message_content, message_raw,
          -- an import and a sync service may both have stored the line
          regexp_replace(entry_raw, ',?"(userName|machineName)":"([^"\\]|\\.)*"', '', 'g'),
          parent_uuid, request_id, agent_id, is_sidechain, is_meta, cwd, git_branch, claude_version
        ) AS TEXT
      )
    )
  ) AS UUID) AS entry_key, -- Digest of the entry's uuid, or where it has none of its transcript and content: the same for all copies of it.
  type, -- Type of the entry: user, assistant, system, summary and others.
  session_id, -- Session the entry belongs to; NULL where the entry names none.
  COALESCE(session_id, _id) AS session_key, -- Session; where the entry names none, the document.
  project_id, -- Folder of the project, a Windows drive letter in upper case.
  timestamp, -- When the entry was written; NULL where it has no time of its own.
  CAST(timestamp AT TIME ZONE @VAR('timezone') AS DATE) AS date, -- Day of the entry in the configured time zone.
  ingested_at, -- When the sync service stored the document.
  source_file, -- Transcript that holds the line, relative to the project folder.
  uuid, -- Identity of the entry; NULL for types that have none.
  parent_uuid, -- Entry this one follows.
  request_id, -- API request that an assistant entry answers.
  agent_id, -- Sub-agent that wrote the entry.
  is_sidechain, -- Whether a sub-agent wrote the entry.
  is_meta, -- Whether Claude Code, not a person, wrote the user entry.
  cwd, -- Working directory.
  git_branch, -- Git branch.
  claude_version, -- Version of Claude Code.
  is_copy, -- Whether the transcript is one that repeats entries of another.
  -- Claude Code names the folder after the directory, with a dash for each character that is no letter or digit
  CASE
    WHEN lower(regexp_replace(cwd, '[^A-Za-z0-9]', '-', 'g')) = lower(project_id)
    THEN NULLIF(regexp_extract(cwd, '([^/\\]+)[/\\]*$', 1), '')
  END AS directory, -- Last part of the working directory, where the project is named after it.
  CASE WHEN type IN ('custom-title', 'ai-title', 'summary') THEN title END AS title, -- Title that the entry gives its session; NULL for other types.
  CASE
    WHEN type IN ('custom-title', 'ai-title', 'summary') AND title IS NOT NULL THEN COALESCE(leaf_uuid, _id)
  END AS title_key, -- Entry whose session the title is for; the document where it names none.
  user_name, -- Who ran Claude Code: what the import wrote, else the home folder in cwd or source_file; NULL where neither says.
  machine_name, -- Machine that the transcript was imported from; NULL where no import wrote it.
  entrypoint -- What Claude Code was started by, such as cli or sdk-py; NULL in old versions.
FROM bronze.unwrapped
