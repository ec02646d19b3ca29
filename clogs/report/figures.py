"""The figures of a report: each a query on gold."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from clogs.errors import ClogsError, UsageError
from clogs.report.period import Period
from clogs.warehouse import Connection, has_views, literal

By = Literal["day", "week", "month", "project", "model", "session", "tool", "user", "block"]

DIMENSIONS: dict[By, str] = {
    "day": "date",
    "week": "CAST(date_trunc('week', date) AS DATE)",
    "month": "strftime(date, '%Y-%m')",
    "project": "project_name",
    "model": "model",
    "session": "session_id",
    "tool": "tool_name",
    "user": "user_name",
}
"""Each an expression over `_FACTS`; windows of five hours have a table of their own."""

TIMES = frozenset({"day", "week", "month", "block"})

Row = dict[str, Any]

MEASURES = {
    "cost_usd": "CAST(sum(cost_usd) AS DOUBLE)",
    "tokens": "CAST(coalesce(sum(tokens), 0) AS BIGINT)",
    "cache_savings_usd": "sum(cache_savings_usd)",
    "responses": "CAST(coalesce(sum(responses), 0) AS BIGINT)",
    "sessions": "count(DISTINCT session_id)",
    "prompts": "CAST(coalesce(sum(prompts), 0) AS BIGINT)",
    "tool_calls": "CAST(coalesce(sum(tool_calls), 0) AS BIGINT)",
    "failed": "CAST(coalesce(sum(failed), 0) AS BIGINT)",
}
_OF_MODELS = ("cost_usd", "tokens", "cache_savings_usd", "responses", "sessions")
_OF_TOOLS = {
    **{name: MEASURES[name] for name in ("tool_calls", "failed", "sessions")},
    "median_seconds": "quantile_cont(seconds, 0.5)",
}

_FACTS = """
    SELECT
        timestamp, date, session_id, project_id, project_name, user_name,
        coalesce(fact.model, 'unknown') AS model,
        CAST(call_kind = 'response' AS INTEGER) AS responses,
        fact.input_tokens + fact.output_tokens + fact.cache_creation_tokens + fact.cache_read_tokens
            AS tokens,
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
"""
_OTHER_FACTS = """
    SELECT timestamp, date, session_id, project_id, project_name, user_name, 1 AS prompts
    FROM gold.fct_messages WHERE message_kind = 'prompt'
    UNION ALL BY NAME
    SELECT
        called_at AS timestamp, date, session_id, project_id, project_name, user_name, tool_name, error_text,
        duration_seconds AS seconds, 1 AS tool_calls, CAST(is_error AS INTEGER) AS failed
    FROM gold.fct_tool_calls
"""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a report is about; names may be globs, and an empty list is everything."""

    period: Period
    projects: Sequence[str] = ()
    models: Sequence[str] = ()
    users: Sequence[str] = ()

    def where(self, period: Period | None = None) -> str:
        """The condition on a fact."""
        period = period or self.period
        conditions = [f"timestamp < {_instant(period.until)}"]
        if period.since:
            conditions.append(f"timestamp >= {_instant(period.since)}")
        for columns, globs in (
            (("project_name", "project_id"), self.projects),
            (("model",), self.models),
            (("user_name",), self.users),
        ):
            some = [f"{column} GLOB {literal(glob)}" for glob in globs for column in columns]
            conditions += [f"({' OR '.join(some)})"] if some else []
        return " AND ".join(conditions)


def _instant(moment: datetime) -> str:
    return f"TIMESTAMPTZ {literal(moment.isoformat())}"


@dataclass(frozen=True, slots=True)
class Figures:
    """Asks a warehouse, opened for reading; each statement is logged for ``--verbose``."""

    connection: Connection
    chosen: Filter

    def require_gold(self) -> None:
        """Raise `ClogsError` where no transform has built gold."""
        if not has_views(self.connection, "gold"):
            raise ClogsError(
                "Nothing has been built to report on.",
                hint="clogs pipeline --from ~/.claude reads your own transcripts, with no server.",
            )

    def totals(self, period: Period | None = None) -> Row:
        """All measures of the period, or of another."""
        ((row),) = self._ask(self._measured(self._measures(()), ()), period)
        return row

    def table(self, by: Sequence[By], period: Period | None = None) -> list[Row]:
        """A row for each value of the dimensions, the newest last, or else the dearest first.

        Raises:
            UsageError: The dimensions do not go together.
        """
        if "block" in by:
            return self._blocks(by)
        if "tool" in by and ("model" in by or self.chosen.models):
            raise UsageError(
                "Tool calls have no model.", hint="Leave out --model and --by model, or --by tool."
            )
        return self._ask(self._measured(self._measures(by), by), period)

    def failing_tools(self, limit: int = 5) -> list[Row]:
        """The tools that fail most often, and what most of their errors say."""
        if self.chosen.models:
            return []
        return self._ask(
            "SELECT tool_name AS tool, sum(tool_calls)::BIGINT AS tool_calls, sum(failed)::BIGINT AS failed,"
            " mode(error_text) AS error FROM chosen WHERE tool_name IS NOT NULL"
            f" GROUP BY tool_name HAVING sum(failed) > 0 ORDER BY failed DESC, tool LIMIT {limit}"
        )

    def sessions(self, order: Literal["cost_usd", "duration_seconds"], limit: int = 5) -> list[Row]:
        """The dearest or the longest sessions with an activity in the period; duration is of the whole."""
        return self._ask(f"""
            SELECT
                session_id AS session, any_value(title) AS title, any_value(dim.project_name) AS project,
                any_value(duration_seconds) AS duration_seconds,
                CAST(sum(chosen.cost_usd) AS DOUBLE) AS cost_usd,
                CAST(coalesce(sum(chosen.prompts), 0) AS BIGINT) AS prompts
            FROM chosen JOIN (
                SELECT session_id, title, project_name, duration_seconds FROM gold.dim_sessions
            ) AS dim USING (session_id)
            GROUP BY session_id ORDER BY {order} DESC NULLS LAST, session LIMIT {limit}
        """)

    def unpriced_models(self) -> list[Row]:
        """The models without a price, with what they took."""
        return self._ask(
            "SELECT model, sum(responses)::BIGINT AS responses, sum(tokens)::BIGINT AS tokens FROM chosen"
            " WHERE model IN (SELECT model FROM gold.dim_models WHERE NOT is_priced)"
            " GROUP BY model ORDER BY tokens DESC, model"
        )

    def newest(self) -> Any:  # noqa: ANN401  # a date, or None
        """The day of the newest fact of all."""
        return self.connection.execute("SELECT max(date) FROM gold.agg_daily_summary").fetchall()[0][0]

    def _blocks(self, by: Sequence[By]) -> list[Row]:
        if len(by) > 1 or self.chosen.projects or self.chosen.models or self.chosen.users:
            raise UsageError(
                "Windows of five hours count everything.",
                hint="Give --by block without other --by and filters.",
            )
        return self._rows(f"""
            SELECT block, cost_usd, tokens, responses
            FROM (
                SELECT *, block_start AS block, block_start AS timestamp, api_calls AS responses
                FROM gold.agg_usage_blocks
            )
            WHERE {self.chosen.where()} ORDER BY block
        """)

    def _measures(self, by: Sequence[By]) -> dict[str, str]:
        if "tool" in by:
            return _OF_TOOLS
        if "model" in by or self.chosen.models:
            return {name: MEASURES[name] for name in _OF_MODELS}
        return MEASURES

    def _measured(self, measures: Mapping[str, str], by: Sequence[By]) -> str:
        dimensions = [f"{DIMENSIONS[each]} AS {each}" for each in by]
        columns = [*dimensions, *(f"{sql} AS {name}" for name, sql in measures.items())]
        conditions = ["tool_name IS NOT NULL"] if "tool" in by else []
        conditions += ["model IS NOT NULL"] if "model" in by or self.chosen.models else []
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        order: list[str] = [each for each in by if each in TIMES] or [
            f"{next(iter(measures))} DESC NULLS LAST"
        ]
        if not by:
            return f"SELECT {', '.join(columns)} FROM chosen{where}"
        query = f"(SELECT {', '.join(columns)} FROM chosen{where} GROUP BY ALL)"
        if "session" in by:
            titles = "(SELECT session_id AS session, title FROM gold.dim_sessions)"
            query = f"{query} LEFT JOIN {titles} USING (session)"
        return f"FROM {query} ORDER BY {', '.join(dict.fromkeys([*order, *by]))}"

    def _ask(self, query: str, period: Period | None = None) -> list[Row]:
        facts = f"{_FACTS} UNION ALL BY NAME {_OTHER_FACTS}"
        chosen = f"SELECT * FROM facts WHERE {self.chosen.where(period)}"
        return self._rows(f"WITH facts AS ({facts}), chosen AS ({chosen}) {query}")

    def _rows(self, query: str) -> list[Row]:
        logger.debug("%s", " ".join(query.split()))
        answer = self.connection.execute(query)
        names = [name for name, *_ in answer.description or ()]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def redacted(rows: Sequence[Row]) -> list[Row]:
    """Rows with stable pseudonyms for names, and without texts."""
    return [{name: _pseudonym(name, value) for name, value in row.items()} for row in rows]


def _pseudonym(column: str, value: object) -> object:
    if value is None or column not in {"project", "user", "session", "title", "error", "tool"}:
        return value
    if column in {"title", "error"}:
        return None
    if column == "tool" and not str(value).startswith("mcp__"):
        return value
    return f"{column}-{hashlib.blake2b(str(value).encode(), digest_size=4).hexdigest()}"
