MODEL (
  name silver.int_entries,
  kind FULL,
  description 'One row per entry: the original where copies repeat it. Entries without uuid are one per transcript and content.',
  audits (
    unique_combination_of_columns(columns := (entry_id)),
    not_null(columns := (entry_id))
  )
);

SELECT
  _id AS entry_id, -- Document that stands for the entry.
  uuid, -- Identity of the entry; NULL for types that have none.
  type, -- Type of the entry.
  session_id, -- Session; NULL where the entry names none.
  project_id, -- Folder of the project.
  timestamp, -- When the entry was written; NULL where it has no time of its own.
  is_sidechain, -- Whether a sub-agent wrote the entry.
  agent_id, -- Sub-agent that wrote the entry.
  cwd, -- Working directory.
  git_branch, -- Git branch.
  claude_version -- Version of Claude Code.
FROM bronze.stg_conversations
QUALIFY
  ROW_NUMBER() OVER (
    PARTITION BY
      uuid,
      -- a session copied under another name keeps its own summaries and titles
      CASE
        WHEN uuid IS NULL
        THEN md5(
          CAST(
            ROW(project_id, source_file, type, session_id, timestamp, message_content, message_raw, entry_raw)
            AS TEXT
          )
        )
      END
    ORDER BY is_copy, timestamp NULLS LAST, _id
  ) = 1
