"""The figures of a report: each a query on gold."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from clogs.errors import ClogsError, UsageError
from clogs.report.measures import DIMENSIONS, FACTS, TIMES, By, measures
from clogs.report.period import Period
from clogs.warehouse import Connection, has_views, instant, literal

Row = dict[str, Any]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a report is about; names may be globs, and an empty list is everything."""

    period: Period
    projects: Sequence[str] = ()
    models: Sequence[str] = ()
    users: Sequence[str] = ()

    @property
    def is_narrowed(self) -> bool:
        """Whether it leaves out anything but times."""
        return bool(self.projects or self.models or self.users)

    def where(self, period: Period | None = None) -> str:
        """The condition on a fact."""
        period = period or self.period
        conditions = [f"timestamp < {instant(period.until)}"]
        if period.since:
            conditions.append(f"timestamp >= {instant(period.since)}")
        for columns, globs in (
            (("project_name", "project_id"), self.projects),
            (("model",), self.models),
            (("user_name",), self.users),
        ):
            some = [f"{column} GLOB {literal(glob)}" for glob in globs for column in columns]
            conditions += [f"({' OR '.join(some)})"] if some else []
        return " AND ".join(conditions)


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
        (row,) = self._ask(self._measured(()), period)
        return row

    def table(self, by: Sequence[By], period: Period | None = None, limit: int | None = None) -> list[Row]:
        """A row for each value of the dimensions, the newest last, or else the dearest or most first.

        Raises:
            UsageError: The dimensions do not go together.
        """
        if "block" in by:
            return self._blocks(by)
        return self._ask(self._measured(by) + (f" LIMIT {limit}" if limit else ""), period)

    def failing_tools(self, limit: int = 5) -> list[Row]:
        """The tools that fail most often, and what most of their errors say."""
        if self.chosen.models:
            return []
        return self._ask(
            "SELECT tool_name AS tool, sum(tool_calls)::BIGINT AS tool_calls, sum(failed)::BIGINT AS failed,"
            " mode(error_text ORDER BY error_text) AS error FROM chosen WHERE tool_name IS NOT NULL"
            f" GROUP BY tool_name HAVING sum(failed) > 0 ORDER BY failed DESC, tool LIMIT {limit}"
        )

    def sessions(self, order: Literal["cost_usd", "active_seconds"], limit: int | None = 5) -> list[Row]:
        """The dearest or the longest sessions with an activity in the period.

        The active time leaves out gaps above 5 minutes between messages; both times are of the whole session.
        """
        return self._ask(f"""
            SELECT
                session_id AS session, any_value(title) AS title, any_value(dim.project_name) AS project,
                any_value(dim.user_name) AS user, any_value(dim.date) AS day,
                any_value(duration_seconds) AS duration_seconds, any_value(active_seconds) AS active_seconds,
                CAST(sum(chosen.cost_usd) AS DOUBLE) AS cost_usd,
                CAST(coalesce(sum(chosen.prompts), 0) AS BIGINT) AS prompts
            FROM chosen JOIN (
                SELECT session_id, title, project_name, user_name, date FROM gold.dim_sessions
            ) AS dim USING (session_id) JOIN (
                SELECT session_id, duration_seconds, active_seconds FROM gold.agg_session_metrics
            ) AS metrics USING (session_id)
            GROUP BY session_id ORDER BY {order} DESC NULLS LAST, session {f"LIMIT {limit}" if limit else ""}
        """)

    def tasks(self) -> list[Row]:
        """What sessions that began in the period are for, by their first prompt, the most frequent first."""
        return self._rows(f"""
            SELECT
                task_category AS category, count(*) AS sessions, median(active_seconds) AS median_seconds,
                median(prompts) AS median_prompts, median(cost_usd) AS median_cost_usd
            FROM (
                SELECT session_id, task_category FROM gold.fct_messages
                WHERE turn_type = 'initial_prompt' AND NOT is_sidechain AND {self.chosen.where()}
            ) JOIN gold.agg_session_metrics USING (session_id)
            GROUP BY category ORDER BY sessions DESC, category
        """)

    def first_answers(self, by: Literal["model", "day"]) -> list[Row]:
        """How long it took from a prompt to the first part of its answer, without sub-agents."""
        order = "answers DESC, model" if by == "model" else "day"
        return self._rows(f"""
            WITH turns AS (
                SELECT *, count(*) FILTER (message_kind IN ('prompt', 'command', 'interrupt'))
                    OVER (PARTITION BY session_id ORDER BY message_sequence) AS turn
                FROM gold.fct_messages
                WHERE session_id IS NOT NULL AND NOT is_sidechain AND model IS DISTINCT FROM '<synthetic>'
            ), answers AS (
                SELECT
                    min(timestamp) FILTER (message_kind = 'prompt') AS timestamp,
                    arg_min(date, timestamp) FILTER (message_kind = 'prompt') AS day,
                    arg_min(model, timestamp) FILTER (role = 'assistant') AS model,
                    min(timestamp) FILTER (role = 'assistant') AS answered_at,
                    any_value(project_id) AS project_id, any_value(project_name) AS project_name,
                    any_value(user_name) AS user_name
                FROM turns GROUP BY session_id, turn
            )
            SELECT
                {by}, count(*) AS answers, quantile_cont(seconds, 0.5) AS median_seconds,
                quantile_cont(seconds, 0.9) AS p90_seconds
            FROM (
                SELECT *, date_diff('millisecond', timestamp, answered_at) / 1000 AS seconds FROM answers
            )
            WHERE seconds IS NOT NULL AND {self.chosen.where()} GROUP BY {by} ORDER BY {order}
        """)

    def unpriced_models(self) -> list[Row]:
        """The models without a price, with what they took."""
        return self._ask(
            "SELECT model, sum(responses)::BIGINT AS responses, sum(tokens)::BIGINT AS tokens FROM chosen"
            " WHERE model IN (SELECT model FROM gold.dim_models WHERE NOT is_priced)"
            " GROUP BY model ORDER BY tokens DESC, model"
        )

    def details(self) -> dict[str, list[Row]]:
        """What a terminal has no room for beside the totals."""
        is_narrow = bool(self.chosen.models)
        return {
            "by_user": self.table(["user"]),
            "by_tool": [] if is_narrow else self.table(["tool"]),
            "by_hour": [] if is_narrow else self.table(["weekday", "hour"]),
            "by_category": [] if is_narrow else self.table(["category"]),
            "by_language": [] if is_narrow else self.table(["week", "language"]),
            "changed_files": [] if is_narrow else self.table(["file"], limit=10),
            "tasks": self.tasks(),
            "first_answers": self.first_answers("model"),
            "blocks": [] if self.chosen.is_narrowed else self.table(["block"]),
        }

    def newest(self) -> Any:  # noqa: ANN401  # a date, or None
        """The day of the newest fact of all."""
        return self.connection.execute("SELECT max(date) FROM gold.agg_daily_summary").fetchall()[0][0]

    def _blocks(self, by: Sequence[By]) -> list[Row]:
        if len(by) > 1 or self.chosen.is_narrowed:
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

    def _measured(self, by: Sequence[By]) -> str:
        found, filled = measures({*by, *(["model"] if self.chosen.models else [])})
        columns = [
            *(f"{DIMENSIONS[each]} AS {each}" for each in by),
            *(f"{found[name]} AS {name}" for name in found),
        ]
        where = f" WHERE {filled} IS NOT NULL" if filled else ""
        if not by:
            return f"SELECT {', '.join(columns)} FROM chosen{where}"
        query = f"(SELECT {', '.join(columns)} FROM chosen{where} GROUP BY ALL)"
        if "session" in by:
            titles = "(SELECT session_id AS session, title FROM gold.dim_sessions)"
            query = f"{query} LEFT JOIN {titles} USING (session)"
        if "day" in by and len(by) == 1 and "cost_usd" in found:
            week = "ORDER BY day RANGE BETWEEN INTERVAL 6 DAYS PRECEDING AND CURRENT ROW"
            query = f"(SELECT *, sum(cost_usd) OVER ({week}) AS cost_7_days_usd FROM {query})"
        order: list[str] = [each for each in by if each in TIMES] or [f"{next(iter(found))} DESC NULLS LAST"]
        return f"FROM {query} ORDER BY {', '.join(dict.fromkeys([*order, *by]))}"

    def _ask(self, query: str, period: Period | None = None) -> list[Row]:
        chosen = f"SELECT * FROM facts WHERE {self.chosen.where(period)}"
        return self._rows(f"WITH facts AS ({FACTS}), chosen AS ({chosen}) {query}")

    def _rows(self, query: str) -> list[Row]:
        logger.debug("%s", " ".join(query.split()))
        answer = self.connection.execute(query)
        names = [name for name, *_ in answer.description or ()]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def redacted(rows: Sequence[Row]) -> list[Row]:
    """Rows with stable pseudonyms for names, and without texts."""
    return [{name: _pseudonym(name, value) for name, value in row.items()} for row in rows]


def _pseudonym(column: str, value: object) -> object:
    if value is None or column not in {"project", "user", "session", "title", "error", "tool", "file"}:
        return value
    if column in {"title", "error"}:
        return None
    if column == "tool" and not str(value).startswith("mcp__"):
        return value
    return f"{column}-{hashlib.blake2b(str(value).encode(), digest_size=4).hexdigest()}"
