"""Some rows of a large table, read without reading the others.

A semi join reads all columns of a table before it decides which rows it wants. Here the column that decides
is read alone, and then only the stretches of the table that hold wanted rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from clogs.warehouse.connection import Connection
from clogs.warehouse.query import identifier

_STRETCH = 2_048
"""Rows that DuckDB decompresses at a time: two wanted rows must be farther apart to read none between."""

_PART = 122_880
"""Rows of a part that is read by a query of its own: each row is compared with the stretches of its part."""

_MOST = 0.1
"""Above this share of a table all of it is read."""

# Stretches: places that follow one another closely, from the first to the last.
_STRETCHES = f"""
    WITH apart AS (
        SELECT _place, _place - lag(_place, 1, -{_STRETCH}) OVER (ORDER BY _place) >= {_STRETCH} AS begins
        FROM {{places}}
    ), numbered AS (
        SELECT _place, sum(begins::INTEGER) OVER (ORDER BY _place) AS number FROM apart
    )
    SELECT min(_place) // {_PART}, min(_place), max(_place) FROM numbered GROUP BY number ORDER BY 2
"""


def fetch(connection: Connection, name: str, table: str, wanted: str) -> str:
    """Copy some rows into a temporary table, with their places in a column ``_place`` before the others."""
    copy, places = identifier(name), identifier(f"places_of_{name}")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {places} AS SELECT kept.rowid AS _place FROM {table} AS kept {wanted}"
    )
    counts = f"SELECT (SELECT count(*) FROM {places}), (SELECT count(*) FROM {table})"
    ((found, total),) = connection.execute(counts).fetchall()
    rows = f"SELECT kept.rowid AS _place, kept.* FROM {table} AS kept"
    if found > total * _MOST:
        parts = [rows]
    else:
        parts = [f"{rows} WHERE {part}" for part in _parts(connection, places)] or [f"{rows} WHERE false"]
    read = " UNION ALL ".join(parts)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {copy} AS SELECT * FROM ({read}) SEMI JOIN {places} USING (_place)"
    )
    connection.execute(f"DROP TABLE {places}")
    return copy


def _parts(connection: Connection, places: str) -> Iterator[str]:
    """Conditions that hold for the stretches of one part of the table each."""
    found = connection.execute(_STRETCHES.format(places=places)).fetchall()
    for _, stretches in groupby(found, key=lambda row: row[0]):
        yield " OR ".join(f"kept.rowid BETWEEN {first} AND {last}" for _, first, last in stretches)
