"""Each check of the data finds a planted fault, and passes on data that is sound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from built import fill, warehouse_of
from conftest import new_workspace

from clogs import validate as stage
from clogs import warehouse
from clogs.errors import DataError, UsageError, WarehouseError
from clogs.validate import LAYERS, CheckResult, validate
from clogs.warehouse import Connection, connect, create_tables

COPIES = (
    "silver.int_messages_enriched",
    "gold.fct_tool_calls",
    "gold.fct_api_calls",
    "gold.dim_sessions",
    "gold.dim_tools",
)

MATERIALIZE = """
    CREATE TEMP TABLE copied AS FROM {0};
    DROP VIEW {0};
    CREATE TABLE {0} AS FROM copied;
    DROP TABLE copied;
"""
"""Puts a table in a view's place, for a test to plant faults in."""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """The samples' warehouse, with tables for views."""
    workspace = fill(new_workspace(tmp_path_factory.mktemp("validate"), "mongodb://127.0.0.1:9", "none"))
    with connect(warehouse_of(workspace)) as connection:
        for name in COPIES:
            connection.execute(MATERIALIZE.format(name))
        yield connection


@pytest.fixture
def connection(sound: Connection) -> Iterator[Connection]:
    """The same, back as it was after each test."""
    sound.execute("BEGIN")
    yield sound
    sound.execute("ROLLBACK")


def failing(connection: Connection) -> list[CheckResult]:
    return [check for check in validate(connection).checks if check.failing]


def test_sound_data_passes(connection: Connection) -> None:
    result = validate(connection)
    result.raise_for_failures()
    assert {check.layer for check in result.checks} == set(LAYERS)
    assert [check.failing for check in result.checks] == [0] * len(result.checks)
    assert min(check.rows for check in result.checks) > 50


FAULTS = [
    ("raw.conversations", "_id = NULL", "the key is present"),
    (
        "raw.conversations",
        "date = DATE '1999-01-01'",
        "date is that of timestamp, ingested_at or extracted_at",
    ),
    ("raw.conversations", "date = NULL", "date is that of timestamp, ingested_at or extracted_at"),
    ("raw.conversations", "message_raw = '{broken'", "message_raw is JSON"),
    ("raw.conversations", "entry_raw = 'broken'", "entry_raw is JSON"),
    ("raw.conversations", "entry_raw = NULL", "entry_raw is JSON"),
    ("raw.conversations", "extracted_at = NULL", "extracted_at is present"),
    (
        "raw.conversations",
        "type = 'user', message_role = 'robot'",
        "the role of a user or assistant is known",
    ),
    ("silver.int_messages_enriched", "entry_id = NULL", "the key is present"),
    ("silver.int_messages_enriched", "role = 'robot'", "role is user or assistant"),
    ("silver.int_messages_enriched", "hour_of_day = 24", "hour is 0 to 23"),
    ("silver.int_messages_enriched", "day_of_week = 7", "day is 0 to 6"),
    ("silver.int_messages_enriched", "content_length = -1", "content_length is not negative"),
    ("silver.int_messages_enriched", "response_time_seconds = -0.5", "no answer precedes its question"),
    ("gold.fct_tool_calls", "tool_use_id = NULL", "the key is present"),
    ("gold.fct_tool_calls", "duration_seconds = -1", "duration_seconds is not negative"),
    ("gold.fct_tool_calls", "session_id = 'unheard of'", "the session is in dim_sessions"),
    ("gold.fct_tool_calls", "tool_name = 'unheard of'", "the tool is in dim_tools"),
    ("gold.fct_api_calls", "output_tokens = -1", "no token count is negative"),
    ("gold.fct_api_calls", "cost_usd = -1", "cost_usd is not negative"),
    ("gold.fct_api_calls", "session_id = 'unheard of'", "the session is in dim_sessions"),
]


@pytest.mark.parametrize(
    ("table", "fault", "name"), FAULTS, ids=[f"{table}: {fault}" for table, fault, _ in FAULTS]
)
def test_a_planted_fault_is_found(connection: Connection, table: str, fault: str, name: str) -> None:
    connection.execute(f"UPDATE {table} SET {fault} WHERE rowid IN (SELECT min(rowid) FROM {table})")
    (check,) = failing(connection)
    assert (check.table, check.name, check.failing, len(check.examples)) == (table, name, 1, 1)


@pytest.mark.parametrize("table", ["raw.conversations", *COPIES[:3]])
def test_a_key_that_stands_twice_is_found(connection: Connection, table: str) -> None:
    connection.execute(f"INSERT INTO {table} FROM {table} LIMIT 1")
    (check,) = failing(connection)
    assert (check.table, check.name, check.failing) == (table, "the key is unique", 2)


def test_any_role_may_stand_in_other_entries(connection: Connection) -> None:
    connection.execute("UPDATE raw.conversations SET message_role = 'robot' WHERE type = 'system'")
    assert failing(connection) == []


def test_the_error_names_checks_and_counts_and_shows_no_content(connection: Connection) -> None:
    connection.execute("UPDATE raw.conversations SET message_role = 'robot' WHERE message_role IS NOT NULL")
    with pytest.raises(
        DataError, match=r"raw\.conversations: [\d,]+ rows where not the role of a user"
    ) as caught:
        validate(connection).raise_for_failures()
    assert "robot" not in str(caught.value)


def test_batches_add_up(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.execute("UPDATE raw.conversations SET type = 'user', message_role = 'robot'")
    monkeypatch.setattr(stage, "BATCH_ROWS", 100)
    (check,) = failing(connection)
    assert (check.failing, check.rows, len(check.examples)) == (check.rows, check.rows, 5)


@pytest.mark.parametrize("layer", LAYERS)
def test_one_layer(connection: Connection, layer: str) -> None:
    assert {check.layer for check in validate(connection, layers=[layer]).checks} == {layer}


def test_an_unknown_layer(connection: Connection) -> None:
    with pytest.raises(UsageError, match="There is no layer brass"):
        validate(connection, layers=["brass"])


def test_an_empty_table_is_sound(tmp_path: Path) -> None:
    with connect(tmp_path / "clogs.duckdb") as connection:
        create_tables(connection)
        assert validate(connection, layers=["bronze"]).rows == 0


def test_what_is_not_there_cannot_be_checked(tmp_path: Path) -> None:
    with connect(tmp_path / "clogs.duckdb") as connection:
        with pytest.raises(WarehouseError, match="Nothing has been loaded"):
            validate(connection)
        warehouse.create_tables(connection)
        with pytest.raises(WarehouseError, match=r"gold\.fct_api_calls, .* have not been built"):
            validate(connection)
