"""Four steps in a row: which run, which are skipped, and what a failure of one means for the others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from built import SAMPLES, data_of, fill, warehouse_of
from conftest import Workspace

from clogs.warehouse import connect, note_everything

STEPS = ["extract", "load", "transform", "validate"]


def run(workspace: Workspace, *arguments: str, code: int = 0, **variables: str) -> dict[str, Any]:
    """The JSON document of a pipeline that ends with a code."""
    finished = workspace.run("pipeline", "--json", *arguments, **variables)
    assert finished.returncode == code, finished.stderr
    document: dict[str, Any] = json.loads(finished.stdout)
    return document


def statuses(document: dict[str, Any]) -> list[str]:
    assert [step["name"] for step in document["steps"]] == STEPS
    return [step["status"] for step in document["steps"]]


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    return fill(workspace)


def damage(workspace: Workspace) -> None:
    landing = data_of(workspace) / "landing" / "date=2026-01-01"
    landing.mkdir()
    (landing / "conversations_damaged.parquet").write_bytes(b"damaged")


def change_one_row(workspace: Workspace, sql: str) -> None:
    """Change the warehouse without clogs, and make it look as if there had been a load."""
    with connect(warehouse_of(workspace)) as connection:
        connection.execute(sql)
        connection.execute("UPDATE raw.ledger SET loaded_at = now()")
        note_everything(connection)


def test_with_nothing_new_transform_and_validate_are_unchanged(filled: Workspace) -> None:
    document = run(filled, "--skip-extract")
    assert statuses(document) == ["skipped", "done", "unchanged", "unchanged"]
    assert document.keys() == {"run", "started_at", "seconds", "steps"}
    assert document["steps"][1].keys() == {"name", "status", "seconds", "result", "error"}
    assert document["steps"][1]["result"]["files"] == 0


def test_a_transform_with_nothing_to_follow_builds_nothing(filled: Workspace) -> None:
    assert filled.output("transform", "--quiet") == ""
    finished = filled.run("transform", "--json", PYTHONPROFILEIMPORTTIME="1")
    document = json.loads(finished.stdout)
    assert (finished.returncode, document["unchanged"], document["models"]) == (0, True, [])
    assert document["seconds"] < 2
    assert "clogs.pipeline.checkpoints" in finished.stderr
    assert "sqlmesh" not in finished.stderr
    assert filled.run("transform").stdout.startswith("nothing new · ")


@pytest.mark.parametrize("arguments", [["--full-refresh"], ["--models", "dim_tools"]], ids=" ".join)
def test_a_transform_that_is_asked_to_build_does(filled: Workspace, arguments: list[str]) -> None:
    document = json.loads(filled.output("transform", "--json", "--quiet", *arguments))
    assert (document["unchanged"], document["models"] != []) == (False, True)
    with connect(warehouse_of(filled), read_only=True) as connection:
        rows = {
            each["name"]: connection.execute(f"SELECT count(*) FROM {each['name']}").fetchall()[0][0]
            for each in document["models"]
        }
    assert {each["name"]: each["rows"] for each in document["models"]} == rows


@pytest.mark.parametrize("step", STEPS[1:])
def test_a_step_can_be_skipped(filled: Workspace, step: str) -> None:
    expected = {"extract": "skipped", "load": "done", "transform": "unchanged", "validate": "unchanged"}
    document = run(filled, "--skip-extract", f"--skip-{step}")
    assert statuses(document) == list((expected | {step: "skipped"}).values())


def test_skipping_everything_does_nothing(workspace: Workspace) -> None:
    assert statuses(run(workspace, *(f"--skip-{step}" for step in STEPS))) == ["skipped"] * 4
    assert not warehouse_of(workspace).exists()


def test_a_failed_step_stops_the_others(filled: Workspace) -> None:
    uri = f"{filled.environment['MONGO_URI']}/?serverSelectionTimeoutMS=100"
    document = run(filled, code=69, MONGO_URI=uri, PIPELINE_RETRIES="0")
    assert statuses(document) == ["failed", "skipped", "skipped", "skipped"]
    assert "does not answer" in document["steps"][0]["error"]


def test_a_data_error_does_not_stop_the_others_and_decides_the_code(filled: Workspace) -> None:
    damage(filled)
    document = run(filled, "--skip-extract", code=65)
    assert statuses(document) == ["skipped", "failed", "unchanged", "unchanged"]
    assert statuses(run(filled, "--skip-extract")) == ["skipped", "done", "unchanged", "unchanged"]


def test_what_failed_its_checks_is_checked_again(filled: Workspace) -> None:
    change_one_row(filled, "UPDATE raw.conversations SET message_role = 'robot' WHERE message_role = 'user'")
    for _ in range(2):
        assert statuses(run(filled, "--skip-extract", "--skip-transform", code=65))[3] == "failed"


def test_models_older_than_the_load_do_not_pass_for_the_new_ones(filled: Workspace) -> None:
    change_one_row(filled, "UPDATE raw.conversations SET cwd = '/tmp' WHERE type = 'summary'")
    assert statuses(run(filled, "--skip-extract", "--skip-transform"))[2:] == ["skipped", "done"]
    assert statuses(run(filled, "--skip-extract"))[2:] == ["done", "done"]
    assert statuses(run(filled, "--skip-extract"))[2:] == ["unchanged", "unchanged"]


def test_a_file_without_our_tables_is_no_warehouse_to_transform(workspace: Workspace) -> None:
    with connect(warehouse_of(workspace)):
        pass
    document = run(workspace, "--skip-extract", "--skip-load", code=69)
    assert statuses(document) == ["skipped", "skipped", "failed", "skipped"]


def test_a_part_built_otherwise_is_built_again(filled: Workspace) -> None:
    zone = {"TRANSFORM_TIMEZONE": "Asia/Tokyo"}
    filled.run("transform", "--models", "dim_tools", **zone).check_returncode()
    assert statuses(run(filled, "--skip-extract"))[2:] == ["done", "done"]


def test_an_unknown_model_is_a_usage_error(filled: Workspace) -> None:
    document = run(filled, "--skip-extract", "--models", "nothing", code=2)
    assert statuses(document) == ["skipped", "done", "failed", "skipped"]


def test_by_hand_a_server_that_is_not_there_fails_at_once(workspace: Workspace) -> None:
    finished = workspace.run("pipeline", "--verbose", PIPELINE_RETRIES="1")
    assert finished.returncode == 69
    assert "Trying again" not in finished.stderr
    hint = "docker run -d -p 127.0.0.1:27017:27017 mongo:8, or Atlas; clogs pipeline --from ~/.claude"
    assert hint in finished.stderr


def test_a_scheduled_run_waits_for_its_server(workspace: Workspace) -> None:
    scheduled = {"CLOGS_TRIGGER": "cron", "PIPELINE_RETRIES": "1", "PIPELINE_RETRY_DELAYS": "1 s"}
    assert "Trying again in 1.0 s." in workspace.run("pipeline", **scheduled).stderr


def test_with_nothing_landed_it_says_so(workspace: Workspace) -> None:
    skips = [f"--skip-{step}" for step in ("extract", "transform", "validate")]
    finished = workspace.run("pipeline", "--full-refresh", *skips)
    assert "Nothing has landed yet" in finished.stderr


def test_the_summary_people_read(filled: Workspace) -> None:
    finished = filled.run("pipeline", "--skip-extract")
    lines = [line.split(maxsplit=2) for line in finished.stdout.splitlines() if line.strip()]
    assert (finished.returncode, finished.stderr) == (0, "")
    assert [line[:2] for line in lines[:4]] == [["–", "extract"], *(["✓", name] for name in STEPS[1:])]
    assert str(warehouse_of(filled)) in finished.stdout


def test_quiet_is_silent(filled: Workspace) -> None:
    finished = filled.run("pipeline", "--skip-extract", "--quiet")
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")


def test_new_documents_reach_gold(mongo_workspace: Workspace, tmp_path: Path) -> None:
    fill(mongo_workspace)
    session = min(SAMPLES.rglob("*.jsonl"))
    other = tmp_path / "projects" / "-home-new" / session.name
    other.parent.mkdir(parents=True)
    shutil.copy(session, other)
    assert mongo_workspace.run("import", other).returncode == 0
    assert statuses(run(mongo_workspace)) == ["done"] * 4
    found = mongo_workspace.run("query", "SELECT project_id FROM raw.conversations", "--format", "csv")
    assert "-home-new" in found.stdout.split()
