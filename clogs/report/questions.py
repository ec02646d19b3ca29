"""What the gold tables say, in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from clogs.terminal.text import count, money, printable, si_number
from clogs.warehouse import Connection

GOLD = ("fct_messages", "fct_tool_calls", "fct_api_calls", "dim_sessions")

_TOTALS = """
    SELECT
        (SELECT count(*) FROM gold.dim_sessions),
        (SELECT count(DISTINCT project_id) FROM gold.dim_sessions),
        (SELECT count(*) FROM gold.fct_messages WHERE message_kind = 'prompt'),
        (SELECT count(*) FROM gold.fct_tool_calls),
        (SELECT count(*) FROM gold.fct_tool_calls WHERE is_error),
        (SELECT min(date) FROM gold.fct_messages),
        (SELECT max(date) FROM gold.fct_messages),
        coalesce(sum(input_tokens + output_tokens + cache_creation_tokens + cache_read_tokens), 0),
        sum(cost_usd),
        count(*) FILTER (cost_usd IS NULL)
    FROM gold.fct_api_calls
"""
_UNPRICED = "SELECT DISTINCT model FROM gold.fct_api_calls WHERE cost_usd IS NULL ORDER BY 1"
_TOOLS = """
    SELECT tool_name, count(*), count(*) FILTER (is_error)
    FROM gold.fct_tool_calls GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?
"""
_PROJECTS = """
    SELECT project_id, count(DISTINCT session_id), sum(cost_usd)
    FROM gold.fct_api_calls GROUP BY 1 ORDER BY 3 DESC NULLS LAST, 1 LIMIT ?
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Highlights:
    """The totals of gold.

    Attributes:
        sessions: Sessions.
        projects: Projects they belong to.
        prompts: Messages that a person typed.
        tool_calls: Tool calls.
        tool_errors: Those that failed.
        first_day: Of the first message, in the configured time zone.
        last_day: Of the last one.
        tokens: Input, output, cache creation and cache read together.
        cost_usd: US dollars, without the calls that have no price; None if none has.
        unpriced_calls: API calls of models that have no price.
        unpriced_models: Those models.
    """

    sessions: int
    projects: int
    prompts: int
    tool_calls: int
    tool_errors: int
    first_day: date | None
    last_day: date | None
    tokens: int
    cost_usd: float | None
    unpriced_calls: int
    unpriced_models: tuple[str, ...]

    def sentence(self) -> str:
        """The totals in a line."""
        errors = f" ({self.tool_errors / self.tool_calls:.1%} failed)" if self.tool_calls else ""
        parts = (
            f"{count(self.sessions, 'session')} in {count(self.projects, 'project')}",
            count(self.prompts, "prompt"),
            f"{count(self.tool_calls, 'tool call')}{errors}",
            f"{si_number(self.tokens)} tokens",
            money(self.cost_usd),
        )
        return " · ".join(parts)

    def remark(self) -> str:
        """The models that the cost leaves out; nothing where it leaves out none."""
        models = ", ".join(map(printable, self.unpriced_models))
        return f"Without a price, and so without a cost: {models}" if models else ""


def read(connection: Connection) -> Highlights | None:
    """Read the totals; None where gold has not been built."""
    built = connection.execute(
        "SELECT count(DISTINCT table_name) FROM information_schema.tables"
        f" WHERE table_schema = 'gold' AND table_name IN {GOLD}"
    ).fetchall()
    if built[0][0] < len(GOLD):
        return None
    row = connection.execute(_TOTALS).fetchall()[0]
    models = tuple(model or "(none)" for (model,) in connection.execute(_UNPRICED).fetchall())
    names = tuple(Highlights.__dataclass_fields__)
    return Highlights(**dict(zip(names, (*row, models), strict=True)))


def top_tools(connection: Connection, limit: int = 5) -> list[tuple[str, int, int]]:
    """The tools called most: name, calls, failures."""
    return connection.execute(_TOOLS, [limit]).fetchall()


def top_projects(connection: Connection, limit: int = 5) -> list[tuple[str, int, float | None]]:
    """The projects that cost most: id, sessions with API calls, US dollars."""
    return connection.execute(_PROJECTS, [limit]).fetchall()
