MODEL (
  name silver.int_entries,
  kind CUSTOM (
    materialization 'by_change',
    materialization_properties (key = 'entry_key')
  ),
  grain (entry_id),
  description 'One row per entry: the original where copies repeat it. Entries without uuid are one per transcript and content.',
  audits (
    unique_combination_of_columns(columns := (entry_id)),
    unique_combination_of_columns(columns := (entry_key)),
    not_null(columns := (entry_id, entry_key, session_key))
  )
);

WITH repeated AS (
  SELECT entry_key
  FROM bronze.stg_conversations
  GROUP BY entry_key
  HAVING COUNT(*) > 1
), copies AS (
  SELECT line._id
  FROM bronze.stg_conversations AS line
  SEMI JOIN repeated
    ON repeated.entry_key = line.entry_key
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY line.entry_key ORDER BY line.is_copy, line.timestamp NULLS LAST, line._id
    ) > 1
)
SELECT
  line._id AS entry_id, -- Document that stands for the entry.
  line.entry_key, -- Digest that identifies the entry.
  line.uuid, -- Identity of the entry; NULL for types that have none.
  line.type, -- Type of the entry.
  line.session_id, -- Session; NULL where the entry names none.
  line.session_key, -- Session; where the entry names none, the document.
  line.project_id, -- Folder of the project.
  line.timestamp, -- When the entry was written; NULL where it has no time of its own.
  line.date, -- Day of the entry in the configured time zone.
  line.is_sidechain, -- Whether a sub-agent wrote the entry.
  line.agent_id, -- Sub-agent that wrote the entry.
  line.cwd, -- Working directory.
  line.git_branch, -- Git branch.
  line.claude_version, -- Version of Claude Code.
  line.user_name, -- Who ran Claude Code; NULL where no entry says.
  line.machine_name, -- Machine that the transcript was imported from; NULL where no import wrote it.
  line.entrypoint -- What Claude Code was started by, such as cli or sdk-py; NULL in old versions.
FROM bronze.stg_conversations AS line
ANTI JOIN copies
  ON copies._id = line._id
