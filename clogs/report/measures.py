"""What a report counts, and by what: SQL over the facts of gold."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from clogs.errors import UsageError

By = Literal[
    "day", "week", "month", "project", "model", "session", "tool", "user", "block",
    "category", "weekday", "hour", "language", "file",
]  # fmt: skip

DIMENSIONS: Mapping[By, str] = {
    "day": "date",
    "week": "CAST(date_trunc('week', date) AS DATE)",
    "month": "strftime(date, '%Y-%m')",
    "project": "project_name",
    "model": "model",
    "session": "session_id",
    "tool": "tool_name",
    "user": "user_name",
    "category": "task_category",
    "weekday": "day_of_week",
    "hour": "hour_of_day",
    "language": "language",
    "file": "file_path",
}
"""Each an expression over `FACTS`; windows of five hours have a table of their own."""

TIMES = frozenset({"day", "week", "month", "block", "weekday", "hour"})

_COST = "CAST(sum(cost_usd) AS DOUBLE)"
_SESSIONS = "count(DISTINCT session_id)"


def _sum(column: str) -> str:
    return f"CAST(coalesce(sum({column}), 0) AS BIGINT)"


MEASURES = {
    "cost_usd": _COST,
    "tokens": _sum("tokens"),
    "cache_savings_usd": "sum(cache_savings_usd)",
    "responses": _sum("responses"),
    "sessions": _SESSIONS,
    "prompts": _sum("prompts"),
    "tool_calls": _sum("tool_calls"),
    "failed": _sum("failed"),
}
_OF_MODELS = {
    **{name: MEASURES[name] for name in ("cost_usd", "tokens", "cache_savings_usd", "responses", "sessions")},
    "from_cache": "sum(from_cache) / nullif(sum(input), 0)",
    "to_cache": "sum(to_cache) / nullif(sum(input), 0)",
}
_OF_TOOLS = {
    "tool_calls": _sum("tool_calls"),
    "failed": _sum("failed"),
    "sessions": _SESSIONS,
    "median_seconds": "quantile_cont(seconds, 0.5)",
    "p95_seconds": "quantile_cont(seconds, 0.95)",
}
_OF_PROMPTS = {"prompts": _sum("prompts"), "sessions": _SESSIONS}
_OF_FILES = {
    "changes": _sum("changes"),
    "lines_added": _sum("lines_added"),
    "lines_removed": _sum("lines_removed"),
    "files": "count(DISTINCT file_path)",
    "sessions": _SESSIONS,
}
_KINDS: tuple[tuple[str, frozenset[str], str, dict[str, str]], ...] = (
    ("tool calls", frozenset({"tool"}), "tool_name", _OF_TOOLS),
    ("responses of models", frozenset({"model"}), "model", _OF_MODELS),
    ("prompts", frozenset({"category", "weekday", "hour"}), "prompts", _OF_PROMPTS),
    ("changes of files", frozenset({"language", "file"}), "changes", _OF_FILES),
)
"""Facts of one kind: the dimensions that only they have, a column that only they fill, and their measures."""


def measures(by: Collection[str]) -> tuple[Mapping[str, str], str | None]:
    """The measures by these dimensions, and the column that their facts fill; None for facts of all kinds.

    Raises:
        UsageError: The dimensions do not go together.
    """
    kinds = [(name, column, found) for name, own, column, found in _KINDS if own & set(by)]
    if len(kinds) > 1:
        names = " and ".join(name for name, *_ in kinds)
        raise UsageError(f"These --by and --model do not go together: {names} have nothing in common.")
    return (kinds[0][2], kinds[0][1]) if kinds else (MEASURES, None)


FACTS = """
    SELECT
        timestamp, date, session_id, project_id, project_name, user_name,
        coalesce(fact.model, 'unknown') AS model,
        CAST(call_kind = 'response' AS INTEGER) AS responses,
        fact.input_tokens + fact.output_tokens + fact.cache_creation_tokens + fact.cache_read_tokens
            AS tokens,
        fact.input_tokens + fact.cache_creation_tokens + fact.cache_read_tokens AS input,
        fact.cache_read_tokens AS from_cache,
        fact.cache_creation_tokens AS to_cache,
        fact.cost_usd,
        (
            fact.cache_read_tokens * (input_price - cache_read_price)
            + cache_creation_5m_tokens * (input_price - cache_write_5m_price)
            + cache_creation_1h_tokens * (input_price - cache_write_1h_price)
        ) / 1e6 AS cache_savings_usd
    FROM gold.fct_api_calls AS fact LEFT JOIN (
        SELECT model, input_price, cache_read_price, cache_write_5m_price, cache_write_1h_price
        FROM gold.dim_models
    ) AS price ON price.model = coalesce(fact.model, 'unknown')
    UNION ALL BY NAME
    SELECT
        timestamp, date, session_id, project_id, project_name, user_name,
        task_category, day_of_week, hour_of_day, 1 AS prompts
    FROM gold.fct_messages WHERE message_kind = 'prompt'
    UNION ALL BY NAME
    SELECT
        called_at AS timestamp, date, session_id, project_id, project_name, user_name, tool_name, error_text,
        duration_seconds AS seconds, 1 AS tool_calls, CAST(is_error AS INTEGER) AS failed
    FROM gold.fct_tool_calls
    UNION ALL BY NAME
    SELECT
        called_at AS timestamp, date, session_id, project_id, project_name, user_name, file_path,
        coalesce(file_extension, file_type_category) AS language, 1 AS changes, lines_added, lines_removed
    FROM gold.fct_file_operations
    WHERE operation_type <> 'read' AND NOT is_error AND file_path IS NOT NULL
"""
"""Responses, prompts, tool calls and changes of files, each with the columns of its kind."""
