MODEL (
  name gold.agg_tool_efficiency,
  kind CUSTOM (
    materialization 'by_change',
    materialization_properties (key = 'date')
  ),
  grain (date_key, tool_name),
  description 'One row per tool and day on which it was called, in the configured time zone.',
  audits (
    unique_combination_of_columns(columns := (date_key, tool_name)),
    not_null(columns := (date_key, date, tool_name, calls, errors))
  )
);

SELECT
  CAST(strftime(date, '%Y%m%d') AS INTEGER) AS date_key, -- Day as the number yyyymmdd.
  date, -- Day.
  tool_name, -- Tool, as the transcripts name it.
  ANY_VALUE(tool_category) AS tool_category, -- What the tool is for.
  ANY_VALUE(mcp_server) AS mcp_server, -- MCP server of the tool.
  COUNT(*) AS calls, -- Calls.
  COUNT(*) FILTER(WHERE has_result) AS results, -- Calls that have a result.
  COUNT(*) FILTER(WHERE is_error) AS errors, -- Calls that reported an error.
  COUNT(*) FILTER(WHERE is_error) / COUNT(*) AS error_rate, -- Share of all calls that reported an error, 0 to 1.
  COUNT(DISTINCT session_id) AS sessions, -- Sessions that called it.
  quantile_cont(duration_seconds, 0.5) AS median_duration_seconds, -- Median of the seconds from call to result, waits for permission included.
  -- rounded, since between two equal values DuckDB finds one whose last digit differs
  ROUND(quantile_cont(duration_seconds, 0.95), 6) AS p95_duration_seconds, -- 95th percentile of the seconds from call to result.
  MAX(duration_seconds) AS max_duration_seconds, -- Longest time from call to result, in seconds.
  quantile_cont(result_size, 0.5) AS median_result_size -- Median of the characters of a result.
FROM silver.int_tool_usage
WHERE date IS NOT NULL
GROUP BY date, tool_name
