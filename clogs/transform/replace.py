"""Some rows of a table replaced by what they ought to be."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from sqlmesh.core.engine_adapter.base import EngineAdapter

from clogs.transform.logs import quoted
from clogs.transform.places import fetch

_DIFFER = """
    CREATE OR REPLACE TEMP TABLE gone AS SELECT * FROM stale ANTI JOIN fresh ON {same};
    CREATE OR REPLACE TEMP TABLE come AS SELECT * FROM fresh ANTI JOIN stale ON {same}
"""
_REPLACE = """
    DELETE FROM {table} WHERE rowid IN (SELECT _place FROM gone);
    INSERT INTO {table} SELECT * FROM come
"""
_AUDITED = """
    CREATE OR REPLACE TEMP TABLE audited AS
    SELECT * EXCLUDE (_place) FROM stale ANTI JOIN gone USING (_place)
    UNION ALL BY NAME SELECT * FROM come
    UNION ALL BY NAME SELECT * EXCLUDE (_place) FROM alike
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
    with the rows that went, with their ``_place``, and came; and ``audited`` with all that have to agree: the
    rows of the touched keys as they are now, and others that have the grain of a new one.

    Args:
        adapter: SQLMesh's connection, in a transaction. Its temporary table ``touched`` has the keys.
        table: The table, whose rows are distinct.
        query: Gives the rows of the touched keys as they ought to be; of all, without a key.
        key: The column of the table that ``touched.key`` is compared with.
        grain: The columns that no two rows may have in common.
    """
    touched = f"touched ON touched.key = kept.{quoted(key)}" if key else "(SELECT 1) ON true"
    adapter.execute(f"CREATE OR REPLACE TEMP TABLE fresh AS {query}")
    if _count(adapter, f"fresh AS kept ANTI JOIN {touched}"):
        return Replaced.FOREIGN
    fetch(adapter, "stale", table, f"SEMI JOIN {touched}")
    _run(adapter, _DIFFER.format(same=_same("fresh", "stale", list(adapter.columns("fresh")))))
    if not _count(adapter, "gone") + _count(adapter, "come"):
        return Replaced.NOTHING
    fetch(adapter, "alike", table, f"SEMI JOIN come ON {_same('come', 'kept', grain)} ANTI JOIN {touched}")
    _run(adapter, _REPLACE.format(table=table) + ";" + _AUDITED)
    return Replaced.SOME


def _same(one: str, other: str, columns: Sequence[str]) -> str:
    names = map(quoted, columns)
    return " AND ".join(f"{one}.{name} IS NOT DISTINCT FROM {other}.{name}" for name in names)


def _count(adapter: EngineAdapter, rows: str) -> int:
    return int(adapter.fetchall(f"SELECT count(*) FROM {rows}")[0][0])


def _run(adapter: EngineAdapter, statements: str) -> None:
    for statement in statements.split(";"):
        adapter.execute(statement)
