"""A run checks the rows that changed since the last validation, and finds what a look at all rows would."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from built import SAMPLES, data_of, fill, warehouse_of
from conftest import Workspace, new_workspace
from test_suites import FAULTS, KEYED, MATERIALIZE, SOME, SUITE_OF, TABLES

from clogs.checks.bronze import KNOWN_TYPES
from clogs.checks.check import Suite
from clogs.checks.overrides import CheckOverride
from clogs.checks.suites import SUITES
from clogs.checks.sums import SUMS
from clogs.schedule.entries import plan
from clogs.validate import ValidateResult, changed, validate
from clogs.validate.answers import count_failing
from clogs.validate.changed import read_changes
from clogs.warehouse import Connection, connect, note_everything

ROLE = "int_messages_enriched.role_is_known"
LOG = "CREATE TABLE changes.{0} AS SELECT 0::BIGINT AS number, false AS everything, * FROM {1} LIMIT 0"
NOTE = """
    INSERT INTO changes.{0} BY NAME
    SELECT nextval('changes.numbers') AS number, false AS everything, {1} FROM {2}
    WHERE rowid IN (SELECT place FROM places)
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples' warehouse, validated, with a table and a log in place of each view; no check fails."""
    workspace = fill(new_workspace(tmp_path_factory.mktemp("changed"), "mongodb://127.0.0.1:9", "none"))
    with connect(warehouse_of(workspace)) as connection:
        known = ", ".join(f"'{each}'" for each in KNOWN_TYPES)
        connection.execute(f"UPDATE raw.conversations SET type = 'system' WHERE type NOT IN ({known})")
        for table in TABLES:
            if not table.startswith("raw."):
                connection.execute(MATERIALIZE.format(table))
                connection.execute(LOG.format(table.partition(".")[2], table))
        assert validated(connection, only_changed=False).ended("passed")
    return warehouse_of(workspace)


@pytest.fixture(scope="module")
def opened(path: Path) -> Iterator[Connection]:
    with connect(path) as connection:
        connection.execute("SET VARIABLE now = now(); SET VARIABLE max_age = INTERVAL 3 DAY")
        yield connection


@pytest.fixture
def connection(opened: Connection) -> Iterator[Connection]:
    """The same, back as it was after each test."""
    opened.execute("BEGIN")
    yield opened
    opened.execute("ROLLBACK")


@pytest.fixture
def copy(opened: Connection, path: Path, tmp_path: Path) -> Iterator[Connection]:
    """A copy of it, to validate."""
    opened.execute("CHECKPOINT")
    shutil.copy(path, tmp_path / "copy.duckdb")
    with connect(tmp_path / "copy.duckdb") as connection:
        yield connection


def validated(connection: Connection, *, only_changed: bool = True) -> ValidateResult:
    return validate(connection, run="r", overrides={}, max_age=timedelta(days=3), only_changed=only_changed)


def change(connection: Connection, table: str, rows: str, sql: str) -> None:
    """Change the rows of a table that a condition holds for, and note them before and after."""
    places = f"SELECT rowid AS place FROM {table} WHERE {rows}"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE places AS {places}")
    columns = "_id" if table == "raw.conversations" else "*"
    note = NOTE.format(table.partition(".")[2], columns, table)
    for each in (note, sql, note):
        connection.execute(each)


def failing(connection: Connection, suite: Suite) -> set[str]:
    """The checks that changed rows fail."""
    part = read_changes(connection).touched(suite)
    assert part
    return {name for name, count in count_failing(connection, part, part.checks)[1].items() if count}


def rows_of(result: ValidateResult, table: str) -> int:
    return next(check.rows for check in result.checks if check.table == table)


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_nothing_changed_touches_no_row(connection: Connection, suite: Suite) -> None:
    part = read_changes(connection).touched(suite)
    assert part
    assert (count_failing(connection, part, part.checks)[0] > 0) == (not suite.by)


@pytest.mark.parametrize("suite", [suite for suite in SUITES if suite.by], ids=lambda suite: suite.name)
def test_a_changed_row_is_checked_with_few_others(connection: Connection, suite: Suite) -> None:
    change(connection, suite.table, "rowid = 0", "SELECT 1")
    part = read_changes(connection).touched(suite)
    assert part
    few, failed = count_failing(connection, part, part.checks)
    assert 0 < few < count_failing(connection, suite, suite.checks)[0]
    assert not +failed


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(connection: Connection, name: str) -> None:
    table = SUITE_OF[name].table
    row = f"rowid = (SELECT min(rowid) FROM {table} WHERE {SOME.get(name, 'true')})"
    change(connection, table, row, f"UPDATE {table} SET {FAULTS[name]} WHERE {row}")
    assert name in failing(connection, SUITE_OF[name])


@pytest.mark.parametrize("suite", KEYED, ids=lambda suite: suite.name)
def test_a_missing_key_is_found(connection: Connection, suite: Suite) -> None:
    sql = f"UPDATE {suite.table} SET {suite.key[0]} = NULL WHERE rowid = 0"
    change(connection, suite.table, "rowid = 0", sql)
    assert f"{suite.name}.key_is_present" in failing(connection, suite)


@pytest.mark.parametrize("suite", KEYED, ids=lambda suite: suite.name)
def test_a_key_that_another_row_has_is_found(connection: Connection, suite: Suite) -> None:
    change(connection, suite.table, "rowid = 0", f"INSERT INTO {suite.table} FROM {suite.table} LIMIT 1")
    assert f"{suite.name}.key_is_unique" in failing(connection, suite)


def test_a_response_that_stands_twice_is_found(connection: Connection) -> None:
    connection.execute("""
        INSERT INTO gold.fct_api_calls
        SELECT * REPLACE ('another' AS entry_id) FROM gold.fct_api_calls LIMIT 1""")
    change(connection, "gold.fct_api_calls", "entry_id = 'another'", "SELECT 1")
    found = failing(connection, SUITE_OF["fct_api_calls.response_is_once"])
    assert found == {"fct_api_calls.response_is_once"}


@pytest.mark.parametrize("suite", SUMS, ids=lambda suite: suite.name)
def test_an_aggregate_that_lost_a_row_is_found(connection: Connection, suite: Suite) -> None:
    change(connection, suite.table, "rowid = 0", f"DELETE FROM {suite.table} WHERE rowid = 0")
    assert failing(connection, suite)


@pytest.mark.parametrize(
    ("fact", "names"),
    [
        ("fct_messages", {"daily_sums.messages_add_up", "session_sums.messages_add_up"}),
        ("fct_tool_calls", {"daily_sums.tool_calls_add_up", "tool_sums.calls_add_up"}),
        ("fct_api_calls", {"daily_sums.api_calls_add_up", "model_sums.api_calls_add_up"}),
    ],
)
def test_sums_of_facts_that_changed_are_compared(connection: Connection, fact: str, names: set[str]) -> None:
    table, row = f"gold.{fact}", "rowid = 5"
    change(connection, table, row, f"DELETE FROM {table} WHERE {row}")
    assert names <= {name for suite in SUMS for name in failing(connection, suite)}


# What is checked as a whole


def test_a_table_whose_log_does_not_reach_back_is_checked_whole(copy: Connection) -> None:
    note_everything(copy)
    copy.execute("DELETE FROM changes.seen WHERE parent = 'fct_messages'")
    result = validated(copy)
    ((documents, messages),) = copy.execute(
        "SELECT (SELECT count(*) FROM raw.conversations), (SELECT count(*) FROM gold.fct_messages)"
    ).fetchall()
    assert rows_of(result, "raw.conversations") == documents
    assert rows_of(result, "gold.fct_messages") == messages
    assert rows_of(result, "silver.int_tool_usage") == 0
    assert documents + messages < result.rows < result.total


def test_a_changed_check_has_all_rows_checked_once(copy: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    assert validated(copy).rows < validated(copy, only_changed=False).rows
    monkeypatch.setattr(changed, "SUITES", SUITES[1:])
    first, second = validated(copy), validated(copy)
    assert second.rows < first.rows == first.total


def test_a_fault_past_the_log_is_found_when_all_rows_are_checked(copy: Connection) -> None:
    copy.execute("UPDATE silver.int_messages_enriched SET role = 'robot' WHERE rowid = 0")
    assert not validated(copy).ended("failed")
    assert [each.check for each in validated(copy, only_changed=False).ended("failed")] == [ROLE]


def test_a_check_that_failed_is_repeated_on_all_rows_until_it_passes(copy: Connection) -> None:
    table = "silver.int_messages_enriched"
    ((count,),) = copy.execute(f"SELECT count(*) FROM {table}").fetchall()
    change(copy, table, "rowid = 0", f"UPDATE {table} SET role = 'robot' WHERE rowid = 0")
    for _ in range(2):
        (failed,) = validated(copy).ended("failed")
        assert (failed.check, failed.rows, failed.failing, len(failed.examples)) == (ROLE, count, 1, 1)
    change(copy, table, "rowid = 0", f"UPDATE {table} SET role = 'user' WHERE rowid = 0")
    assert not validated(copy).ended("failed")
    assert max(each.rows for each in validated(copy).checks if each.table == table) == 0


def test_the_tolerated_share_is_of_all_rows(copy: Connection) -> None:
    table = "silver.int_messages_enriched"
    change(copy, table, "rowid = 0", f"UPDATE {table} SET role = 'robot' WHERE rowid = 0")
    overrides = {ROLE: CheckOverride(tolerated=0.05)}
    result = validate(copy, run="r", overrides=overrides, max_age=timedelta(days=3), only_changed=True)
    assert not result.ended("failed")


def test_a_validation_of_one_layer_leaves_the_others_to_the_next(copy: Connection) -> None:
    table = "silver.int_tool_usage"
    change(copy, table, "rowid = 0", "SELECT 1")
    validate(copy, run="r", overrides={}, max_age=timedelta(days=3), layers=["gold"])
    assert [rows_of(validated(copy), table) for _ in range(2)] == [1, 0]


# The pipeline

DAILY = plan((), hourly="@hourly", daily_refresh="@daily")[1].words[2:]


def pipeline(workspace: Workspace, *options: str, code: int = 0) -> dict[str, Any]:
    """How the validation of a pipeline ended."""
    finished = workspace.run("pipeline", "--json", *options)
    assert finished.returncode == code, finished.stderr
    step: dict[str, Any] = json.loads(finished.stdout)["steps"][3]
    return step


def add_session(workspace: Workspace, project: Path) -> None:
    """Import a session of the samples once more, into a project of its own."""
    session = min(SAMPLES.rglob("*.jsonl"))
    project.mkdir(parents=True)
    shutil.copy(session, project)
    workspace.run("import", project).check_returncode()


def test_a_run_checks_what_is_new_and_says_so(mongo_workspace: Workspace, tmp_path: Path) -> None:
    fill(mongo_workspace)
    add_session(mongo_workspace, tmp_path / "projects" / "-home-new")
    finished = mongo_workspace.run("pipeline")
    (said,) = re.findall(r" on ([\d,]+) of ([\d,]+) rows", finished.stdout)
    few, many = (int(number.replace(",", "")) for number in said)
    assert 0 < few < many
    with connect(warehouse_of(mongo_workspace), read_only=True) as connection:
        counts = (connection.execute(f"SELECT count(*) FROM {table}").fetchall() for table in TABLES)
        assert many == sum(rows for ((rows,),) in counts)


def test_what_runs_without_checks_brought_is_checked_by_the_next(
    mongo_workspace: Workspace, tmp_path: Path
) -> None:
    fill(mongo_workspace)
    for number in range(2):
        add_session(mongo_workspace, tmp_path / "projects" / f"-home-new-{number}")
        pipeline(mongo_workspace, "--skip-validate")
        assert json.loads(mongo_workspace.output("transform", "--json", "--quiet"))["unchanged"]
    with connect(warehouse_of(mongo_workspace)) as connection:
        ((new,),) = connection.execute(
            "SELECT count(*) FROM raw.conversations WHERE starts_with(project_id, '-home-new-')"
        ).fetchall()
    result = pipeline(mongo_workspace, "--skip-extract")["result"]
    rows = {check["check"]: check["rows"] for check in result["checks"]}
    assert rows["conversations.key_is_unique"] == new
    assert rows["int_tool_usage.hour_is_in_range"] < result["rows"] < result["total"]


@pytest.mark.parametrize("options", [["--reconcile"], DAILY], ids=" ".join)
def test_a_row_changed_by_hand_is_found_by_the_next_daily_run(
    workspace: Workspace, options: list[str]
) -> None:
    fill(workspace)
    shutil.rmtree(data_of(workspace) / "landing")  # a full refresh would bring the row back from there
    with connect(warehouse_of(workspace)) as connection:
        connection.execute("UPDATE raw.conversations SET message_role = 'robot' WHERE rowid = 0")
    assert pipeline(workspace, "--skip-extract")["status"] == "unchanged"
    assert "conversations.role_is_known" in pipeline(workspace, "--skip-extract", *options, code=65)["error"]


def test_a_daily_run_checks_all_rows(workspace: Workspace) -> None:
    fill(workspace)
    result = pipeline(workspace, "--skip-extract", *DAILY)["result"]
    assert result["rows"] == result["total"]
