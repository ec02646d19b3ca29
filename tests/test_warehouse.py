"""The DuckDB file: how it is opened, made and asked."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import duckdb
import pytest

from clogs import warehouse
from clogs.errors import ClogsError, UsageError, WarehouseError
from clogs.warehouse import connect, create_tables, has_tables, query, transaction


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "clogs.duckdb"


def test_it_is_made_whole_and_private_with_its_folder(path: Path) -> None:
    with connect(path) as connection:
        create_tables(connection)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_reading_makes_nothing(path: Path) -> None:
    with pytest.raises(WarehouseError, match="There is no warehouse at"), connect(path, read_only=True):
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


def test_checkpoints_are_of_one_stage_and_one_state(path: Path) -> None:
    with connect(path) as connection:
        create_tables(connection)
        warehouse.mark_passed(connection, "transform", "old")
        warehouse.mark_passed(connection, "transform", "new")
        asked = [("transform", "new"), ("transform", "old"), ("validate", "new")]
        assert [warehouse.has_passed(connection, *each) for each in asked] == [True, False, False]


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
def test_what_is_no_query(path: Path, sql: str) -> None:
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
    with pytest.raises(WarehouseError, match=r"cannot be used: .*Corrupt database file"), connect(path):
        pass


def test_names_that_come_again_are_told_apart(path: Path) -> None:
    with connect(path) as connection:
        assert query(connection, "SELECT 1 AS a, 2 AS a, 3 AS a_1")[0] == ["a", "a_1", "a_1_1"]


def test_a_table_of_somebody_else_is_left_alone(path: Path) -> None:
    with connect(path) as connection:
        connection.execute("CREATE SCHEMA raw; CREATE TABLE raw.conversations (x INTEGER)")
        with pytest.raises(WarehouseError, match="was not made by clogs"):
            create_tables(connection)
