"""What the aggregates of gold must add up to."""

from __future__ import annotations

from clogs.checks.check import Suite, adds_up
from clogs.checks.silver import TOKENS

_TOKENS = ", ".join(f"sum({each}) AS {each}" for each in TOKENS)
_RESPONSES = ", ".join(("api_calls", *TOKENS, "cost_usd"))


def _beside(table: str, facts: str, on: str) -> str:
    """An aggregate beside what facts add up to, and the rows of either that the other has not."""
    return f"{table} AS agg FULL JOIN ({facts}) AS facts USING ({on})"


class DailySums(
    Suite,
    table="gold.agg_daily_summary",
    name="daily_sums",
    key="date_key",
    source=_beside(
        "gold.agg_daily_summary",
        f"""
        SELECT
            date_key,
            coalesce(messages, 0) AS messages,
            coalesce(prompts, 0) AS prompts,
            coalesce(tool_calls, 0) AS tool_calls,
            coalesce(tool_errors, 0) AS tool_errors,
            coalesce(api_calls, 0) AS api_calls,
            {", ".join(f"coalesce({each}, 0) AS {each}" for each in TOKENS)},
            cost_usd
        FROM (
            SELECT date_key, count(*) AS messages, count(*) FILTER (message_kind = 'prompt') AS prompts
            FROM gold.fct_messages GROUP BY date_key
        ) FULL JOIN (
            SELECT date_key, count(*) AS tool_calls, count(*) FILTER (is_error) AS tool_errors
            FROM gold.fct_tool_calls GROUP BY date_key
        ) USING (date_key) FULL JOIN (
            SELECT
                date_key,
                count(*) AS api_calls,
                {_TOKENS},
                sum(cost_usd) AS cost_usd
            FROM gold.fct_api_calls GROUP BY date_key
        ) USING (date_key)
        WHERE date_key IS NOT NULL""",
        on="date_key",
    ),
):
    """Days beside the sums of their facts."""

    messages_add_up = adds_up("messages, prompts", of="fct_messages")
    tool_calls_add_up = adds_up("tool_calls, tool_errors", of="fct_tool_calls")
    api_calls_add_up = adds_up(_RESPONSES, of="fct_api_calls")


class HourlySums(
    Suite,
    table="gold.agg_hourly_activity",
    name="hourly_sums",
    key="date_key",
    source="""(
        SELECT
            date_key,
            sum(messages) AS messages,
            sum(prompts) AS prompts,
            sum(tool_calls) AS tool_calls,
            sum(tool_errors) AS tool_errors,
            sum(api_calls) AS api_calls,
            sum(output_tokens) AS output_tokens,
            sum(cost_usd) AS cost_usd
        FROM gold.agg_hourly_activity GROUP BY date_key
    ) AS agg FULL JOIN gold.agg_daily_summary AS facts USING (date_key)""",
):
    """Days beside the sums of their hours."""

    hours_add_up = adds_up(
        "messages, prompts, tool_calls, tool_errors, api_calls, output_tokens, cost_usd",
        of="agg_daily_summary",
    )


class SessionSums(
    Suite,
    table="gold.agg_session_metrics",
    name="session_sums",
    key="session_id",
    source=_beside(
        "gold.agg_session_metrics",
        f"""
        SELECT
            session_id,
            coalesce(messages, 0) AS messages,
            coalesce(prompts, 0) AS prompts,
            coalesce(tool_calls, 0) AS tool_calls,
            coalesce(tokens, 0) AS tokens,
            cost_usd
        FROM (SELECT session_id FROM gold.dim_sessions) LEFT JOIN (
            SELECT session_id, count(*) AS messages, count(*) FILTER (message_kind = 'prompt') AS prompts
            FROM gold.fct_messages GROUP BY session_id
        ) USING (session_id) LEFT JOIN (
            SELECT session_id, count(*) AS tool_calls FROM gold.fct_tool_calls GROUP BY session_id
        ) USING (session_id) LEFT JOIN (
            SELECT session_id, sum({" + ".join(TOKENS)}) AS tokens, sum(cost_usd) AS cost_usd
            FROM gold.fct_api_calls GROUP BY session_id
        ) USING (session_id)""",
        on="session_id",
    ),
):
    """Sessions beside the sums of their facts."""

    messages_add_up = adds_up("messages, prompts", of="fct_messages")
    tool_calls_add_up = adds_up("tool_calls", of="fct_tool_calls")
    api_calls_add_up = adds_up("tokens, cost_usd", of="fct_api_calls")


class ToolSums(
    Suite,
    table="gold.agg_tool_efficiency",
    name="tool_sums",
    key="date_key, tool_name",
    source=_beside(
        "gold.agg_tool_efficiency",
        """
        SELECT
            date_key, tool_name, count(*) AS calls, count(*) FILTER (has_result) AS results,
            count(*) FILTER (is_error) AS errors
        FROM gold.fct_tool_calls WHERE date_key IS NOT NULL GROUP BY ALL""",
        on="date_key, tool_name",
    ),
):
    """Tools by day beside the sums of their calls."""

    calls_add_up = adds_up("calls, results, errors", of="fct_tool_calls")


class CodeSums(
    Suite,
    table="gold.agg_code_changes",
    name="code_sums",
    key="date_key, project",
    source="""(
        SELECT *, coalesce(project_id, '') AS project FROM gold.agg_code_changes
    ) AS agg FULL JOIN (
        SELECT
            date_key,
            coalesce(project_id, '') AS project,
            count(*) FILTER (operation_type = 'read' AND NOT is_error) AS reads,
            count(*) FILTER (operation_type = 'write' AND NOT is_error) AS writes,
            count(*) FILTER (operation_type = 'edit' AND NOT is_error) AS edits,
            count(*) FILTER (is_error) AS failed,
            coalesce(sum(lines_added) FILTER (NOT is_error), 0) AS lines_added,
            coalesce(sum(lines_removed) FILTER (NOT is_error), 0) AS lines_removed
        FROM gold.fct_file_operations WHERE date_key IS NOT NULL GROUP BY ALL
    ) AS facts USING (date_key, project)""",
):
    """Projects by day beside the sums of their file operations."""

    operations_add_up = adds_up(
        "reads, writes, edits, failed, lines_added, lines_removed", of="fct_file_operations"
    )


class ModelSums(
    Suite,
    table="gold.agg_model_usage",
    name="model_sums",
    key="date_key, model",
    source=_beside(
        "gold.agg_model_usage",
        f"""
        SELECT
            date_key,
            coalesce(model, 'unknown') AS model,
            count(*) AS api_calls,
            {_TOKENS},
            sum(cost_usd) AS cost_usd
        FROM gold.fct_api_calls WHERE date_key IS NOT NULL GROUP BY ALL""",
        on="date_key, model",
    ),
):
    """Models by day beside the sums of their responses."""

    api_calls_add_up = adds_up(_RESPONSES, of="fct_api_calls")


SUMS: tuple[type[Suite], ...] = (
    DailySums,
    HourlySums,
    SessionSums,
    ToolSums,
    CodeSums,
    ModelSums,
)
