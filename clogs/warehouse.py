"""The DuckDB file: the one module that imports duckdb, opens the warehouse and maps its errors to ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import duckdb

from clogs.errors import ClogsError, UsageError, WarehouseError
from clogs.files import write_atomic
from clogs.schemas import COLUMNS, SQL_TYPES

Connection = duckdb.DuckDBPyConnection

_EXAMPLE = "The tables: clogs query 'SHOW ALL TABLES'"
_HOLDER = re.compile(r"held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")

_FILE_FAULTS = (
    duckdb.IOException,
    duckdb.SerializationException,
    duckdb.FatalException,
    duckdb.TransactionException,  # a commit that the disk has no room for
)

_TABLES = f"""
    CREATE SCHEMA IF NOT EXISTS raw;
    CREATE TABLE IF NOT EXISTS raw.conversations (
        {", ".join(f'"{column.name}" {SQL_TYPES[column.kind]}' for column in COLUMNS)}
    );
    CREATE TABLE IF NOT EXISTS raw.ledger (
        file VARCHAR NOT NULL,
        bytes BIGINT NOT NULL,
        rows BIGINT NOT NULL,
        run VARCHAR NOT NULL,
        loaded_at TIMESTAMPTZ NOT NULL
    );
    CREATE TABLE IF NOT EXISTS raw.checkpoints (
        stage VARCHAR NOT NULL,
        fingerprint VARCHAR NOT NULL,
        passed_at TIMESTAMPTZ NOT NULL
    );
    COMMENT ON TABLE raw.conversations IS 'One row per document of the collection, its newest version.';
    COMMENT ON TABLE raw.ledger IS 'One row per landing file that was loaded, written with its rows.';
    COMMENT ON TABLE raw.checkpoints IS 'What each stage last passed on: with nothing new it is skipped.';
"""


@contextmanager
def connect(
    path: Path, *, read_only: bool = False, threads: int | None = None, memory_limit: str | None = None
) -> Iterator[Connection]:
    """Open the warehouse, in UTC, and close it.

    Args:
        path: The DuckDB file. It is made where it is missing, with its folder, unless `read_only`.
        read_only: Only read; several processes may at once.
        threads: DuckDB's threads; None for as many as there are CPUs.
        memory_limit: As DuckDB writes it, ``4GB``; None for DuckDB's own.

    Raises:
        WarehouseError: The file is missing, held by another process, or no DuckDB file of this series.
        ClogsError: The disk or the memory is full.
    """
    if read_only and not path.exists():
        raise WarehouseError(f"There is no warehouse at {path} yet.", hint="Make it with: clogs pipeline")
    if not path.exists():
        _create(path)
    config: dict[str, str | bool | int | float | list[str]] = {}
    config |= {"threads": threads} if threads else {}
    config |= {"memory_limit": memory_limit} if memory_limit else {}
    with mapped(path), duckdb.connect(path, read_only=read_only, config=config) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def _create(path: Path) -> None:
    """Make a file that is whole or absent: DuckDB can never open one whose making was cut short."""

    def make(aside: Path) -> None:
        aside.unlink()
        duckdb.connect(aside).close()

    with mapped(path):
        write_atomic(path, make)


def create_tables(connection: Connection) -> None:
    """Create ``raw.conversations`` and the ledger where they are missing.

    Raises:
        WarehouseError: There is a table of that name that is not ours.
    """
    if not has_tables(connection):
        connection.execute(_TABLES)


def has_tables(connection: Connection) -> bool:
    """Tell whether ``raw.conversations`` is there.

    Raises:
        WarehouseError: It is, but it is not ours.
    """
    found = connection.execute(
        "SELECT column_name FROM duckdb_columns() WHERE schema_name = 'raw' AND table_name = 'conversations'"
        " AND database_name = current_database()"
    ).fetchall()
    if found and {name for (name,) in found} != {column.name for column in COLUMNS}:
        raise WarehouseError(
            "The table raw.conversations in the warehouse was not made by clogs.",
            hint="Set duckdb.path (DUCKDB_PATH) to another file.",
        )
    return bool(found)


def query(connection: Connection, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Read the names of the columns and the rows of one statement.

    Raises:
        UsageError: DuckDB does not understand it, it would change the warehouse, or there is not just one.
    """
    try:
        if len(connection.extract_statements(sql)) != 1:
            raise UsageError("A query is one statement.", hint=_EXAMPLE)
        answer = connection.execute(sql)
        return _told_apart(column[0] for column in answer.description or ()), answer.fetchall()
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as exc:
        raise UsageError(str(exc).strip(), hint=_EXAMPLE) from exc


def _told_apart(names: Iterable[str]) -> list[str]:
    """Number the names that come again: ``a``, ``a_1``, as DuckDB does in subqueries."""
    told: list[str] = []
    for name in names:
        numbered = (f"{name}_{again}" for again in count(1))
        told.append(name if name not in told else next(other for other in numbered if other not in told))
    return told


def loaded(connection: Connection) -> str:
    """A text that is another one after every load: what the ledger holds."""
    found = connection.execute("SELECT count(*), max(loaded_at) FROM raw.ledger").fetchall()
    return f"{found[0][0]} files, the last at {found[0][1]}"


def mark_passed(connection: Connection, stage: str, fingerprint: str) -> None:
    """Note what a stage passed on, in place of what it passed on before."""
    with transaction(connection):
        connection.execute("DELETE FROM raw.checkpoints WHERE stage = ?", [stage])
        connection.execute("INSERT INTO raw.checkpoints VALUES (?, ?, now())", [stage, fingerprint])


def forget_passed(connection: Connection) -> None:
    """Let every stage that can be skipped run again."""
    if has_tables(connection):
        connection.execute("DELETE FROM raw.checkpoints")


def has_passed(connection: Connection, stage: str, fingerprint: str) -> bool:
    """Tell whether a stage has passed on just this."""
    query = "SELECT count(*) FROM raw.checkpoints WHERE stage = ? AND fingerprint = ?"
    return bool(connection.execute(query, [stage, fingerprint]).fetchall()[0][0])


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Everything inside becomes visible at once, or not at all."""
    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A failed statement may have ended the transaction already; the first error is the one to tell.
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise


@contextmanager
def mapped(path: Path) -> Iterator[None]:
    """Raise DuckDB's errors about the file, the disk and the memory as ours.

    Raises:
        WarehouseError: The file is held by another process, or is no DuckDB file of this series.
        ClogsError: The memory is full.
    """
    try:
        yield
    except duckdb.OutOfMemoryException as exc:
        raise ClogsError(
            f"DuckDB ran out of memory: {_first_line(exc)}", hint="Raise duckdb.memory_limit."
        ) from exc
    except _FILE_FAULTS as exc:
        raise _unavailable(path, str(exc)) from exc


def _unavailable(path: Path, message: str) -> ClogsError:
    if holder := _HOLDER.search(message):
        return WarehouseError(
            f"The warehouse {path} is held by another program: {holder['program']} (PID {holder['pid']}).",
            hint="Close it there, or wait for it to end, then run this again.",
        )
    if "not a valid DuckDB database" in message or "newer version" in message or "storage version" in message:
        return WarehouseError(
            f"{path} is no DuckDB file that this version can read.",
            hint="Set duckdb.path (DUCKDB_PATH) to another file, or move this one away.",
        )
    return WarehouseError(
        f"The warehouse {path} cannot be used: {message.partition(chr(10))[0]}",
        hint="Check the disk and the permissions of its folder, then run this again.",
    )


def _first_line(exc: Exception) -> str:
    return str(exc).partition("\n")[0]
