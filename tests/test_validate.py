"""The stage: what is said of checks that fail, what the settings make of it, and what is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from built import fill, warehouse_of
from conftest import Workspace, new_workspace

from clogs.checks.overrides import CheckOverride, CheckOverrides
from clogs.checks.results import CheckResult, Outcome
from clogs.checks.suites import CHECKS, SUITES, blocking_checks
from clogs.errors import DataError, UsageError, WarehouseError
from clogs.runs.lock import run_lock
from clogs.terminal.text import percent
from clogs.validate import ValidateResult, answers, check_history, validate
from clogs.validate.answers import EXAMPLES
from clogs.warehouse import Connection, connect, create_tables

DAY = timedelta(days=1)
NOVELTY = "conversations.type_is_known"
ROLE = "conversations.role_is_known"
ROBOTS = "UPDATE raw.conversations SET message_role = 'robot' WHERE message_role = 'assistant'"


@pytest.fixture(scope="module")
def warehouse_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples' warehouse."""
    workspace = new_workspace(tmp_path_factory.mktemp("validate"), "mongodb://127.0.0.1:9", "none")
    return warehouse_of(fill(workspace))


@pytest.fixture
def connection(warehouse_path: Path, tmp_path: Path) -> Iterator[Connection]:
    """A copy of it."""
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes(warehouse_path.read_bytes())
    with connect(copy) as connection:
        yield connection


def validated(
    connection: Connection,
    layer: str = "bronze",
    *,
    run: str = "r",
    overrides: CheckOverrides = {},  # noqa: B006  # nothing changes it
    max_age: timedelta = 3 * DAY,
) -> ValidateResult:
    return validate(connection, run=run, overrides=overrides, max_age=max_age, layers=[layer])


def result_of(result: ValidateResult, check: str) -> CheckResult:
    return next(each for each in result.checks if each.check == check)


def test_all_layers_are_sound_but_for_a_type_to_come(connection: Connection) -> None:
    result = validate(connection, run="r", overrides={}, max_age=3 * DAY)
    result.raise_for_failures()
    assert [each.check for each in result.checks] == list(CHECKS)
    assert [each.check for each in result.checks if each.outcome != "passed"] == [NOVELTY]
    again = validate(connection, run="s", overrides={}, max_age=3 * DAY)
    tables = {suite.table for suite in SUITES}
    rows = [connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0] for table in tables]
    assert result.rows == again.rows == sum(rows)


def test_a_type_that_is_not_known_is_told_with_its_count_and_first_version(connection: Connection) -> None:
    connection.execute("""
        UPDATE raw.conversations SET type = 'dream', claude_version = '9.9.9'
        WHERE _id = (SELECT arg_min(_id, timestamp) FROM raw.conversations WHERE type = 'assistant');
        UPDATE raw.conversations SET type = 'dream', claude_version = '10.0.0' WHERE type = 'system';
    """)
    count = connection.execute("SELECT count(*) FROM raw.conversations WHERE type = 'dream'").fetchall()[0][0]
    found = result_of(validated(connection), NOVELTY)
    assert found.outcome == "warned"
    assert found.examples[0] == f"dream ({count} since 9.9.9)"


def test_the_error_names_check_layer_rows_share_and_keys_and_shows_no_content(connection: Connection) -> None:
    connection.execute(ROBOTS)
    found = result_of(validated(connection), ROLE)
    assert (found.outcome, len(found.examples), found.share) == ("failed", 5, found.failing / found.rows)
    with pytest.raises(DataError) as caught:
        validated(connection).raise_for_failures()
    said = caught.value.message
    assert f"{ROLE} (bronze): " in said
    assert (
        f"{found.failing} of {found.rows:,} rows ({percent(found.share)}), such as {found.examples[0]}"
        in said
    )
    assert "robot" not in said


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [
        (CheckOverride(severity="warning"), "warned"),
        (CheckOverride(severity="error"), "failed"),
        (CheckOverride(tolerated=1.0), "passed"),
        (CheckOverride(tolerated=0.0001), "failed"),
        (CheckOverride(severity="warning", tolerated=0.0), "warned"),
    ],
)
def test_settings_change_severity_and_tolerated_share(
    connection: Connection, rule: CheckOverride, outcome: Outcome
) -> None:
    connection.execute(ROBOTS)
    result = validated(connection, overrides={ROLE: rule})
    assert result_of(result, ROLE).outcome == outcome
    assert [each.check for each in result.ended("failed")] == ([ROLE] if outcome == "failed" else [])


def test_what_documents_must_pass_follows_the_settings() -> None:
    assert {ROLE, NOVELTY} & set(blocking_checks({})) == {ROLE}
    overrides = {ROLE: CheckOverride(severity="warning"), NOVELTY: CheckOverride(severity="error")}
    assert {ROLE, NOVELTY} & set(blocking_checks(overrides)) == {NOVELTY}


def test_batches_add_up(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.execute(ROBOTS)
    whole = result_of(validated(connection), ROLE)
    monkeypatch.setattr(answers, "BATCH_ROWS", 100)
    batches = result_of(validated(connection), ROLE)
    assert (batches.rows, batches.failing, len(batches.examples)) == (whole.rows, whole.failing, EXAMPLES)


@pytest.mark.parametrize(
    "variables",
    [{"PANDERA_VALIDATION_DEPTH": "SCHEMA_ONLY"}, {"PANDERA_VALIDATION_ENABLED": "False"}],
    ids=str,
)
def test_panderas_variables_do_not_turn_checks_off(workspace: Workspace, variables: dict[str, str]) -> None:
    with connect(warehouse_of(fill(workspace))) as connection:
        connection.execute(ROBOTS)
    assert workspace.run("validate", "--layer", "bronze", **variables).returncode == 65


def test_the_newest_document_may_be_as_old_as_the_settings_say(connection: Connection) -> None:
    connection.execute("UPDATE raw.conversations SET ingested_at = now() - INTERVAL 5 DAY")
    check = "arrivals.newest_is_recent"
    assert result_of(validated(connection), check).outcome == "warned"
    assert result_of(validated(connection, max_age=6 * DAY), check).outcome == "passed"


def test_a_day_that_lost_rows_since_the_last_validation_is_told_once(connection: Connection) -> None:
    check = "partitions.none_shrank"
    assert result_of(validated(connection), check).outcome == "passed"
    most = "SELECT date, count(*) FROM raw.conversations GROUP BY date ORDER BY 2 DESC, 1 LIMIT 1"
    ((day, rows),) = connection.execute(most).fetchall()
    connection.execute(
        "DELETE FROM raw.conversations WHERE _id = (SELECT min(_id) FROM raw.conversations WHERE date = ?)",
        [day],
    )
    validated(connection, "silver")  # does not look at days, and so forgets none
    found = result_of(validated(connection), check)
    assert (found.outcome, found.examples) == ("warned", (f"{day}: {rows} rows → {rows - 1}",))
    assert result_of(validated(connection), check).outcome == "passed"


# History


def test_results_are_kept_by_check(connection: Connection) -> None:
    connection.execute("DELETE FROM quality.results")
    validated(connection, run="first")
    connection.execute(ROBOTS)
    second = validated(connection, run="second")
    history = check_history(connection)[ROLE]
    assert [(each.failing, each.outcome) for each in history] == [
        (0, "passed"),
        (result_of(second, ROLE).failing, "failed"),
    ]
    assert history[0].at < history[1].at == second.at
    kept = connection.execute(
        "SELECT run, count(*) FROM quality.results GROUP BY run ORDER BY run"
    ).fetchall()
    bronze = sum(len(each.checks) for each in SUITES if each.layer == "bronze")
    assert kept == [("first", bronze), ("second", bronze)]


def test_a_course_is_as_long_as_it_can_be_shown(connection: Connection) -> None:
    connection.execute("""
        INSERT INTO quality.results
        SELECT 'r', now() - INTERVAL 1 HOUR * n, 'a.b', 'gold', 'gold.a', 'error', 0, 10, n, 'failed'
        FROM range(100) AS numbers(n)
    """)
    assert [each.failing for each in check_history(connection)["a.b"]] == list(range(59, -1, -1))


# Where nothing can be checked


def test_an_unknown_layer(connection: Connection) -> None:
    with pytest.raises(UsageError, match="The layer brass does not exist"):
        validated(connection, "brass")


def test_a_table_without_rows_is_sound(connection: Connection) -> None:
    connection.execute("DELETE FROM raw.conversations; DELETE FROM quality.partitions")
    result = validated(connection)
    assert {each.rows for each in result.checks if each.table == "raw.conversations"} == {0}
    assert [each.check for each in result.ended("failed")] == ["stg_conversations.document_is_loaded"]


def test_what_is_not_there_cannot_be_checked(tmp_path: Path) -> None:
    with connect(tmp_path / "clogs.duckdb") as connection:
        with pytest.raises(WarehouseError, match="Nothing is loaded yet"):
            validated(connection)
        create_tables(connection)
        with pytest.raises(WarehouseError, match=r"gold\.agg_code_changes, .* have not been built"):
            validated(connection, "gold")


# The command


def test_it_says_what_it_found(workspace: Workspace) -> None:
    fill(workspace)
    finished = workspace.run("validate")
    assert finished.returncode == 0
    lines = finished.stdout.splitlines()
    assert len([line for line in lines if line.startswith("✓")]) == len({each.table for each in SUITES}) - 1
    (said,) = [line for line in lines[:-1] if NOVELTY in line]
    assert said.startswith("!  conversations.type_is_known  bronze")
    assert f"{len(CHECKS) - 1} of {len(CHECKS)} checks passed, 1 warned ({NOVELTY}) on " in lines[-1]


def test_failing_data_ends_with_65_and_is_told_on_both_streams(workspace: Workspace) -> None:
    with connect(warehouse_of(fill(workspace))) as connection:
        connection.execute(
            "UPDATE raw.conversations SET _id = '\x1b[31mred', message_role = 'robot'"
            " WHERE _id = (SELECT min(_id) FROM raw.conversations)"
        )
    finished = workspace.run("validate", "--layer", "bronze")
    assert finished.returncode == 65
    assert "✗  conversations.role_is_known" in finished.stdout
    assert (
        f"ERROR 2 of {sum(len(each.checks) for each in SUITES if each.layer == 'bronze')} checks failed:"
        in finished.stderr
    )
    assert "\x1b" not in finished.stdout + finished.stderr


def test_a_narrow_terminal_breaks_no_name(workspace: Workspace) -> None:
    with connect(warehouse_of(fill(workspace))) as connection:
        connection.execute(ROBOTS)
    narrow, wide = (workspace.run("validate", COLUMNS=columns).stdout for columns in ("80", "200"))
    assert ("what must hold" in narrow, "what must hold" in wide) == (False, True)
    for name in (ROLE, NOVELTY):
        assert re.search(rf"^. +{re.escape(name)} +bronze +\d+ ", narrow, re.MULTILINE)


def test_a_page_is_about_all_layers(workspace: Workspace) -> None:
    finished = workspace.run("validate", "--layer", "gold", "--build-docs")
    assert (finished.returncode, "The page covers all layers." in finished.stderr) == (2, True)


def test_the_settings_file_can_make_an_error_a_warning(workspace: Workspace) -> None:
    with connect(warehouse_of(fill(workspace))) as connection:
        connection.execute(ROBOTS)
    settings = "[quality.checks]\nconversations.role_is_known = { severity = 'warning' }\n"
    (workspace.folder / "clogs.toml").write_text(settings, encoding="utf-8")
    finished = workspace.run("validate", "--layer", "bronze")
    assert (finished.returncode, "!  conversations.role_is_known" in finished.stdout) == (0, True)


def test_json_holds_every_check(workspace: Workspace) -> None:
    fill(workspace)
    found = json.loads(workspace.run("validate", "--layer", "silver", "--json").stdout)
    silver = [name for each in SUITES if each.layer == "silver" for name in each.checks]
    assert [each["check"] for each in found["checks"]] == silver
    assert {(each["outcome"], each["share"]) for each in found["checks"]} == {("passed", 0.0)}


def test_the_course_of_a_check(workspace: Workspace) -> None:
    path = warehouse_of(fill(workspace))
    with connect(path) as connection:
        connection.execute(ROBOTS)
    workspace.run("validate", "--layer", "bronze")
    shown = workspace.run("validate", "--history", ROLE).stdout.splitlines()
    assert shown[0] == f"{ROLE}: {CHECKS[ROLE].description}"
    assert shown[1].startswith("▁█  2 validations, up to ")
    assert [line[0] for line in shown[4:]] == ["✗", "✓"]
    results = json.loads(workspace.run("validate", "--history", ROLE, "--json").stdout)["results"]
    assert [each["outcome"] for each in results] == ["passed", "failed"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--history", "fct_messages.key_is_uniqe"], 2, "the nearest is fct_messages.key_is_unique"),
        (["--history", ROLE, "--layer", "gold"], 2, "--history checks nothing"),
        (["--history", ROLE], 69, "clogs.duckdb does not exist yet"),
        (["--layer", "brass"], 2, 'Choose from: "bronze", "silver", "gold"'),
        ([], 69, "clogs pipeline"),
    ],
    ids=str,
)
def test_mistakes(workspace: Workspace, arguments: list[str], code: int, said: str) -> None:
    finished = workspace.run("validate", *arguments)
    assert (finished.returncode, said in finished.stderr) == (code, True)


def test_one_at_a_time(workspace: Workspace) -> None:
    fill(workspace)
    with run_lock(Path(workspace.environment["DATA_DIR"]) / "state", command="load"):
        finished = workspace.run("validate")
    assert finished.returncode == 75
