"""The logs of changes that tables keep for the models built from them. See `clogs.warehouse.changes`.

The log of a table is ``changes.<table>``, with the columns of the table beside its own. ``changes.seen`` says
up to which number of which log a table has been brought up to date.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp
from sqlmesh.core.engine_adapter.base import EngineAdapter

from clogs.warehouse import CHECKS, MOST_LISTED, UNREAD

SOURCE = "conversations"
"""The log of ``raw.conversations``, which `clogs.warehouse` keeps."""


@dataclass(frozen=True, slots=True)
class Logs:
    """The logs in one catalog, by the names of the tables that they belong to."""

    adapter: EngineAdapter
    catalog: str

    def __post_init__(self) -> None:
        """Create the table of what was followed, if it is missing."""
        self.adapter.execute(f"""
            CREATE TABLE IF NOT EXISTS {self.of("seen")} (
                model VARCHAR NOT NULL,
                parent VARCHAR NOT NULL,
                number BIGINT NOT NULL
            )
        """)

    def of(self, table: str) -> str:
        """The log of a table, as SQL names it."""
        return exp.table_(table, "changes", self.catalog, quoted=True).sql("duckdb")

    def exists(self, table: str) -> bool:
        """Return whether a table has a log."""
        return bool(
            self._one(
                "SELECT count(*) FROM duckdb_tables()"
                f" WHERE schema_name = 'changes' AND table_name = '{table}'"
            )
        )

    def seen(self, table: str) -> dict[str, int]:
        """Up to which number a table has followed each of its parents."""
        query = f"SELECT parent, number FROM {self.of('seen')} WHERE model = '{table}'"
        return dict(self.adapter.fetchall(query))

    def latest(self, parent: str) -> int:
        """The number of the last change of a table; 0 without one."""
        return int(self._one(f"SELECT coalesce(max(number), 0) FROM {self.of(parent)}"))

    def everything_since(self, parent: str, number: int) -> bool:
        """Return whether any row of a table may have changed since."""
        return bool(
            self._one(f"SELECT count(*) FROM {self.of(parent)} WHERE everything AND number > {number}")
        )

    def reset(self, table: str, source: str) -> None:
        """Begin a log: any row of the table may have changed."""
        log = self.of(table)
        self.adapter.execute(
            f"CREATE OR REPLACE TABLE {log} AS"
            f" SELECT 0::BIGINT AS number, false AS everything, * FROM {source} LIMIT 0"
        )
        self.adapter.execute(
            f"INSERT INTO {log} BY NAME"
            f" SELECT nextval('{self.catalog}.changes.numbers') AS number, true AS everything"
        )

    def append(self, table: str, source: str, *, rows: str) -> None:
        """Note the rows of a query as changed; a log that gets longer than its table is begun anew."""
        log = self.of(table)
        self.adapter.execute(f"""
            INSERT INTO {log} BY NAME
            SELECT numbered.number, false AS everything, changed.*
            FROM ({rows}) AS changed,
                (SELECT nextval('{self.catalog}.changes.numbers') AS number) AS numbered
        """)
        if self._one(f"SELECT (SELECT count(*) FROM {log}) > (SELECT count(*) FROM {source})"):
            self.reset(table, source)

    def mark_seen(self, table: str, numbers: Mapping[str, int]) -> None:
        """Note up to which number a table has followed each of its parents."""
        self.adapter.execute(f"DELETE FROM {self.of('seen')} WHERE model = '{table}'")
        if numbers:
            values = ", ".join(f"('{table}', '{parent}', {number})" for parent, number in numbers.items())
            self.adapter.execute(f"INSERT INTO {self.of('seen')} VALUES {values}")

    def trim(self, tables: Collection[str]) -> None:
        """Remove what all readers have followed, and the logs of tables other than ``tables``."""
        logs = self.adapter.fetchall("""
            SELECT table_name FROM duckdb_tables()
            WHERE schema_name = 'changes' AND table_name <> 'seen'
        """)
        models = ", ".join(f"'{table}'" for table in ("", *tables))
        is_gone = f"model NOT IN ({models}) AND NOT starts_with(model, '{CHECKS}')"
        self.adapter.execute(f"DELETE FROM {self.of('seen')} WHERE {is_gone}")
        for (table,) in logs:
            if table not in tables and table != SOURCE:
                self.adapter.execute(f"DROP TABLE {self.of(table)}")
                continue
            # the checks may be left out for good: then they check the whole table
            self.adapter.execute(f"""
                DELETE FROM {self.of("seen")} WHERE parent = '{table}' AND starts_with(model, '{CHECKS}')
                AND (SELECT count(*) FROM {self.of(table)}) > {MOST_LISTED}
            """)
            followed = f"SELECT min(number) FROM {self.of('seen')} WHERE parent = '{table}'"
            self.adapter.execute(
                f"DELETE FROM {self.of(table)} WHERE number <= coalesce(({followed}), number)"
            )

    def _one(self, query: str) -> Any:  # noqa: ANN401  # what DuckDB answers
        ((value,),) = self.adapter.fetchall(query)
        return value


def unread(adapter: EngineAdapter) -> int | None:
    """Documents that changed since the models followed them; None where any may have."""
    counts = f"SELECT count(DISTINCT _id), count(*) FILTER (everything) {UNREAD}"
    ((count, everything),) = adapter.fetchall(counts)
    return None if everything else int(count)


def without_alias(table: exp.Table) -> exp.Table:
    """A table as it is named where it has no alias."""
    return exp.table_(table.name, table.db, table.catalog, quoted=True)


def quoted(name: str) -> str:
    """A name as SQL quotes it."""
    return exp.to_identifier(name, quoted=True).sql("duckdb")
