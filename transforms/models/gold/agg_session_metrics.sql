MODEL (
  name gold.agg_session_metrics,
  kind CUSTOM (
    materialization 'by_change',
    materialization_properties (key = 'session_id')
  ),
  grain (session_id),
  description 'One row per session: rates and sums to compare sessions by.',
  audits (
    unique_combination_of_columns(columns := (session_id)),
    not_null(columns := (session_id, active_seconds))
  )
);

WITH paces AS (
  SELECT
    session_id,
    response_time_seconds,
    date_diff('millisecond', LAG(timestamp) OVER (PARTITION BY session_id ORDER BY message_sequence), timestamp)
      AS gap_milliseconds
  FROM silver.int_messages_enriched
  WHERE session_id IS NOT NULL
), times AS (
  SELECT
    session_id,
    SUM(gap_milliseconds) FILTER(WHERE gap_milliseconds <= 300000) / 1000 AS active_seconds,
    quantile_cont(response_time_seconds, 0.5) AS median_response_seconds
  FROM paces
  GROUP BY session_id
), files AS (
  SELECT
    session_id,
    COUNT(DISTINCT file_path) AS files_changed,
    SUM(lines_added) AS lines_added,
    SUM(lines_removed) AS lines_removed
  FROM silver.int_tool_usage
  WHERE tool_name IN ('Write', 'Edit', 'MultiEdit', 'NotebookEdit') AND NOT is_error
  GROUP BY session_id
)
SELECT
  session.session_id, -- Session.
  session.project_id, -- Project that most of its lines belong to.
  session.user_name, -- Who ran Claude Code at the end; NULL where no entry says.
  session.entrypoint, -- What Claude Code was started by at the end; NULL in old versions.
  session.is_automated, -- Whether a program ran it, by the SDK: nobody typed a prompt.
  CAST(strftime(session.first_activity_at AT TIME ZONE @VAR('timezone'), '%Y%m%d') AS INTEGER)
    AS date_key, -- Day it began, as the number yyyymmdd, in the configured time zone.
  CAST(session.first_activity_at AT TIME ZONE @VAR('timezone') AS DATE) AS date, -- Day it began, in the configured time zone.
  session.duration_seconds, -- Seconds from the earliest entry to the latest.
  COALESCE(times.active_seconds, 0) AS active_seconds, -- Seconds between its messages, without gaps above 5 minutes.
  times.median_response_seconds, -- Median of the seconds from a user message, mostly a tool result, to the assistant's next one.
  session.messages, -- Messages, of the user and the assistant.
  session.prompts, -- Prompts that a person typed.
  session.tool_calls, -- Tool calls.
  session.tool_calls / NULLIF(session.prompts, 0) AS tool_calls_per_prompt, -- Tool calls per prompt; NULL without one.
  session.tool_errors / NULLIF(session.tool_calls, 0) AS tool_error_rate, -- Share of the tool calls that reported an error, 0 to 1; NULL without one.
  session.input_tokens + session.output_tokens + session.cache_creation_tokens + session.cache_read_tokens
    AS tokens, -- Tokens of all kinds.
  session.cache_read_tokens
  / NULLIF(session.input_tokens + session.cache_creation_tokens + session.cache_read_tokens, 0)
    AS cache_hit_rate, -- Share of all input tokens that were read from the cache, 0 to 1; NULL without input.
  session.cost_usd, -- Cost in USD of the responses that have a price; NULL where none has.
  session.cost_usd / NULLIF(session.prompts, 0) AS cost_per_prompt_usd, -- Cost per prompt; NULL without one.
  COALESCE(files.files_changed, 0) AS files_changed, -- Different files written or edited.
  CAST(COALESCE(files.lines_added, 0) AS BIGINT) AS lines_added, -- Lines added, by calls that did not fail.
  CAST(COALESCE(files.lines_removed, 0) AS BIGINT) AS lines_removed -- Lines removed, where a patch or the call says.
FROM silver.int_sessions_computed AS session
LEFT JOIN times USING (session_id)
LEFT JOIN files USING (session_id)
