"""What is measured of loading, each in a process of its own, which prints what it took."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import msgspec

from clogs import warehouse
from clogs.load import LoadResult
from clogs.load import load as stage
from clogs.schema import COLUMNS, SQL_TYPES
from clogs.warehouse.connection import STORAGE_VERSION

ALL = "FROM read_parquet(?, hive_partitioning = true)"
NAMES = [f'"{column.name}"' for column in COLUMNS]
NEWER = "{0}.extracted_at > conversations.extracted_at"
MERGE = f"""
    MERGE INTO raw.conversations USING ({ALL}) AS found USING (_id)
    WHEN MATCHED AND {NEWER.format("found")} THEN UPDATE BY NAME
    WHEN NOT MATCHED THEN INSERT BY NAME
"""
CONFLICT = f"""
    INSERT INTO raw.conversations BY NAME SELECT * {ALL}
    ON CONFLICT (_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in NAMES[1:])}
    WHERE {NEWER.format("excluded")}
"""


@dataclass(frozen=True, slots=True)
class Took:
    """What a subject took by itself, without the start of Python.

    Attributes:
        seconds: Until the file was closed, and so durable.
        read: Bytes read, also from the operating system's cache.
        written: Bytes written.
        size: Bytes of the file afterwards.
        result: What a load told.
    """

    seconds: float
    read: int
    written: int
    size: int
    result: LoadResult | None


def load(path: Path, landing: Path) -> LoadResult:
    """What clogs does."""
    aside = path.with_suffix(".dead_letters")
    with warehouse.connect(path) as connection:
        return stage(connection, raw_dir=landing, dead_letter_dir=aside, run="bench")


def plain(path: Path, landing: Path) -> None:
    """All rows into a table without a key, with DuckDB's defaults."""
    columns = ", ".join(f'"{column.name}" {SQL_TYPES[column.kind]}' for column in COLUMNS)
    with duckdb.connect(path) as connection:
        connection.execute(f"CREATE TABLE conversations ({columns})")
        insert(connection, "conversations", landing)


def alike(path: Path, landing: Path) -> None:
    """All rows into a table that is stored as that of clogs is."""
    with stored_alike(path) as connection:
        insert(connection, "raw.conversations", landing)


def keyed(path: Path, landing: Path) -> None:
    """All rows into such a table with a primary key."""
    with stored_alike(path) as connection:
        connection.execute("ALTER TABLE raw.conversations ADD PRIMARY KEY (_id)")
        insert(connection, "raw.conversations", landing)


def stored_alike(path: Path) -> duckdb.DuckDBPyConnection:
    """A new file with an empty ``raw.conversations``."""
    connection = duckdb.connect(path, config={"storage_compatibility_version": STORAGE_VERSION})
    connection.execute("CREATE SCHEMA raw")
    warehouse.create_conversations(connection, "conversations")
    return connection


def insert(connection: duckdb.DuckDBPyConnection, table: str, landing: Path) -> None:
    """The least that a load has to do."""
    connection.execute(f"INSERT INTO {table} BY NAME SELECT * {ALL}", [files(landing)])


def merge(path: Path, landing: Path) -> None:
    """One statement, with or without a key."""
    upsert(path, landing, MERGE)


def conflict(path: Path, landing: Path) -> None:
    """One statement, which needs a key."""
    upsert(path, landing, CONFLICT)


def upsert(path: Path, landing: Path, statement: str) -> None:
    """Run one statement, with the memory that clogs takes; nobody looks at files or keeps a ledger."""
    with (
        duckdb.connect(path, config={"enable_external_file_cache": False}) as connection,
        warehouse.bounded(connection),
    ):
        connection.execute(statement, [files(landing)])


def files(landing: Path) -> str:
    """All landing files, as DuckDB finds them."""
    return str(landing / "date=*" / "*.parquet")


def io() -> tuple[int, int]:
    """Bytes that this process has read and written."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    counts = {name: int(count) for name, count in (line.split(": ") for line in lines)}
    return counts["rchar"], counts["wchar"]


SUBJECTS: dict[str, Callable[[Path, Path], LoadResult | None]] = {
    "load": load,
    "plain": plain,
    "alike": alike,
    "keyed": keyed,
    "merge": merge,
    "conflict": conflict,
}


def main(name: str, path: Path, landing: Path) -> Took:
    """Run one of them."""
    read, written = io()
    started = time.perf_counter()
    result = SUBJECTS[name](path, landing)
    seconds = time.perf_counter() - started
    read_then, written_then = io()
    return Took(seconds, read_then - read, written_then - written, path.stat().st_size, result)


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
