"""What a table holds, measured in two passes over it, without a copy of its texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from clogs.datadocs.distribution import (
    EXACT_ROWS,
    Histogram,
    Look,
    Shares,
    closer_look,
    distribution_of,
    look,
)
from clogs.errors import UsageError
from clogs.schema import COLUMNS
from clogs.warehouse import Connection, query

_LAYERS = ("bronze", "silver", "gold")
_DOCUMENTS = "raw.conversations"

_TABLES = """
    SELECT schema_name || '.' || table_name AS name, comment FROM duckdb_tables()
    WHERE database_name = current_database()
    UNION ALL
    SELECT schema_name || '.' || view_name, comment FROM duckdb_views()
    WHERE database_name = current_database() AND NOT internal
    ORDER BY name
"""
_COLUMNS = """
    SELECT column_name, data_type, coalesce(comment, '') FROM duckdb_columns()
    WHERE database_name = current_database() AND schema_name || '.' || table_name = ?
    ORDER BY column_index
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """One column.

    Attributes:
        name: Its name.
        type: Its type, as DuckDB writes it.
        description: What it holds.
        nulls: Rows where it is NULL.
        distinct: Different values, without NULL.
        is_exact: Whether that is counted, or else estimated.
        distribution: How its values are distributed; None where there is nothing to show.
    """

    name: str
    type: str
    description: str
    nulls: int = 0
    distinct: int = 0
    is_exact: bool = True
    distribution: Histogram | Shares | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableProfile:
    """One table or view.

    Attributes:
        name: Schema and table, such as ``gold.fct_messages``.
        description: What one row is.
        rows: Its rows; None where it cannot be read.
        columns: In their order.
        fault: Why it cannot be read, in DuckDB's words; empty where it can.
    """

    name: str
    description: str
    rows: int | None
    columns: tuple[ColumnProfile, ...]
    fault: str = ""


def tables(connection: Connection, also: Iterable[str] = ()) -> list[str]:
    """The tables to document, by name: ``raw.conversations``, the three layers, and others if there."""
    wanted = {_DOCUMENTS, *also}
    names = [name for name, _ in connection.execute(_TABLES).fetchall()]
    return [name for name in names if name in wanted or name.partition(".")[0] in _LAYERS]


def profile(connection: Connection, table: str) -> TableProfile:
    """Measure a table and each of its columns.

    Args:
        connection: The warehouse; it is only read.
        table: Schema and table, as they are, not quoted. A view that DuckDB cannot read is a fault to
            show, not an error.
    """
    comment = dict(connection.execute(_TABLES).fetchall()).get(table)
    columns = _described(table, connection.execute(_COLUMNS, [table]).fetchall())
    fault, rows = "", None
    try:
        rows, columns = _measured(connection, table, columns)
    except UsageError as exc:
        fault = exc.message.partition("\n")[0]
    return TableProfile(name=table, description=comment or "", rows=rows, columns=columns, fault=fault)


def _described(table: str, found: Sequence[tuple[str, str, str]]) -> tuple[ColumnProfile, ...]:
    known = {column.name: column.description for column in COLUMNS} if table == _DOCUMENTS else {}
    return tuple(
        ColumnProfile(name=name, type=type_, description=known.get(name, comment))
        for name, type_, comment in found
    )


def _measured(
    connection: Connection, table: str, columns: Sequence[ColumnProfile]
) -> tuple[int, tuple[ColumnProfile, ...]]:
    source = ".".join(map(_quoted, table.partition(".")[::2]))
    rows = int(_row(connection, "count(*)", source)[0])
    is_exact = rows <= EXACT_ROWS
    first = [look(_quoted(column.name), column.type, is_exact=is_exact) for column in columns]
    looks = [Look(**found) for found in _row(connection, ", ".join(first), source)]
    closer = [
        closer_look(_quoted(column.name), column.name, column.type, seen, is_exact=is_exact)
        for column, seen in zip(columns, looks, strict=True)
    ]
    found = _row(connection, ", ".join(closer), source)
    measured = zip(columns, looks, found, strict=True)
    return rows, tuple(_column(rows, *each, is_exact=is_exact) for each in measured)


def _column(
    rows: int, column: ColumnProfile, seen: Look, found: dict[str, Any] | None, *, is_exact: bool
) -> ColumnProfile:
    distribution = distribution_of(column.type, seen, found, is_exact=is_exact)
    listed = len(distribution.values) if isinstance(distribution, Shares) else None
    return ColumnProfile(
        name=column.name,
        type=column.type,
        description=column.description,
        nulls=rows - seen.filled,
        # an estimate may be above what is possible
        distinct=min(seen.distinct, seen.filled) if listed is None else listed,
        is_exact=is_exact or listed is not None,
        distribution=distribution,
    )


def _row(connection: Connection, expressions: str, source: str) -> tuple[Any, ...]:
    return query(connection, f"SELECT {expressions} FROM {source}")[1][0]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
