MODEL (
  name bronze.seed_tool_categories,
  kind SEED (
    path '../../seeds/tool_categories.csv'
  ),
  grain (tool_name),
  description 'Category of each tool that comes with Claude Code.',
  columns (
    tool_name TEXT,
    category TEXT
  ),
  column_descriptions (
    tool_name = 'Name of the tool, as the transcripts name it.',
    category = 'What the tool is for.'
  ),
  audits (
    unique_combination_of_columns(columns := (tool_name)),
    not_null(columns := (tool_name, category))
  )
);
