"""Some rows of a table replaced by what they ought to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from clogs.errors import ClogsError
from clogs.transform.logs import columns_of
from clogs.warehouse import Connection, create_temporary, fetch, identifier, some_of

_ADDED = "(FROM differing WHERE _place IS NULL) AS added"


class RowDelta(NamedTuple):
    """Queries of the rows that changed.

    Attributes:
        rows: The rows that went, and those that came.
        agreeing: All rows that have to agree with these: those of the same keys as they are now, and others
            that have the grain of a new one.
    """

    rows: str
    agreeing: str


def replace(
    connection: Connection,
    table: str,
    query: str,
    *,
    touched: str | None,
    key: str | None,
    grain: Sequence[str],
) -> RowDelta | None:
    """Replace the rows of touched keys, or all rows, where a query gives others. The caller commits.

    Rows that stay the same are not written.

    Args:
        connection: In a transaction.
        table: The table, whose rows are distinct.
        query: Gives the rows of the touched keys as they ought to be; of all, without a key.
        touched: A table with the touched keys in its column ``key``.
        key: The column of the table that these are compared with.
        grain: The columns that no two rows may have in common; none for all.

    Raises:
        ClogsError: The query gives rows of other keys.
    """
    is_touched = (
        f"{touched} ON {touched}.key = kept.{identifier(key)}" if touched and key else "(SELECT 1) ON true"
    )
    create_temporary(connection, "expected", query)
    foreign = f"SELECT count(*) FROM expected AS kept ANTI JOIN {is_touched}"
    if touched and connection.execute(foreign).fetchall() != [(0,)]:
        raise ClogsError(f"its rows depend on rows outside their key, {key}")
    current = some_of(connection, table, f"SEMI JOIN {is_touched}", name="current")
    columns = columns_of(connection, "expected")
    if not create_temporary(connection, "differing", _differing(current, columns)):
        return None
    agreeing = "FROM expected"
    if touched and key not in (grain or columns):  # rows of other keys may have the same grain
        same_grain = f"SEMI JOIN {_ADDED} ON {_same('added', 'kept', grain)} ANTI JOIN {is_touched}"
        fetch(connection, table, same_grain, name="alike")
        agreeing += " UNION ALL BY NAME SELECT * EXCLUDE (_place) FROM alike"
    connection.execute(f"DELETE FROM {table} WHERE rowid IN (SELECT _place FROM differing)")
    connection.execute(f"INSERT INTO {table} SELECT * EXCLUDE (_place) FROM {_ADDED}")
    return RowDelta("SELECT * EXCLUDE (_place) FROM differing", agreeing)


def _differing(current: str, columns: Sequence[str]) -> str:
    """A query of the rows that are not expected, with their places, and of those that are missing."""
    values = (f"coalesce(current.{name}, expected.{name}) AS {name}" for name in map(identifier, columns))
    return f"""
        SELECT _place, {", ".join(values)}
        FROM ({current}) AS current FULL JOIN (SELECT *, true AS _is_expected FROM expected) AS expected
        ON {_same("current", "expected", columns)}
        WHERE _place IS NULL OR _is_expected IS NULL
    """


def _same(one: str, other: str, columns: Sequence[str]) -> str:
    names = map(identifier, columns)
    return " AND ".join(f"{one}.{name} IS NOT DISTINCT FROM {other}.{name}" for name in names)
