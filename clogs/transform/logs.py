"""The logs of changes that models keep for the models built from them. See `clogs.warehouse.changes`.

The log of a table is ``changes.<table>``, with the columns of the table beside its own. ``changes.seen`` says
up to which number of which log a table has been brought up to date.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp
from sqlmesh.core.engine_adapter.base import EngineAdapter

SOURCE = "conversations"
"""The log of ``raw.conversations``, which `clogs.warehouse` keeps."""

_SEEN = """
    CREATE TABLE IF NOT EXISTS {seen} (
        model VARCHAR NOT NULL,
        parent VARCHAR NOT NULL,
        number BIGINT NOT NULL
    )
"""
_RESET = """
    CREATE OR REPLACE TABLE {log} AS
    SELECT 0::BIGINT AS number, false AS everything, * FROM {table} LIMIT 0;
    INSERT INTO {log} BY NAME SELECT nextval('{catalog}.changes.numbers') AS number, true AS everything
"""


@dataclass(frozen=True, slots=True)
class Logs:
    """The logs in one catalog, by the names of the tables that they belong to."""

    adapter: EngineAdapter
    catalog: str

    def __post_init__(self) -> None:
        """Make the table of what was seen, where it is missing."""
        self.adapter.execute(_SEEN.format(seen=self._seen))

    @property
    def _seen(self) -> str:
        return self.of("seen")

    def of(self, table: str) -> str:
        """The log of a table, as SQL names it."""
        return exp.table_(table, "changes", self.catalog, quoted=True).sql("duckdb")

    def exists(self, table: str) -> bool:
        """Tell whether a table has a log."""
        asked = (
            f"SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'changes' AND table_name = '{table}'"
        )
        return bool(self._rows(asked)[0][0])

    def seen(self, table: str) -> dict[str, int]:
        """Up to which number a table has followed each of its parents."""
        rows = self._rows(f"SELECT parent, number FROM {self._seen} WHERE model = '{table}'")
        return dict(rows)

    def latest(self, parent: str) -> int:
        """The number of the last change of a table; 0 where there is none."""
        return int(self._rows(f"SELECT coalesce(max(number), 0) FROM {self.of(parent)}")[0][0])

    def everything_since(self, parent: str, number: int) -> bool:
        """Tell whether all of a table may have changed since."""
        asked = f"SELECT count(*) FROM {self.of(parent)} WHERE everything AND number > {number}"
        return bool(self._rows(asked)[0][0])

    def reset(self, table: str, source: str) -> None:
        """Begin a log: all of the table may have changed."""
        statements = _RESET.format(log=self.of(table), table=source, catalog=self.catalog)
        for statement in statements.split(";"):
            self.adapter.execute(statement)

    def append(self, table: str, source: str, *, changed: Iterable[str]) -> None:
        """Note the rows of queries as changed; a log that gets longer than its table is begun anew."""
        log = self.of(table)
        rows = " UNION ALL BY NAME ".join(changed)
        self.adapter.execute(f"""
            INSERT INTO {log} BY NAME
            SELECT numbered.number, false AS everything, changed.*
            FROM ({rows}) AS changed,
                (SELECT nextval('{self.catalog}.changes.numbers') AS number) AS numbered
        """)
        ((too_long,),) = self._rows(f"SELECT (SELECT count(*) FROM {log}) > (SELECT count(*) FROM {source})")
        if too_long:
            self.reset(table, source)

    def mark_seen(self, table: str, numbers: Mapping[str, int]) -> None:
        """Note up to which number a table has followed each of its parents."""
        self.adapter.execute(f"DELETE FROM {self._seen} WHERE model = '{table}'")
        if numbers:
            values = ", ".join(f"('{table}', '{parent}', {number})" for parent, number in numbers.items())
            self.adapter.execute(f"INSERT INTO {self._seen} VALUES {values}")

    def trim(self, tables: Collection[str]) -> None:
        """Remove what all tables have followed, and what belongs to tables that are none of ``tables``."""
        logs = self._rows("""
            SELECT table_name FROM duckdb_tables()
            WHERE schema_name = 'changes' AND table_name <> 'seen'
        """)
        models = ", ".join(f"'{table}'" for table in ("", *tables))
        self.adapter.execute(f"DELETE FROM {self._seen} WHERE model NOT IN ({models})")
        for (table,) in logs:
            if table not in tables and table != SOURCE:
                self.adapter.execute(f"DROP TABLE {self.of(table)}")
                continue
            followed = f"SELECT min(number) FROM {self._seen} WHERE parent = '{table}'"
            self.adapter.execute(
                f"DELETE FROM {self.of(table)} WHERE number <= coalesce(({followed}), number)"
            )

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return list(self.adapter.fetchall(sql))


def unread(adapter: EngineAdapter) -> int | None:
    """Documents that changed since the models read of it; None where any may have."""
    ((count, everything),) = adapter.fetchall(f"""
        SELECT count(DISTINCT _id), count(*) FILTER (everything) FROM changes.{SOURCE}
    """)
    return None if everything else int(count)


def bare(table: exp.Table) -> exp.Table:
    """A table without its alias."""
    return exp.table_(table.name, table.db, table.catalog, quoted=True)


def quoted(name: str) -> str:
    """A name as SQL quotes it."""
    return exp.to_identifier(name, quoted=True).sql("duckdb")
