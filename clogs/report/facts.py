"""Facts by day, and what each section of a report's page makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import polars as pl

from clogs.report.figures import Figures, Row, redacted
from clogs.report.measures import By
from clogs.report.sections import CARDS, SECTIONS, Section
from clogs.terminal.text import shortened

LONGEST = 200
"""Characters of a text in the page."""

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
            {column: _plain(value) for column, value in row.items() if column in _needed(name)}
            for row in (redacted(rows) if redact else rows)
        ]
        for name, rows in found.items()
    }


@cache
def _needed(facts: str) -> set[str]:
    """The columns that sections, and the filters of the page, make anything of."""
    needed: set[str] = {*_KEYS, *(["session"] if facts == CARDS.facts else [])}
    for section in (*SECTIONS, CARDS):
        if section.facts == facts:
            needed.update(section.by, section.measures)
    return needed | ({"tool_calls", "failed"} if "failed_share" in needed else set())


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
