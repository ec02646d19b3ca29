"""Which rows changed since they were last checked, by the logs of changes; see `clogs.warehouse.changes`.

The checks are a reader of all logs, whose name holds a digest of their definitions: where one of them is new
or has changed, the reader is, too, and has read nothing yet.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from clogs.checks.check import Suite
from clogs.checks.suites import SUITES
from clogs.warehouse import CHECKS, Connection, fetch

_TABLE = re.compile(r'\b(\w+)"?\."?(\w+)\b')


@dataclass(frozen=True, slots=True)
class Log:
    """The log of one table.

    Attributes:
        seen: Up to which number the checks have read it.
        latest: The number of the last change.
        everything: Whether any row may have changed since, or the checks have not read it yet.
    """

    columns: Collection[str]
    seen: int
    latest: int
    everything: bool


@dataclass(frozen=True, slots=True)
class ChangeLogs:
    """What all logs say.

    Attributes:
        columns: Of tables and views, by ``schema.name``.
        views: The SQL that makes each view, by ``schema.name``.
        logs: By their names.
    """

    connection: Connection
    columns: Mapping[str, Collection[str]]
    views: Mapping[str, str]
    logs: Mapping[str, Log]

    def touched(self, suite: Suite) -> Suite | None:
        """The suite on the rows that changed, and what hangs on them; None where the logs cannot say."""
        logs: set[str] = set()
        for table in {f"{schema}.{name}" for text in _texts(suite) for schema, name in _TABLE.findall(text)}:
            if {*suite.by} & {*self.columns.get(table, ())}:
                followed = {name for name in self._logs(table) if {*suite.by} & {*self.logs[name].columns}}
                if not followed or any(self.logs[name].everything for name in followed):
                    return None
                logs |= followed

        def restricted(found: re.Match[str]) -> str:
            columns = [column for column in suite.by if column in self.columns.get(found[0], ())]
            return (
                f"(FROM {found[0]} AS kept WHERE {self._condition(columns, logs)})" if columns else found[0]
            )

        source = _TABLE.sub(restricted, suite.source)
        if suite.source == "raw.conversations":
            # so the long texts of others are not decompressed
            source = fetch(
                self.connection, suite.source, f"WHERE {self._condition(suite.by, logs)}", name="touched"
            )
        checks = {
            name: replace(each, holds=_TABLE.sub(restricted, each.holds))
            if isinstance(each.holds, str)
            else each
            for name, each in suite.checks.items()
        }
        return replace(suite, source=source, checks=checks)

    def _logs(self, table: str) -> set[str]:
        """The logs of a table, or of all tables that a view reads."""
        if table in self.views:
            tables = {".".join(found) for found in _TABLE.findall(self.views[table].partition(" AS ")[2])}
            return {log for each in tables for log in self._logs(each)}
        return {table.partition(".")[2]} & self.logs.keys()

    def _condition(self, columns: Iterable[str], logs: Iterable[str]) -> str:
        """What holds for rows that have a touched value, or none at all, in one of the columns."""
        conditions = []
        for column in columns:
            changed = " UNION ALL ".join(
                f'SELECT {column} FROM changes."{name}" WHERE number > {self.logs[name].seen}'
                for name in sorted(logs)
                if column in self.logs[name].columns
            )
            conditions.append(f"kept.{column} IS NULL OR kept.{column} IN ({changed})")
        return " OR ".join(conditions)

    def mark_seen(self) -> None:
        """Note that the checks have read all logs, in the transaction that keeps their results."""
        values = ", ".join(f"('{_reader()}', '{name}', {log.latest})" for name, log in self.logs.items())
        self.connection.execute(f"""
            DELETE FROM changes.seen WHERE starts_with(model, '{CHECKS}');
            INSERT INTO changes.seen VALUES {values}
        """)


def read_changes(connection: Connection) -> ChangeLogs:
    """Read what the logs say."""
    tables = connection.execute("""
        SELECT schema_name || '.' || table_name, list(column_name) FROM duckdb_columns()
        WHERE database_name = current_database() AND NOT internal GROUP BY ALL
    """)
    columns = dict(tables.fetchall())
    views = connection.execute("""
        SELECT schema_name || '.' || view_name, sql FROM duckdb_views()
        WHERE database_name = current_database() AND NOT internal
    """)
    views_by_name = dict(views.fetchall())
    read = connection.execute(f"SELECT parent, number FROM changes.seen WHERE model = '{_reader()}'")
    seen = dict(read.fetchall())
    logs = {}
    for table in columns.keys() - {"changes.seen"}:
        schema, _, name = table.partition(".")
        if schema == "changes":
            number = seen.get(name, 0)
            ((latest, everything),) = connection.execute(f"""
                SELECT max(number), count(*) FILTER (everything AND number > {number}) FROM changes."{name}"
            """).fetchall()
            # a log that was trimmed is empty
            logs[name] = Log(columns[table], number, latest or number, everything > 0 or name not in seen)
    return ChangeLogs(connection, columns, views_by_name, logs)


def _reader() -> str:
    digest = hashlib.sha256()
    for suite in SUITES:
        digest.update("\n".join((*suite.by, *suite.checks, *_texts(suite))).encode())
        for check in suite.checks.values():
            digest.update(b"" if isinstance(check.holds, str) else check.holds.meta.serialize())
    return CHECKS + digest.hexdigest()[:16]


def _texts(suite: Suite) -> list[str]:
    """The SQL of a suite."""
    return [suite.source, *(check.holds for check in suite.checks.values() if isinstance(check.holds, str))]
