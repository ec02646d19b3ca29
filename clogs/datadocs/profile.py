"""What a table holds: its rows, and of each column the NULLs, the distinct values and their distribution."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace

from clogs.errors import UsageError
from clogs.schema import COLUMNS
from clogs.terminal.text import first_line
from clogs.warehouse import Connection, identifier, query

EXACT_ROWS = 250_000
"""Up to so many rows, distinct values and quantiles are exact; above, they would take too much memory."""

FREE_TEXTS = {"message_content", "message_raw", "entry_raw", "title", "error_text"}
"""Columns that people and programs wrote: their values stay private, however few and short they are."""

DOCUMENTS = "raw.conversations"
LONGEST_VALUE = 60
MOST_VALUES = 8
MOST_KEYS = 3
BINS = 16

_KINDS = {
    "boolean": "BOOLEAN",
    "text": r"VARCHAR|ENUM\(.*",
    "whole": "U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?",
    "number": r"FLOAT|DOUBLE|DECIMAL\(.*",
    "day": "DATE",
    "instant": "TIMESTAMP.*",
}
_TABLES = """
    SELECT schema_name || '.' || table_name AS name, comment FROM duckdb_tables()
    WHERE database_name = current_database()
    UNION ALL
    SELECT schema_name || '.' || view_name, comment FROM duckdb_views()
    WHERE database_name = current_database() AND NOT internal
    ORDER BY name
"""
_COLUMNS = """
    SELECT schema_name || '.' || table_name, column_name, data_type, coalesce(comment, '')
    FROM duckdb_columns() WHERE database_name = current_database() ORDER BY column_index
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """One column.

    Attributes:
        type: As DuckDB writes it.
        filled: Rows where it is not NULL.
        distinct: Different values, without NULL; an estimate unless `is_exact`.
        points: Minimum, 1st percentile, median, 99th percentile and maximum of numbers, or of days or seconds
            since 1970; of texts, the length of the longest alone. Empty where nothing has a place on a scale.
        values: The most frequent values that may be shown, and how many rows have each.
        bars: Rows in bins of equal width from the 1st to the 99th percentile; the outermost two also hold
            what lies beyond.
    """

    name: str
    type: str
    description: str
    filled: int = 0
    distinct: int = 0
    is_exact: bool = True
    points: tuple[float, ...] = ()
    values: tuple[tuple[str, int], ...] = ()
    bars: tuple[int, ...] = ()

    @property
    def kind(self) -> str:
        """One of boolean, text, whole, number, day and instant; empty for what has no place on a scale."""
        return next((kind for kind, types in _KINDS.items() if re.fullmatch(types, self.type, re.DOTALL)), "")

    @property
    def is_key(self) -> bool:
        """Whether its values stand for something else: ``date_key`` is not an amount."""
        return self.name.endswith(("_id", "_key"))

    @property
    def is_shown(self) -> bool:
        """Whether its most frequent values may be shown."""
        if self.kind != "text":
            return self.kind == "boolean"
        # values that hardly repeat say something of one row each
        repeats = self.distinct * 2 <= self.filled
        return repeats and self.name not in FREE_TEXTS and max(self.points, default=0) <= LONGEST_VALUE


@dataclass(frozen=True, slots=True, kw_only=True)
class TableProfile:
    """One table or view."""

    name: str
    description: str
    columns: tuple[ColumnProfile, ...]
    rows: int | None = None
    fault: str = ""


def tables(connection: Connection, also: Collection[str] = ()) -> list[TableProfile]:
    """The tables to document, by name and not yet measured.

    They are ``raw.conversations``, the three layers, and of `also` what exists.
    """
    columns = defaultdict(list)
    ours = {column.name: column.description for column in COLUMNS}
    for table, name, type_, comment in connection.execute(_COLUMNS).fetchall():
        description = ours.get(name, comment) if table == DOCUMENTS else comment
        columns[table].append(ColumnProfile(name=name, type=type_, description=description))
    return [
        TableProfile(name=name, description=comment or "", columns=tuple(columns[name]))
        for name, comment in connection.execute(_TABLES).fetchall()
        if name in {DOCUMENTS, *also} or name.startswith(("bronze.", "silver.", "gold."))
    ]


def measure(connection: Connection, table: TableProfile) -> TableProfile:
    """Count the rows of a table, and measure each of its columns.

    A view that DuckDB cannot read gets its `fault`, and is not an error.
    """
    source = ".".join(map(identifier, table.name.partition(".")[::2]))
    try:
        ((rows,),) = query(connection, f"SELECT count(*) FROM {source}")[1]
        asked = ", ".join(_measures(column, is_exact=rows <= EXACT_ROWS) for column in table.columns)
        (measured,) = query(connection, f"SELECT {asked} FROM {source}")[1]
        columns = [
            replace(column, **fields | {"points": tuple(fields["points"])})
            for column, fields in zip(table.columns, measured, strict=True)
        ]
        columns = [_with_distribution(connection, source, column) for column in columns]
    except UsageError as exc:
        return replace(table, fault=first_line(exc))
    return replace(table, rows=rows, columns=tuple(columns))


def _measures(column: ColumnProfile, *, is_exact: bool) -> str:
    """SQL for a struct of the fields that all columns of a table get in one pass over it."""
    name, scaled = identifier(column.name), _scaled(column)
    # by a hash: texts of any length would be kept in memory
    distinct = f"count(DISTINCT CASE WHEN {name} IS NOT NULL THEN hash({name}) END)"
    points = f"quantile_disc({scaled}, [0, 0.01, 0.5, 0.99, 1])"
    if not is_exact:
        distinct = f"least(approx_count_distinct({name}), count({name}))"
        points = (
            f"list_concat([min({scaled})], approx_quantile({scaled}, [0.01, 0.5, 0.99]), [max({scaled})])"
        )
    if column.kind == "text":
        points = f"[max({scaled})]"
    return f"""{{
        'filled': count({name}), 'distinct': {distinct}, 'is_exact': {is_exact},
        'points': CASE WHEN max({scaled}) IS NOT NULL THEN {points} ELSE [] END
    }}"""


def _scaled(column: ColumnProfile) -> str:
    """SQL for the place of a value on a scale; NULL for what has none, such as what is infinite."""
    name = identifier(column.name)
    match column.kind:
        case "text":
            return f"CAST(length(CAST({name} AS VARCHAR)) AS DOUBLE)"
        case "whole" | "number":
            return f"CASE WHEN isfinite(CAST({name} AS DOUBLE)) THEN CAST({name} AS DOUBLE) END"
        case "day" | "instant":
            unit = 86400 if column.kind == "day" else 1
            # DuckDB's years have six digits, Python's four
            return f"CASE WHEN {name} BETWEEN '0001-01-02' AND '9999-12-30' THEN epoch({name}) / {unit} END"
    return "CAST(NULL AS DOUBLE)"


def _with_distribution(connection: Connection, source: str, column: ColumnProfile) -> ColumnProfile:
    """Add the values or the bars, if the column has any to show."""
    if column.is_shown:
        asked = f"""
            SELECT CAST({identifier(column.name)} AS VARCHAR) AS value, count(*) AS rows FROM {source}
            WHERE value IS NOT NULL GROUP BY value HAVING rows > {1 if column.kind == "text" else 0}
            ORDER BY rows DESC, value LIMIT {MOST_KEYS if column.is_key else MOST_VALUES}
        """
        return replace(column, values=tuple(query(connection, asked)[1]))
    if column.kind == "text" or column.is_key or len(set(column.points)) < 2:  # noqa: PLR2004  # one value
        return column
    least, low, _, high, most = column.points
    if low == high:
        low, high = least, most
    width, bins = high / BINS - low / BINS, BINS  # each by itself, for the difference can be infinite
    if column.kind in {"whole", "day"}:  # as many of them in each bin
        width = math.ceil((high - low + 1) / BINS)
        bins = math.ceil((high - low + 1) / width)
    asked = f"""
        SELECT CAST(greatest(0, least({bins - 1}, floor((value - {low!r}) / {width!r}))) AS INTEGER), count(*)
        FROM (SELECT {_scaled(column)} AS value FROM {source}) WHERE value IS NOT NULL GROUP BY 1
    """
    rows = dict(query(connection, asked)[1])
    return replace(column, bars=tuple(rows.get(bar, 0) for bar in range(bins)))
