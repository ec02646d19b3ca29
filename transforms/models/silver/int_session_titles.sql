MODEL (
  name silver.int_session_titles,
  kind CUSTOM (
    materialization 'by_change',
    materialization_properties (key = 'title_key', int_entries = 'uuid')
  ),
  grain (_id),
  description 'One row per title that an entry gives a session, with that session. A summary is for the session of the entry that it names.',
  audits (
    unique_combination_of_columns(columns := (_id)),
    not_null(columns := (_id, title_key, title, rank))
  )
);

SELECT
  document._id, -- Document that holds the title.
  document.title_key, -- Entry whose session the title is for; the document where it names none.
  COALESCE(document.session_id, leaf.session_id) AS session_id, -- Session that the title is for; NULL where it is unknown.
  document.title, -- The title.
  CASE document.type WHEN 'custom-title' THEN 1 WHEN 'ai-title' THEN 2 ELSE 3 END AS rank, -- 1 for the title that a person gave, 2 for Claude Code's, 3 for a summary.
  document.timestamp -- When the title was given.
FROM bronze.stg_conversations AS document
LEFT JOIN silver.int_entries AS leaf
  ON leaf.uuid = document.title_key
WHERE document.title IS NOT NULL
