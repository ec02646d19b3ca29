"""Some rows of a table replaced by what they ought to be."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from sqlmesh.core.engine_adapter.base import EngineAdapter

from clogs.transform.logs import quoted

# `audited` are the rows of the touched keys, and all that a new row has its grain in common with.
_DIFFER = """
    CREATE OR REPLACE TEMP TABLE gone AS SELECT * FROM stale ANTI JOIN fresh ON {same};
    CREATE OR REPLACE TEMP TABLE come AS SELECT * FROM fresh ANTI JOIN stale ON {same}
"""
_REPLACE = """
    DELETE FROM {table} WHERE rowid IN (SELECT place FROM gone);
    ALTER TABLE gone DROP COLUMN place;
    INSERT INTO {table} SELECT * FROM come;
    CREATE OR REPLACE TEMP TABLE audited AS
    SELECT * FROM {table} WHERE rowid IN (
        SELECT kept.rowid FROM {table} AS kept {of_touched}
        UNION
        SELECT kept.rowid FROM {table} AS kept SEMI JOIN come ON {same_grain}
    )
"""


class Replaced(Enum):
    """What became of it."""

    NOTHING = 0
    SOME = 1
    FOREIGN = 2
    """Nothing was replaced, because the new rows have keys that were not asked for."""

    def __bool__(self) -> bool:
        """Whether rows were replaced."""
        return self is Replaced.SOME


def replace(
    adapter: EngineAdapter, table: str, query: str, *, key: str | None, grain: Sequence[str]
) -> Replaced:
    """Replace the rows of touched keys, or all rows, where a query gives others. The caller commits.

    Rows that stay the same are not written. There are temporary tables afterwards: ``gone`` and ``come``
    with the rows that went and came, and ``audited`` with all rows that have to agree with them.

    Args:
        adapter: SQLMesh's connection, in a transaction. Its temporary table ``touched`` has the keys.
        table: The table, whose rows are distinct.
        query: Gives the rows of the touched keys as they ought to be; of all, without a key.
        key: The column of the table that ``touched.key`` is compared with.
        grain: The columns that no two rows may have in common.
    """
    of_touched = f"SEMI JOIN touched ON touched.key = kept.{quoted(key)}" if key else ""
    adapter.execute(f"CREATE OR REPLACE TEMP TABLE fresh AS {query}")
    if key and _count(adapter, f"fresh AS kept {of_touched.replace('SEMI', 'ANTI')}"):
        return Replaced.FOREIGN
    stale = f"SELECT kept.rowid AS place, kept.* FROM {table} AS kept {of_touched}"
    adapter.execute(f"CREATE OR REPLACE TEMP TABLE stale AS {stale}")
    _run(adapter, _DIFFER.format(same=_same("fresh", "stale", list(adapter.columns("fresh")))))
    if not _count(adapter, "gone") + _count(adapter, "come"):
        return Replaced.NOTHING
    _run(
        adapter, _REPLACE.format(table=table, of_touched=of_touched, same_grain=_same("come", "kept", grain))
    )
    return Replaced.SOME


def _same(one: str, other: str, columns: Sequence[str]) -> str:
    return " AND ".join(
        f"{one}.{quoted(name)} IS NOT DISTINCT FROM {other}.{quoted(name)}" for name in columns
    )


def _count(adapter: EngineAdapter, rows: str) -> int:
    return int(adapter.fetchall(f"SELECT count(*) FROM {rows}")[0][0])


def _run(adapter: EngineAdapter, statements: str) -> None:
    for statement in statements.split(";"):
        adapter.execute(statement)
