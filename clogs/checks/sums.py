"""What the aggregates of gold must add up to."""

from __future__ import annotations

from collections.abc import Mapping

from clogs.checks.check import Check, Suite, suite
from clogs.checks.silver import TOKENS

Columns = Mapping[str, str]
"""Columns, each with its expression in SQL."""

_MESSAGES = {"messages": "count(*)", "prompts": "count(*) FILTER (message_kind = 'prompt')"}
_COST = {"cost_usd": "sum(cost_usd)"}
_RESPONSES = (
    {"api_calls": "count(*) FILTER (call_kind = 'response')"}
    | {each: f"sum({each})" for each in TOKENS}
    | _COST
)
_HOURLY = ("messages", "prompts", "tool_calls", "tool_errors", "api_calls", "output_tokens", "cost_usd")
_OPERATIONS = {
    f"{operation}s": f"count(*) FILTER (operation_type = '{operation}' AND NOT is_error)"
    for operation in ("read", "write", "edit")
}


def _sums(
    name: str,
    about: str,
    *,
    table: str,
    key: Columns,
    by: str = "date",
    facts: Mapping[str, tuple[str, Columns]],
    every: str = "",
) -> Suite:
    """An aggregate beside the sums of its facts, with the rows that only one of them has.

    Args:
        name: The suite's.
        about: What is compared.
        table: The aggregate, in gold.
        key: What the aggregate and its facts are grouped by.
        by: The column by which changes are followed.
        facts: For each check a table in gold, and how the columns of the aggregate follow from its rows.
        every: A table in gold whose keys must all be in the aggregate, even without facts.
    """
    names = ", ".join(key)
    summed = [column for _, columns in facts.values() for column in columns]
    sources = list(facts.values())
    if every:
        sources.append((every, {}))
    first, *others = (
        f"(SELECT {_listed({**key, **columns})} FROM gold.{source}"
        f" WHERE {next(iter(key))} IS NOT NULL GROUP BY ALL)"
        for source, columns in sources
    )
    joined = first + "".join(f" FULL JOIN {other} USING ({names})" for other in others)
    # a cost is NULL where no response has a price; the counts of what did not happen are 0
    filled = {column: column if column in _COST else f"coalesce({column}, 0)" for column in summed}
    return suite(
        f"gold.{table}",
        about,
        name=name,
        key=names,
        by=by,
        source=f"(SELECT {_listed(key)}, {', '.join(summed)} FROM gold.{table}) AS agg"
        f" FULL JOIN (SELECT {names}, {_listed(filled)} FROM {joined}) AS facts USING ({names})",
        checks={check: _adds_up(list(columns), of=source) for check, (source, columns) in facts.items()},
    )


def _listed(columns: Columns) -> str:
    return ", ".join(f"{expression} AS {column}" for column, expression in columns.items())


def _adds_up(columns: list[str], of: str) -> Check:
    """Columns of ``agg`` equal those of ``facts``, to a millionth of each: sums of floats depend on order."""
    same = " AND ".join(
        f"(agg.{column} IS NOT DISTINCT FROM facts.{column}"
        f" OR abs(agg.{column} - facts.{column}) <= 1e-6 * abs(facts.{column}))"
        for column in columns
    )
    return Check(same, f"{', '.join(columns)} are those of {of}")


_DAY = {"date_key": "date_key"}

SUMS = (
    _sums(
        "daily_sums",
        "Days beside the sums of their facts.",
        table="agg_daily_summary",
        key=_DAY,
        facts={
            "messages_add_up": ("fct_messages", _MESSAGES),
            "tool_calls_add_up": (
                "fct_tool_calls",
                {"tool_calls": "count(*)", "tool_errors": "count(*) FILTER (is_error)"},
            ),
            "api_calls_add_up": ("fct_api_calls", _RESPONSES),
        },
    ),
    _sums(
        "hourly_sums",
        "Days beside the sums of their hours.",
        table="agg_daily_summary",
        key=_DAY,
        facts={"hours_add_up": ("agg_hourly_activity", {each: f"sum({each})" for each in _HOURLY})},
    ),
    _sums(
        "session_sums",
        "Sessions beside the sums of their facts.",
        table="agg_session_metrics",
        key={"session_id": "session_id"},
        by="session_id",
        every="dim_sessions",
        facts={
            "messages_add_up": ("fct_messages", _MESSAGES),
            "tool_calls_add_up": ("fct_tool_calls", {"tool_calls": "count(*)"}),
            "api_calls_add_up": ("fct_api_calls", {"tokens": f"sum({' + '.join(TOKENS)})"} | _COST),
        },
    ),
    _sums(
        "tool_sums",
        "Tools by day beside the sums of their calls.",
        table="agg_tool_efficiency",
        key=_DAY | {"tool_name": "tool_name"},
        facts={
            "calls_add_up": (
                "fct_tool_calls",
                {
                    "calls": "count(*)",
                    "results": "count(*) FILTER (has_result)",
                    "errors": "count(*) FILTER (is_error)",
                },
            )
        },
    ),
    _sums(
        "code_sums",
        "Projects by day beside the sums of their file operations.",
        table="agg_code_changes",
        key=_DAY | {"project": "coalesce(project_id, '')"},
        facts={
            "operations_add_up": (
                "fct_file_operations",
                _OPERATIONS
                | {"failed": "count(*) FILTER (is_error)"}
                | {each: f"sum({each}) FILTER (NOT is_error)" for each in ("lines_added", "lines_removed")},
            )
        },
    ),
    _sums(
        "model_sums",
        "Models by day beside the sums of their responses.",
        table="agg_model_usage",
        key=_DAY | {"model": "coalesce(model, 'unknown')"},
        facts={"api_calls_add_up": ("fct_api_calls", _RESPONSES)},
    ),
)
