"""What the gold tables say, in a few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clogs.warehouse import Connection

GOLD = ("fct_messages", "fct_tool_calls", "fct_api_calls", "dim_models", "dim_sessions")

_TOTALS = """
    SELECT
        (SELECT count(*) FROM gold.dim_sessions) AS sessions,
        (SELECT count(*) FROM gold.dim_sessions WHERE is_automated) AS automated,
        (SELECT count(DISTINCT project_id) FROM gold.dim_sessions) AS projects,
        (SELECT count(*) FROM gold.fct_messages WHERE message_kind = 'prompt') AS prompts,
        (SELECT count(*) FROM gold.fct_tool_calls) AS tool_calls,
        (SELECT count(*) FROM gold.fct_tool_calls WHERE is_error) AS tool_errors,
        coalesce(sum(input_tokens + output_tokens + cache_creation_tokens + cache_read_tokens), 0) AS tokens,
        sum(cost_usd) AS cost_usd
    FROM gold.fct_api_calls
"""
_UNPRICED = """
    SELECT model, api_calls, input_tokens + output_tokens + cache_creation_tokens + cache_read_tokens
    FROM gold.dim_models WHERE NOT is_priced ORDER BY 3 DESC, 1
"""


@dataclass(frozen=True, slots=True)
class UnpricedModel:
    """A model whose responses have no cost."""

    model: str
    api_calls: int
    tokens: int  # input, output, cache creation and cache read together


@dataclass(frozen=True, slots=True)
class Totals:
    """The totals of gold."""

    sessions: int
    automated: int  # of these sessions, those that a program ran
    projects: int
    prompts: int  # that a person typed
    tool_calls: int
    tool_errors: int
    tokens: int  # input, output, cache creation and cache read together
    cost_usd: float | None  # without the models that have no price; None if none has one
    unpriced_models: list[UnpricedModel]  # most tokens first


def totals(connection: Connection) -> Totals | None:
    """Read the totals; None if gold has not been built."""
    if not _is_built(connection, GOLD):
        return None
    (numbers,) = connection.execute(_TOTALS).fetchall()
    return Totals(*numbers, *[unpriced_models(connection)])


def unpriced_models(connection: Connection) -> list[UnpricedModel]:
    """The models without a price, most tokens first; none if gold has not been built."""
    if not _is_built(connection, ["dim_models"]):
        return []
    return [UnpricedModel(*row) for row in connection.execute(_UNPRICED).fetchall()]


def _is_built(connection: Connection, names: Sequence[str]) -> bool:
    quoted = ", ".join(f"'{name}'" for name in names)
    built = connection.execute(
        "SELECT count(DISTINCT table_name) FROM information_schema.tables"
        f" WHERE table_schema = 'gold' AND table_name IN ({quoted})"
    ).fetchall()
    return bool(built[0][0] == len(names))


def top_tools(connection: Connection) -> list[tuple[str, int, int]]:
    """The five tools called most: name, calls, failures."""
    sql = """
        SELECT tool_name, count(*), count(*) FILTER (is_error)
        FROM gold.fct_tool_calls GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5
    """
    return connection.execute(sql).fetchall()


def top_projects(connection: Connection) -> list[tuple[str, int, float | None]]:
    """The five projects that cost most: id, sessions with API calls, US dollars."""
    sql = """
        SELECT project_id, count(DISTINCT session_id), sum(cost_usd)
        FROM gold.fct_api_calls GROUP BY 1 ORDER BY 3 DESC NULLS LAST, 1 LIMIT 5
    """
    return connection.execute(sql).fetchall()
