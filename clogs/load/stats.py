"""What ``raw.conversations`` holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from clogs.warehouse import Connection, require_tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What ``raw.conversations`` holds; rows per entry type and project, most first."""

    rows: int
    first_day: date | None
    last_day: date | None
    days: int
    types: dict[str, int]
    projects: dict[str, int]


def stats(connection: Connection) -> Stats:
    """Count what ``raw.conversations`` holds; raises as `require_tables` does."""
    require_tables(connection)
    rows, first, last, days = connection.execute(
        "SELECT count(*), min(date), max(date), count(DISTINCT date) FROM raw.conversations"
    ).fetchall()[0]
    return Stats(
        rows=rows,
        first_day=first,
        last_day=last,
        days=days,
        types=_counts(connection, "type"),
        projects=_counts(connection, "project_id"),
    )


def _counts(connection: Connection, column: str) -> dict[str, int]:
    counted = (
        f"SELECT coalesce({column}, '(none)'), count(*) FROM raw.conversations GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    return dict(connection.execute(counted).fetchall())
