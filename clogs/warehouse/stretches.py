"""Some rows of a large table, read without reading the others.

A semi join reads all columns of a table before it decides which rows it wants. Here the column that decides
is read alone, and then only the stretches of the table that hold wanted rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from clogs.warehouse.connection import Connection
from clogs.warehouse.query import identifier

_VECTOR = 2_048
"""Rows that DuckDB decompresses at a time: a stretch is one such vector, or several in a row."""

_PART = 60
"""Vectors of a part, which is read by a query of its own: rows are compared with the stretches of theirs."""

_SMALL, _MOST = 10_000, 0.1
"""A table of fewer rows is read as a whole; so is one of which a larger share is wanted."""


def create_temporary(connection: Connection, name: str, query: str) -> int:
    """Copy the rows of a query into a temporary table, in place of one of that name; return how many."""
    ((count,),) = connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}").fetchall()
    return int(count)


def some_of(connection: Connection, table: str, wanted: str, *, name: str) -> str:
    """A query of some rows, with their places in a column ``_place`` before the others.

    Args:
        connection: Whose temporary table ``places_of_<name>`` the query may read.
        table: The table.
        wanted: Joins and conditions of its rows, which are called ``kept``.
        name: Of these rows.
    """
    rows = f"SELECT kept.rowid AS _place, kept.* FROM {table} AS kept"
    ((total,),) = connection.execute(f"SELECT count(*) FROM {table}").fetchall()
    if total < _SMALL:
        return f"{rows} {wanted}"
    places = identifier(f"places_of_{name}")
    found = create_temporary(connection, places, f"SELECT kept.rowid AS _place FROM {table} AS kept {wanted}")
    if found > total * _MOST:
        parts = [rows]
    else:
        parts = [f"{rows} WHERE {part}" for part in _parts(connection, places)] or [f"{rows} WHERE false"]
    return f"SELECT * FROM ({' UNION ALL '.join(parts)}) SEMI JOIN {places} USING (_place)"


def fetch(connection: Connection, table: str, wanted: str, *, name: str) -> str:
    """Copy some rows, as `some_of` has them, into a temporary table, and return its quoted name."""
    copy = identifier(name)
    create_temporary(connection, copy, some_of(connection, table, wanted, name=name))
    return copy


def _parts(connection: Connection, places: str) -> Iterator[str]:
    """Conditions that hold for the stretches of one part of the table each."""
    asked = f"SELECT DISTINCT _place // {_VECTOR} FROM {places} ORDER BY 1"
    vectors = [vector for (vector,) in connection.execute(asked).fetchall()]
    for _, part in groupby(vectors, key=lambda vector: vector // _PART):
        yield " OR ".join(
            f"kept.rowid BETWEEN {first * _VECTOR} AND {last * _VECTOR + _VECTOR - 1}"
            for first, last in _runs(part)
        )


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The first and the last of the numbers that follow one another, in ascending numbers."""
    for _, run in groupby(enumerate(numbers), key=lambda each: each[1] - each[0]):
        found = [number for _, number in run]
        yield found[0], found[-1]
