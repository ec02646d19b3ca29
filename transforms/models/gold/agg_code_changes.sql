MODEL (
  name gold.agg_code_changes,
  kind CUSTOM (
    materialization 'by_change',
    materialization_properties (key = 'date')
  ),
  grain (date_key, project_id),
  description 'One row per project and day on which its files were read or changed, in the configured time zone. Calls that failed count as failed, and change no lines.',
  audits (
    unique_combination_of_columns(columns := (date_key, project_id)),
    not_null(columns := (date_key, date, lines_added, lines_removed))
  )
);

SELECT
  CAST(strftime(date, '%Y%m%d') AS INTEGER) AS date_key, -- Day as the number yyyymmdd.
  date, -- Day.
  project_id, -- Project; NULL where the entry names none.
  COUNT(*) FILTER(WHERE tool_name = 'Read' AND NOT is_error) AS reads, -- Files read, each time.
  COUNT(*) FILTER(WHERE tool_name = 'Write' AND NOT is_error) AS writes, -- Files written as a whole.
  COUNT(*) FILTER(WHERE tool_name NOT IN ('Read', 'Write') AND NOT is_error) AS edits, -- Edits of files, with Edit, MultiEdit or NotebookEdit.
  COUNT(*) FILTER(WHERE is_error) AS failed, -- Calls that reported an error.
  COUNT(DISTINCT file_path) FILTER(WHERE tool_name <> 'Read' AND NOT is_error) AS files_changed, -- Different files written or edited.
  CAST(COALESCE(SUM(lines_added) FILTER(WHERE NOT is_error), 0) AS BIGINT) AS lines_added, -- Lines added.
  CAST(COALESCE(SUM(lines_removed) FILTER(WHERE NOT is_error), 0) AS BIGINT) AS lines_removed -- Lines removed, where a patch or the call says.
FROM silver.int_tool_usage
WHERE date IS NOT NULL AND tool_name IN ('Read', 'Write', 'Edit', 'MultiEdit', 'NotebookEdit')
GROUP BY date, project_id
