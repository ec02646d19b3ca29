"""Figures of a report as people read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clogs.terminal.text import duration, money, percent, si_number

SESSION_WIDTH = 8
"""The beginning of a session's id, which tells it from others."""
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_NAMES = {
    "cost_usd": "cost",
    "cost_7_days_usd": "7 days",
    "cache_savings_usd": "saved by cache",
    "cost_usd_before": "before",
    "tool_calls_before": "before",
    "prompts_before": "before",
    "changes_before": "before",
    "tool_calls": "calls",
    "failed_share": "failed %",
    "duration_seconds": "duration",
    "active_seconds": "active",
    "median_seconds": "median",
    "p90_seconds": "90% within",
    "p95_seconds": "95% within",
    "median_cost_usd": "median cost",
    "median_prompts": "median prompts",
    "from_cache": "from cache",
    "to_cache": "to cache",
    "lines_added": "added",
    "lines_removed": "removed",
    "last_day": "last",
}
_WRITTEN: dict[str, Callable[[Any], str]] = {
    "tokens": si_number,
    "session": lambda text: text[:SESSION_WIDTH],
    "block": lambda moment: str(moment)[: len("2026-11-01 08:00")],
    "weekday": lambda day: WEEKDAYS[day],
    "hour": lambda hour: f"{hour:02}:00",
    "failed_share": percent,
    "from_cache": percent,
    "to_cache": percent,
}
_BY_END: dict[str, Callable[[Any], str]] = {"usd": money, "seconds": duration}


def column_name(column: str) -> str:
    """What stands above a column."""
    return _NAMES.get(column, column.replace("_", " "))


def cell(column: str, value: Any) -> str:  # noqa: ANN401  # what DuckDB answers
    """A figure, with its unit; a dash for None."""
    if value is None:
        return "–"
    column = column.removesuffix("_before")
    written = _WRITTEN.get(column) or _BY_END.get(column.rpartition("_")[2])
    if written:
        return written(value)
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
