"""What the page of a report shows: facts by day, and what each section makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from clogs.report.figures import Figures, Row, redacted
from clogs.report.measures import By
from clogs.terminal.text import shortened

Chart = Literal["bars", "days", "heat", "line", "lines", "blocks"]

LONGEST = 200
"""Characters of a text in the page."""
HIGH, MEDIUM = 10, 3
"""Days with an activity that a project of this level has at least."""

_KEYS: tuple[By, ...] = ("day", "project", "user")
_TABLES: Mapping[str, tuple[By, ...]] = {
    "activity": ("session",),
    "models": ("model",),
    "tools": ("tool",),
    "prompts": ("weekday", "hour"),
    "categories": ("category",),
    "code": ("language",),
}
"""Facts by day, project and user, and by these; a section can be narrowed to any of the three in the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page: facts summed up by some columns, as a table and a chart.

    Attributes:
        facts: Of `read_facts`.
        by: What rows are about; they are sorted by `order`, the largest first, or else by these.
        measures: Sums; but ``sessions`` and ``days`` count different ones, ``last_day`` is the latest, and
            ``failed_share`` is a share of the tool calls.
        chart: How the first measure is drawn.
        limit: Rows at most.
    """

    id: str
    title: str
    facts: str
    by: tuple[str, ...]
    measures: tuple[str, ...]
    note: str = ""
    order: str | None = None
    chart: Chart | None = None
    limit: int | None = None


_SESSION = ("session", "title", "project", "user")
SECTIONS = (
    Section(
        id="cost",
        title="Cost per day, by model",
        facts="models",
        by=("day", "model"),
        measures=("cost_usd", "tokens", "cache_savings_usd", "responses"),
        note="List prices in US dollars; what a subscription costs has nothing to do with them.",
        chart="days",
    ),
    Section(
        id="models",
        title="Models",
        facts="models",
        by=("model",),
        measures=("cost_usd", "tokens", "cache_savings_usd", "responses"),
        order="cost_usd",
    ),
    Section(
        id="unpriced",
        title="Models without a price",
        facts="unpriced",
        by=("model",),
        measures=("tokens", "responses"),
        note="Their tokens are in the totals, their cost is in none.",
        order="tokens",
    ),
    Section(
        id="projects",
        title="Projects",
        facts="activity",
        by=("project",),
        measures=("cost_usd", "tokens", "sessions", "prompts", "tool_calls", "days", "last_day"),
        note="Days are those with an activity.",
        order="cost_usd",
        chart="bars",
        limit=25,
    ),
    Section(
        id="users",
        title="Users",
        facts="activity",
        by=("user",),
        measures=("cost_usd", "tokens", "sessions", "prompts", "tool_calls", "days", "last_day"),
        order="cost_usd",
        chart="bars",
        limit=25,
    ),
    Section(
        id="hours",
        title="When prompts are typed",
        facts="prompts",
        by=("weekday", "hour"),
        measures=("prompts",),
        chart="heat",
    ),
    Section(
        id="days",
        title="Sessions over time",
        facts="activity",
        by=("day",),
        measures=("sessions", "prompts", "tool_calls", "cost_usd"),
        chart="days",
    ),
    Section(
        id="tools",
        title="Tools",
        facts="tools",
        by=("tool",),
        measures=("tool_calls", "failed", "failed_share"),
        order="tool_calls",
        chart="bars",
        limit=25,
    ),
    Section(
        id="errors",
        title="Why tools fail",
        facts="errors",
        by=("tool", "error"),
        measures=("failed",),
        note="What most errors of a tool say.",
        order="failed",
    ),
    Section(
        id="times",
        title="How long tools take",
        facts="times",
        by=("tool",),
        measures=("tool_calls", "median_seconds", "p95_seconds"),
        note="From the call to its result, waits for a permission included.",
        order="tool_calls",
        limit=25,
    ),
    Section(
        id="answers",
        title="Time to the first answer",
        facts="answers",
        by=("day",),
        measures=("median_seconds", "p90_seconds", "answers"),
        note="From a prompt to the first part of its answer that is logged.",
        chart="line",
    ),
    Section(
        id="dearest",
        title="Dearest sessions",
        facts="sessions",
        by=_SESSION,
        measures=("cost_usd", "prompts", "active_seconds", "duration_seconds"),
        note="By the day they began.",
        order="cost_usd",
        limit=10,
    ),
    Section(
        id="longest",
        title="Longest sessions",
        facts="sessions",
        by=_SESSION,
        measures=("active_seconds", "duration_seconds", "prompts", "cost_usd"),
        note="By their active time, which leaves out gaps above 5 minutes.",
        order="active_seconds",
        limit=10,
    ),
    Section(
        id="categories",
        title="What prompts ask for",
        facts="categories",
        by=("category",),
        measures=("prompts",),
        order="prompts",
        chart="bars",
    ),
    Section(
        id="tasks",
        title="What sessions are for",
        facts="tasks",
        by=("category",),
        measures=("sessions", "median_seconds", "median_prompts", "median_cost_usd"),
        note="By their first prompt. Medians of sessions; seconds are active ones.",
        order="sessions",
    ),
    Section(
        id="code",
        title="Lines changed per day",
        facts="code",
        by=("day",),
        measures=("lines_added", "lines_removed", "changes"),
        chart="lines",
    ),
    Section(
        id="languages",
        title="Languages",
        facts="code",
        by=("language",),
        measures=("lines_added", "lines_removed", "changes"),
        order="lines_added",
        chart="bars",
        limit=25,
    ),
    Section(
        id="files",
        title="Files changed most",
        facts="files",
        by=("file",),
        measures=("changes", "lines_added", "lines_removed"),
        order="changes",
    ),
    Section(
        id="blocks",
        title="Windows of five hours",
        facts="blocks",
        by=("block",),
        measures=("tokens", "cost_usd", "responses"),
        note="The line is the fullest window of the report, a limit that is known to be above it.",
        chart="blocks",
    ),
)
CARDS = Section(
    id="totals",
    title="Totals",
    facts="activity",
    by=(),
    measures=(
        "cost_usd", "tokens", "cache_savings_usd", "sessions", "prompts", "tool_calls", "failed_share",
    ),
)  # fmt: skip


def read_facts(figures: Figures, *, redact: bool) -> dict[str, list[Row]]:
    """Read all facts that sections sum up; texts are on one line, and cut."""
    found = {name: figures.table((*_KEYS, *by)) for name, by in _TABLES.items()} | {
        "sessions": figures.sessions("cost_usd", limit=None),
        "unpriced": figures.unpriced_models(),
        "errors": figures.failing_tools(limit=10),
        "times": figures.table(["tool"]),
        "answers": figures.first_answers("day"),
        "tasks": figures.tasks(),
        "files": figures.table(["file"], limit=10),
        "blocks": [
            row | {"day": row["block"].date()}
            for row in ([] if figures.chosen.is_narrowed else figures.table(["block"]))
        ],
    }
    return {
        name: [
            {column: _plain(value) for column, value in row.items()}
            for row in (redacted(rows) if redact else rows)
        ]
        for name, rows in found.items()
    }


def _plain(value: Any) -> Any:  # noqa: ANN401  # what DuckDB answers
    """Numbers as they are, times as ISO texts, and texts that cannot do any harm."""
    if value is None or isinstance(value, int | float):
        return value
    return shortened(str(value), LONGEST)


def summed(section: Section, facts: Sequence[Row]) -> list[Row]:
    """The rows of a section."""
    if not facts:
        return []
    frame = pl.DataFrame(facts, infer_schema_length=None)
    rows = frame.select(_sums(section)) if not section.by else frame.group_by(section.by).agg(_sums(section))
    if section.order:
        by, descending = [section.order, *section.by], [True, *(False for _ in section.by)]
        rows = rows.sort(by, descending=descending, nulls_last=True)
    elif section.by:
        rows = rows.sort(section.by, nulls_last=True)
    return rows.head(section.limit or rows.height).to_dicts()


def _sums(section: Section) -> list[pl.Expr]:
    special = {
        "sessions": pl.col("session").n_unique() if section.facts == "activity" else pl.col("sessions").sum(),
        "days": pl.col("day").n_unique(),
        "last_day": pl.col("day").max(),
        "failed_share": pl.col("failed").sum() / pl.col("tool_calls").sum(),
    }
    return [
        special[name].alias(name)
        if name in special
        else pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name)
        for name in section.measures
    ]
