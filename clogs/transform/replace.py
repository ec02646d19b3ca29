"""Some rows of a table replaced by what they ought to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from clogs.errors import ClogsError
from clogs.transform.logs import columns_of
from clogs.warehouse import Connection, fetch, identifier


class Changes(NamedTuple):
    """Temporary tables of the rows that changed.

    Attributes:
        removed: The rows that went, with their places in a column ``_place``.
        added: The rows that came.
        agreeing: All rows that have to agree with these: those of the same keys as they are now, and others
            that have the grain of a new one.
    """

    removed: str
    added: str
    agreeing: str


def replace(
    connection: Connection,
    table: str,
    query: str,
    *,
    touched: str | None,
    key: str | None,
    grain: Sequence[str],
) -> Changes | None:
    """Replace the rows of touched keys, or all rows, where a query gives others. The caller commits.

    Rows that stay the same are not written.

    Args:
        connection: In a transaction.
        table: The table, whose rows are distinct.
        query: Gives the rows of the touched keys as they ought to be; of all, without a key.
        touched: A table with the touched keys in its column ``key``.
        key: The column of the table that these are compared with.
        grain: The columns that no two rows may have in common.

    Raises:
        ClogsError: The query gives rows of other keys.
    """
    is_touched = (
        f"{touched} ON {touched}.key = kept.{identifier(key)}" if touched and key else "(SELECT 1) ON true"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE expected AS {query}")
    if _count(connection, f"expected AS kept ANTI JOIN {is_touched}"):
        raise ClogsError(f"its rows depend on rows outside their key, {key}")
    fetch(connection, "current", table, f"SEMI JOIN {is_touched}")
    same = _same("expected", "current", columns_of(connection, "expected"))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE removed AS FROM current ANTI JOIN expected ON {same}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE added AS FROM expected ANTI JOIN current ON {same}")
    if not _count(connection, "removed") + _count(connection, "added"):
        return None
    with_same_grain = f"SEMI JOIN added ON {_same('added', 'kept', grain)} ANTI JOIN {is_touched}"
    fetch(connection, "alike", table, with_same_grain)
    connection.execute(f"DELETE FROM {table} WHERE rowid IN (SELECT _place FROM removed)")
    connection.execute(f"INSERT INTO {table} FROM added")
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE agreeing AS
        SELECT * EXCLUDE (_place) FROM current ANTI JOIN removed USING (_place)
        UNION ALL BY NAME FROM added
        UNION ALL BY NAME SELECT * EXCLUDE (_place) FROM alike
    """)
    return Changes("removed", "added", "agreeing")


def _same(one: str, other: str, columns: Sequence[str]) -> str:
    names = map(identifier, columns)
    return " AND ".join(f"{one}.{name} IS NOT DISTINCT FROM {other}.{name}" for name in names)


def _count(connection: Connection, rows: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {rows}").fetchall()[0][0])
