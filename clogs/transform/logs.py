"""The logs of changes that tables keep for the models built from them. See `clogs.warehouse.changes`.

The log of a table is ``changes.<table>``, with the columns of the table beside its own. ``changes.seen`` says
up to which number of which log a table has been brought up to date.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from clogs.warehouse import CHECKS, MOST_LISTED, UNREAD, Connection, identifier

SOURCE = "conversations"
"""The log of ``raw.conversations``, which `clogs.warehouse` keeps."""


@dataclass(slots=True)
class Logs:
    """All logs, by the names of the tables that they belong to."""

    connection: Connection
    _names: set[tuple[bool, str]] = field(init=False)
    _seen: dict[tuple[str, str], int] = field(init=False)
    _latest: dict[str, tuple[int, int]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Read once what is slow to list, or asked often."""
        listed = self.connection.execute("SELECT schema_name = 'changes', table_name FROM duckdb_tables()")
        self._names = set(listed.fetchall())
        seen = self.connection.execute(f"SELECT model, parent, number FROM {self.of('seen')}").fetchall()
        self._seen = {(model, parent): number for model, parent, number in seen}

    def of(self, table: str) -> str:
        """The log of a table, as SQL names it."""
        return f"changes.{identifier(table)}"

    def exists(self, table: str) -> bool:
        """Return whether a table has a log."""
        return (True, table) in self._names

    def follows(self, table: str) -> bool:
        """Return whether there is a table with a log."""
        return {(True, table), (False, table)} <= self._names

    def seen(self, table: str, parent: str) -> int | None:
        """Up to which number a table has followed a parent; None if it has not."""
        return self._seen.get((table, parent))

    def latest(self, parent: str) -> int:
        """The number of the last change of a table; 0 without one."""
        return self._read(parent)[0]

    def everything_since(self, parent: str, number: int) -> bool:
        """Return whether any row of a table may have changed since."""
        return self._read(parent)[1] > number

    def reset(self, table: str, source: str) -> None:
        """Begin a log: any row of the table may have changed."""
        log = self.of(table)
        self._latest.pop(table, None)
        self.connection.execute(
            f"CREATE OR REPLACE TABLE {log} AS"
            f" SELECT 0::BIGINT AS number, false AS everything, * FROM {source} LIMIT 0"
        )
        self.connection.execute(
            f"INSERT INTO {log} BY NAME SELECT nextval('changes.numbers') AS number, true AS everything"
        )

    def append(self, table: str, source: str, *, rows: str) -> None:
        """Note the rows of a query as changed; a log that gets longer than its table is begun anew."""
        log = self.of(table)
        self._latest.pop(table, None)
        ((number,),) = self.connection.execute("SELECT nextval('changes.numbers')").fetchall()
        noted = f"SELECT {number} AS number, false AS everything, * FROM ({rows})"
        self.connection.execute(f"INSERT INTO {log} BY NAME {noted}")
        lengths = f"SELECT (SELECT count(*) FROM {log}), (SELECT count(*) FROM {source})"
        ((of_log, of_table),) = self.connection.execute(lengths).fetchall()
        if of_log > of_table:
            self.reset(table, source)

    def mark_seen(self, table: str, numbers: Mapping[str, int]) -> None:
        """Note up to which number a table has followed each of its parents."""
        values = ", ".join(f"('{table}', '{parent}', {number})" for parent, number in numbers.items())
        insert = f"INSERT INTO {self.of('seen')} VALUES {values}" if numbers else ""
        self.connection.execute(f"DELETE FROM {self.of('seen')} WHERE model = '{table}'; {insert}")

    def trim(self, tables: Collection[str]) -> None:
        """Remove what all readers have followed, and the logs of tables other than ``tables``."""
        logs = self.connection.execute(f"""
            SELECT table_name, estimated_size > {MOST_LISTED} FROM duckdb_tables()
            WHERE schema_name = 'changes' AND table_name <> 'seen'
        """).fetchall()
        models = ", ".join(f"'{table}'" for table in ("", *tables))
        is_gone = f"model NOT IN ({models}) AND NOT starts_with(model, '{CHECKS}')"
        self.connection.execute(f"DELETE FROM {self.of('seen')} WHERE {is_gone}")
        for table, may_be_long in logs:
            if table not in tables and table != SOURCE:
                self.connection.execute(f"DROP TABLE {self.of(table)}")
                continue
            if may_be_long:  # the checks may be left out for good: then they check the whole table
                self.connection.execute(f"""
                    DELETE FROM {self.of("seen")} WHERE parent = '{table}' AND starts_with(model, '{CHECKS}')
                    AND (SELECT count(*) FROM {self.of(table)}) > {MOST_LISTED}
                """)
            followed = f"SELECT min(number) FROM {self.of('seen')} WHERE parent = '{table}'"
            self.connection.execute(
                f"DELETE FROM {self.of(table)} WHERE number <= coalesce(({followed}), number)"
            )

    def _read(self, table: str) -> tuple[int, int]:
        """The numbers of the last change of a table, and of the last that may concern any row; 0 without."""
        if table not in self._latest:
            (self._latest[table],) = self.connection.execute(f"""
                SELECT coalesce(max(number), 0), coalesce(max(number) FILTER (everything), 0)
                FROM {self.of(table)}
            """).fetchall()
        return self._latest[table]


def unread(connection: Connection) -> int | None:
    """Documents that changed since the models followed them; None where any may have."""
    counts = f"SELECT count(DISTINCT _id), count(*) FILTER (everything) {UNREAD}"
    ((count, everything),) = connection.execute(counts).fetchall()
    return None if everything else int(count)


def columns_of(connection: Connection, table: str) -> list[str]:
    """The names of a table's columns, in order."""
    return [name for name, *_ in connection.execute(f"DESCRIBE {table}").fetchall()]
