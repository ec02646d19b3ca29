"""The DuckDB file: how it is created, opened and queried."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from clogs.errors import ClogsError, DamagedWarehouseError, HeldWarehouseError, UsageError, WarehouseError
from clogs.warehouse import connect, create_tables, fault_of, has_tables, query, transaction

pytestmark = pytest.mark.every_python


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "clogs.duckdb"


def test_it_is_made_whole_and_private_with_its_folder(path: Path) -> None:
    with connect(path) as connection:
        create_tables(connection)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_reading_makes_nothing(path: Path) -> None:
    with pytest.raises(WarehouseError, match="does not exist yet"), connect(path, read_only=True):
        pass
    assert not path.exists()


def test_it_speaks_utc_and_keeps_to_its_limits(path: Path) -> None:
    with connect(path, threads=1, memory_limit="100MB") as connection:
        names = "current_setting('TimeZone'), current_setting('threads'), current_setting('memory_limit')"
        assert connection.execute(f"SELECT {names}").fetchall() == [("UTC", 1, "95.3 MiB")]


def test_several_may_read_at_once(path: Path) -> None:
    with connect(path):
        pass
    with connect(path, read_only=True) as one, connect(path, read_only=True) as other:
        assert one.execute("SELECT 1").fetchall() == other.execute("SELECT 1").fetchall()


def test_tables_are_created_once(path: Path) -> None:
    with connect(path) as connection:
        before = has_tables(connection)
        create_tables(connection)
        create_tables(connection)
        assert (before, has_tables(connection)) == (False, True)


def test_a_failed_transaction_leaves_nothing(path: Path) -> None:
    with connect(path) as connection:
        connection.execute("CREATE TABLE t (a INTEGER)")
        with pytest.raises(duckdb.ConversionException), transaction(connection):
            connection.execute("INSERT INTO t VALUES (1); INSERT INTO t VALUES ('no number')")
        assert connection.execute("SELECT * FROM t").fetchall() == []


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1 AS a, 'x' AS b", (["a", "b"], [(1, "x")])),
        ("FROM range(0)", (["range"], [])),
        ("SELECT [1, 2] AS a, {'b': 1} AS c", (["a", "c"], [([1, 2], {"b": 1})])),
        ("SELECT sum(range) AS a FROM range(4)", (["a"], [(6,)])),
    ],
)
def test_a_query(path: Path, sql: str, expected: tuple[list[str], list[tuple[Any, ...]]]) -> None:
    with connect(path) as connection:
        assert query(connection, sql) == expected


@pytest.mark.parametrize(
    "sql",
    ["SELEKT", "FROM nowhere", "SELECT 'x'::INT", "CREATE TABLE t (a INT)", "FROM 'no.csv'", "", "-- x"],
)
def test_what_is_not_a_query(path: Path, sql: str) -> None:
    with connect(path):
        pass
    with connect(path, read_only=True) as connection, pytest.raises(UsageError):
        query(connection, sql)


def test_a_query_beyond_the_memory(path: Path) -> None:
    hungry = "SELECT max(len(s)) FROM (SELECT string_agg(repeat('x', 1000)) AS s FROM range(100000))"
    with (
        pytest.raises(ClogsError, match="ran out of memory"),
        connect(path, memory_limit="10MB") as connection,
    ):
        query(connection, hungry)


def test_a_damaged_file(path: Path) -> None:
    with connect(path):
        pass
    with path.open("r+b") as file:
        file.seek(12)
        file.write(b"damaged!")
    with pytest.raises(WarehouseError, match=r"is damaged \(.*Corrupt database file"), connect(path):
        pass


@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_that_was_cut_short_is_recognized_also_through_a_link(
    path: Path, tmp_path: Path, *, read_only: bool
) -> None:
    with connect(path) as connection:
        connection.execute("CREATE TABLE t AS SELECT range AS a, hash(range) AS b FROM range(200000)")
    os.truncate(path, path.stat().st_size // 2)
    (tmp_path / "link").symlink_to(path.parent)
    for each in (path, tmp_path / "link" / path.name):
        with (
            pytest.raises(DamagedWarehouseError, match=r"is damaged \(.*Could not read enough bytes"),
            connect(each, read_only=read_only) as connection,
        ):
            connection.execute("SELECT sum(a), max(b) FROM t").fetchall()


def test_only_errors_of_the_file_and_the_memory_are_faults(path: Path) -> None:
    short = 'IO Error: Could not read enough bytes from file "{}": attempted to read 8 bytes from location 4'
    assert isinstance(fault_of(path, duckdb.IOException(short.format(path))), DamagedWarehouseError)
    assert fault_of(path, duckdb.IOException(short.format("another.duckdb"))) is None
    assert fault_of(path, duckdb.IOException("IO Error: No files found")) is None
    assert fault_of(path, duckdb.ConversionException("Corrupt database file")) is None
    assert fault_of(path, ValueError("Corrupt database file")) is None
    assert fault_of(path, None) is None


@pytest.mark.parametrize(
    "quoted",
    ["Corrupt database file", "Could not set lock on file", "Could not read enough bytes from file "],
)
def test_who_quotes_duckdb_has_no_damaged_file(path: Path, quoted: str) -> None:
    with connect(path) as connection:
        for sql in (f"SELECT '{quoted}'::INT", f"FROM nowhere WHERE '{quoted}' = ''"):
            with pytest.raises(UsageError):
                query(connection, sql)


HOLD = """
import duckdb, sys
held = duckdb.connect(sys.argv[1])
print(flush=True)
sys.stdin.read()
"""


@contextmanager
def held(path: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that has the file open until its stdin is closed."""
    with connect(path):
        pass
    command = [sys.executable, "-c", HOLD, str(path), *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        yield holder
        holder.kill()


def test_the_holder_of_a_file_is_named_without_its_arguments(path: Path) -> None:
    with (
        held(path, "mongodb://ann:s3cret@db", "--password", "s3cret") as holder,
        pytest.raises(HeldWarehouseError) as caught,
        connect(path),
    ):
        pass
    assert caught.value.pid == holder.pid
    program = Path(sys.executable).resolve().name
    assert caught.value.message.endswith(f"{path} open: PID {holder.pid} ({program}).")


def test_a_held_file_is_waited_for(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with held(path) as holder:
        timer = threading.Timer(0.5, holder.kill)
        timer.start()
        with connect(path, lock_timeout=timedelta(minutes=1)) as connection:
            assert connection.execute("SELECT 1").fetchall() == [(1,)]
        timer.join()
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.endswith("Waiting up to 1 min 0 s for it.")


@pytest.mark.parametrize("read_only", [True, False])
def test_the_lock_timeout_ends(path: Path, *, read_only: bool) -> None:
    lock_timeout = timedelta(seconds=0.3)
    with (
        held(path),
        pytest.raises(HeldWarehouseError),
        connect(path, read_only=read_only, lock_timeout=lock_timeout),
    ):
        pass


def test_a_log_without_its_file_is_an_error(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.with_name("clogs.duckdb.wal").touch()
    with pytest.raises(WarehouseError, match="belongs to a warehouse that no longer exists"), connect(path):
        pass


def test_what_a_killed_process_spilled_is_removed(path: Path) -> None:
    spilled = path.with_name("clogs.duckdb.tmp") / "duckdb_temp_storage-0.tmp"
    with connect(path):
        spilled.parent.mkdir()
        spilled.touch()
    with connect(path, read_only=True):
        assert spilled.exists()
    with connect(path):
        assert not spilled.parent.exists()


def test_long_texts_are_compressed(path: Path) -> None:
    text = "SELECT string_agg(md5(i::VARCHAR), ' ') FROM range(200) AS numbers(i)"
    with connect(path) as connection:
        create_tables(connection)
        connection.execute(
            f"INSERT INTO raw.conversations (_id, message_raw) SELECT i, ({text}) FROM range(3000) AS rows(i)"
        )
        connection.execute("CHECKPOINT")
        used = connection.execute(
            "SELECT DISTINCT compression FROM pragma_storage_info('raw.conversations')"
            " WHERE column_name = 'message_raw' AND segment_type = 'VARCHAR'"
        ).fetchall()
    assert used == [("ZSTD",)]


def test_repeated_names_are_numbered(path: Path) -> None:
    with connect(path) as connection:
        assert query(connection, "SELECT 1 AS a, 2 AS a, 3 AS a_1")[0] == ["a", "a_1", "a_1_1"]


def test_a_table_of_somebody_else_is_left_alone(path: Path) -> None:
    with connect(path) as connection:
        connection.execute("CREATE SCHEMA raw; CREATE TABLE raw.conversations (x INTEGER)")
        with pytest.raises(WarehouseError, match="was not made by clogs"):
            create_tables(connection)


def test_a_warehouse_of_a_newer_clogs_is_left_alone(path: Path) -> None:
    with connect(path) as connection:
        create_tables(connection)
        connection.execute("INSERT INTO raw.layout VALUES (99, '9.0', now())")
        for call in (has_tables, create_tables):
            with pytest.raises(WarehouseError, match="was written by a newer clogs"):
                call(connection)
