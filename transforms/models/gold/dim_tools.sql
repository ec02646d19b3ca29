MODEL (
  name gold.dim_tools,
  kind CUSTOM (
    materialization 'by_change'
  ),
  grain (tool_name),
  description 'One row per tool that was called.',
  audits (
    unique_combination_of_columns(columns := (tool_name)),
    not_null(columns := (tool_name, tool_category))
  )
);

SELECT
  tool_name, -- Tool, as the transcripts name it.
  ANY_VALUE(tool_category) AS tool_category, -- What the tool is for; by the list of known tools, else by its name; mcp for a tool of an MCP server, other where its name does not say.
  ANY_VALUE(mcp_server) AS mcp_server, -- MCP server of the tool.
  MIN(called_at) AS first_used_at, -- Earliest call.
  MAX(called_at) AS last_used_at, -- Latest call.
  COUNT(*) AS calls, -- Calls.
  COUNT(*) FILTER(WHERE is_error) AS errors -- Calls that reported an error.
FROM silver.int_tool_usage
GROUP BY tool_name
