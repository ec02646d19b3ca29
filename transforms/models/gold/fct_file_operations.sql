MODEL (
  name gold.fct_file_operations,
  kind VIEW,
  grain (tool_use_id),
  description 'One row per call of Read, Write, Edit, MultiEdit or NotebookEdit: the file, and the lines it changes.'
);

WITH project_names AS (
  SELECT project_id, project_name
  FROM gold.dim_projects
), operations AS (
  SELECT
    *,
    NULLIF(lower(regexp_extract(file_path, '[^/\\]\.([A-Za-z0-9_+-]+)$', 1)), '') AS file_extension,
    lower(regexp_extract(file_path, '([^/\\]*)$', 1)) AS file_name
  FROM silver.int_tool_usage
  WHERE tool_name IN ('Read', 'Write', 'Edit', 'MultiEdit', 'NotebookEdit')
)
SELECT
  tool_use_id, -- Identity of the call.
  entry_id, -- Document that holds the call.
  session_id, -- Session; NULL where the entry names none.
  project_id, -- Project.
  project_name, -- Last part of the project's directory; its folder where no entry names a directory.
  user_name, -- Who ran Claude Code; NULL where no entry says.
  machine_name, -- Machine that the transcript was imported from; NULL where no import wrote it.
  entrypoint, -- What Claude Code was started by, such as cli or sdk-py; NULL in old versions.
  CAST(strftime(date, '%Y%m%d') AS INTEGER) AS date_key, -- Day as the number yyyymmdd; NULL where the entry has no time.
  date, -- Day of the call in the configured time zone.
  called_at, -- When the call was made.
  tool_name, -- Tool that was called.
  CASE tool_name WHEN 'Read' THEN 'read' WHEN 'Write' THEN 'write' ELSE 'edit' END AS operation_type, -- What is done to the file: read, write (as a whole) or edit.
  file_path, -- File the call names; NULL where it names none.
  file_extension, -- What follows the last dot of the file's name, in lower case; NULL where there is none.
  CASE
    WHEN file_path IS NULL THEN NULL
    WHEN regexp_matches(file_name, '(^|[._-])(tests?|specs?)[._-]') THEN 'test'
    WHEN file_extension IN (
      'py', 'pyi', 'js', 'jsx', 'mjs', 'cjs', 'ts', 'tsx', 'go', 'rs', 'java', 'kt', 'kts', 'scala', 'c', 'h',
      'cc', 'cpp', 'hpp', 'cs', 'rb', 'php', 'swift', 'm', 'lua', 'pl', 'r', 'jl', 'ex', 'exs', 'erl', 'hs',
      'clj', 'dart', 'vue', 'svelte', 'zig', 'nim', 'f90', 'sol'
    ) THEN 'code'
    WHEN file_extension IN ('sh', 'bash', 'zsh', 'fish', 'ps1', 'bat', 'cmd', 'mk')
      OR file_name IN ('makefile', 'dockerfile', 'justfile') THEN 'script'
    WHEN file_extension IN ('md', 'mdx', 'rst', 'txt', 'adoc', 'tex', 'pdf', 'docx')
      OR file_name IN ('readme', 'license', 'changelog') THEN 'documentation'
    WHEN file_extension IN ('json', 'jsonc', 'yaml', 'yml', 'toml', 'ini', 'cfg', 'conf', 'env', 'lock', 'xml', 'tf')
      OR starts_with(file_name, '.') THEN 'configuration'
    WHEN file_extension IN ('csv', 'tsv', 'jsonl', 'ndjson', 'parquet', 'db', 'sqlite', 'duckdb', 'log') THEN 'data'
    WHEN file_extension IN ('sql', 'prql', 'graphql', 'gql') THEN 'query'
    WHEN file_extension IN ('html', 'htm', 'css', 'scss', 'sass', 'less') THEN 'web'
    WHEN file_extension IN ('png', 'jpg', 'jpeg', 'gif', 'svg', 'webp', 'ico', 'bmp') THEN 'image'
    WHEN file_extension = 'ipynb' THEN 'notebook'
    ELSE 'other'
  END AS file_type_category, -- What kind of file it is: test, code, script, documentation, configuration, data, query, web, image, notebook or other; NULL where the call names no file.
  lines_added, -- Lines added, none by a call that failed; NULL for Read.
  lines_removed, -- Lines removed; NULL for Read, and where neither a patch nor the call says.
  lines_from, -- Whether lines are those of the patch that Claude Code recorded, or were counted from the call: patch or call; NULL for Read.
  has_result, -- Whether the call has a result.
  is_error -- Whether the tool reported an error: then the file is as it was.
FROM operations
LEFT JOIN project_names USING (project_id)
