"""``clogs doctor`` finds what would hinder a run, and its remedies help."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from built import data_of, fill, warehouse_of
from conftest import Document, Workspace
from pymongo.collection import Collection

from clogs.checkup import LEAST_FREE, disk
from clogs.lock import run_lock
from clogs.warehouse import connect

LOCAL = ["settings", "versions", "folders", "disk", "lock", "warehouse"]
CHECKS = [*LOCAL, "source", "index", "dates", "clocks"]
DOWN = "mongodb://ann:s3cret@127.0.0.1:9/?serverSelectionTimeoutMS=100"
GIB = 1024**3


@dataclass(frozen=True)
class Outcome:
    """What a run of doctor found, by check, and how it ended."""

    code: int
    findings: dict[str, dict[str, Any]]

    @property
    def states(self) -> dict[str, str]:
        """The states of the checks that did not find all well."""
        return {name: each["state"] for name, each in self.findings.items() if each["state"] != "ok"}


def doctor(workspace: Workspace, **variables: str) -> Outcome:
    finished = workspace.run("doctor", "--json", **variables)
    document = json.loads(finished.stdout)
    outcome = Outcome(finished.returncode, {each["check"]: each for each in document["findings"]})
    states = list(outcome.states.values())
    assert (document["errors"], document["warnings"]) == (states.count("error"), states.count("warning"))
    return outcome


@pytest.fixture
def sound(mongo_workspace: Workspace, collection: Collection[Document]) -> Workspace:
    """A finished pipeline whose source has an index and documents of now."""
    collection.create_index([("ingestedAt", 1)])
    collection.insert_one({"ingestedAt": datetime.now(UTC)})
    return fill(mongo_workspace)


@pytest.fixture
def holder(sound: Workspace) -> Iterator[None]:
    """A run that holds the lock and the warehouse: this process."""
    with run_lock(data_of(sound) / "state", command="pipeline"), connect(warehouse_of(sound)):
        yield


@pytest.fixture
def shut(tmp_path: Path) -> Path:
    """A folder that may be read only."""
    folder = tmp_path / "shut"
    folder.mkdir(mode=0o500)
    if os.access(folder, os.W_OK):
        pytest.skip("this user may write everywhere")
    return folder


def test_where_all_is_well(sound: Workspace) -> None:
    finished = sound.run("doctor")
    lines = finished.stdout.splitlines()
    assert (finished.returncode, finished.stderr) == (0, "")
    assert [line.split()[:2] for line in lines] == [["✓", check] for check in CHECKS]
    assert lines[0] == "✓ settings   No fault; there is no settings file."
    assert lines[6].endswith(" holds about 1 document.")


def test_where_all_is_well_quiet_says_nothing(sound: Workspace) -> None:
    finished = sound.run("doctor", "--quiet")
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")


def test_the_json_has_every_finding(sound: Workspace) -> None:
    document = json.loads(sound.run("doctor", "--json").stdout)
    assert (document["errors"], document["warnings"]) == (0, 0)
    assert [each["check"] for each in document["findings"]] == CHECKS
    assert all(each.keys() == {"check", "state", "message", "remedy"} for each in document["findings"])
    assert {each["remedy"] for each in document["findings"]} == {None}


def test_it_changes_nothing(mongo_workspace: Workspace) -> None:
    outcome = doctor(mongo_workspace)
    assert outcome.findings["folders"]["state"] == outcome.findings["warehouse"]["state"] == "ok"
    assert not data_of(mongo_workspace).exists()


def test_bad_settings_are_findings_without_secrets(workspace: Workspace) -> None:
    finished = workspace.run("doctor", MONGO_URI="postgres://ann:s3cret@db", DUCKDB_THREADS="0")
    assert finished.returncode == 1
    assert finished.stdout.startswith("✗ settings   The settings have 2 faults:\n  mongo.uri = *** ")
    assert "\n  → Every key and its limits are explained" in finished.stdout
    assert finished.stdout.splitlines()[-1].startswith("✓ versions   Python 3.")
    assert "s3cret" not in finished.stdout + finished.stderr


def test_the_settings_file_is_named(workspace: Workspace) -> None:
    (workspace.folder / "clogs.toml").write_text("", encoding="utf-8")
    message = doctor(workspace, MONGO_URI=DOWN).findings["settings"]["message"]
    assert message == f"No fault in {workspace.folder / 'clogs.toml'}."


def test_a_source_that_is_down_is_an_error(workspace: Workspace) -> None:
    finished = workspace.run("doctor", "--quiet", MONGO_URI=DOWN)
    first, second = finished.stdout.splitlines()
    assert finished.returncode == 1
    assert first.startswith("✗ source     MongoDB at 127.0.0.1:9 does not answer: ")
    assert second == "  → Is it running, and is mongo.uri (MONGO_URI) right? Try: clogs config"
    assert "1 fault would make a run fail." in finished.stderr
    assert "s3cret" not in finished.stdout + finished.stderr


def test_a_collection_that_is_not_there_is_an_error(mongo_workspace: Workspace) -> None:
    outcome = doctor(mongo_workspace)
    assert (outcome.code, outcome.states) == (1, {"source": "error"})
    assert outcome.findings["source"]["message"].startswith("There is no collection clogs_tests.")
    assert "clogs import ~/.claude" in outcome.findings["source"]["remedy"]


def test_a_missing_index_is_a_warning_with_the_command_that_makes_it(
    mongo_workspace: Workspace, collection: Collection[Document]
) -> None:
    collection.insert_one({"ingestedAt": datetime.now(UTC)})
    outcome = doctor(mongo_workspace)
    assert (outcome.code, outcome.states) == (0, {"index": "warning"})
    assert outcome.findings["index"]["remedy"] == (
        f'In mongosh: db.getSiblingDB("clogs_tests").getCollection("{collection.name}")'
        '.createIndex({"ingestedAt": 1})'
    )


def test_an_odd_name_is_quoted(mongo_workspace: Workspace, collection: Collection[Document]) -> None:
    collection.insert_one({"n": 1})
    odd = {"PIPELINE_WATERMARK_FIELD": 'a"b\x1b'}
    remedy = doctor(mongo_workspace, **odd).findings["index"]["remedy"]
    shown = mongo_workspace.run("doctor", **odd).stdout
    assert remedy.endswith(r'.createIndex({"a\"b\u001b": 1})')
    assert remedy in shown
    assert "\x1b" not in shown


def test_documents_without_a_date_are_a_warning(sound: Workspace, collection: Collection[Document]) -> None:
    collection.insert_many([{"ingestedAt": "2026-03-04"}, {"n": 1}])
    outcome = doctor(sound)
    assert (outcome.code, outcome.states) == (0, {"dates": "warning"})
    assert outcome.findings["dates"]["message"].startswith("2 documents without a Date in ingestedAt: ")
    assert "clogs extract --full-backfill" in outcome.findings["dates"]["remedy"]


@pytest.mark.parametrize(("ahead", "states"), [(10, {}), (20, {"clocks": "warning"})])
def test_a_clock_that_is_ahead_by_more_than_the_lookback_is_a_warning(
    sound: Workspace, collection: Collection[Document], ahead: int, states: dict[str, str]
) -> None:
    collection.insert_one({"ingestedAt": datetime.now(UTC) + timedelta(minutes=ahead)})
    outcome = doctor(sound)
    assert (outcome.code, outcome.states) == (0, states)


@pytest.mark.usefixtures("holder")
def test_a_run_that_is_on_is_told(sound: Workspace) -> None:
    outcome = doctor(sound)
    assert (outcome.code, outcome.states) == (0, {"lock": "warning"})
    assert outcome.findings["lock"]["message"].startswith(f"A run is on: PID {os.getpid()}, clogs pipeline, ")
    assert f"in use by the run that is on (PID {os.getpid()})" in outcome.findings["warehouse"]["message"]


def test_asking_leaves_the_lock_free(sound: Workspace) -> None:
    assert doctor(sound).states == {}
    with run_lock(data_of(sound) / "state", command="load"):
        pass


def test_a_lock_that_cannot_be_opened_is_an_error(sound: Workspace) -> None:
    lock = data_of(sound) / "state" / "run.lock"
    lock.unlink()
    lock.mkdir()
    outcome = doctor(sound)
    assert (outcome.code, outcome.states) == (1, {"lock": "error"})


def test_a_warehouse_held_by_another_program_is_an_error(sound: Workspace) -> None:
    with connect(warehouse_of(sound)):
        outcome = doctor(sound)
    assert (outcome.code, outcome.states) == (1, {"warehouse": "error"})
    assert f"PID {os.getpid()} (" in outcome.findings["warehouse"]["message"]


def test_a_warehouse_that_is_none_is_an_error(sound: Workspace) -> None:
    warehouse_of(sound).write_text("no warehouse", encoding="utf-8")
    outcome = doctor(sound)
    assert (outcome.code, outcome.states) == (1, {"warehouse": "error"})
    assert "DUCKDB_PATH" in outcome.findings["warehouse"]["remedy"]


@pytest.mark.parametrize("place", ["landing", "landing/deeper", "state"])
def test_a_file_where_a_folder_should_be_is_an_error(sound: Workspace, tmp_path: Path, place: str) -> None:
    blocking = tmp_path / place.partition("/")[0]
    blocking.write_text("", encoding="utf-8")
    outcome = doctor(sound, DATA_RAW_DIR=str(tmp_path / place))
    assert (outcome.code, outcome.states) == (1, {"folders": "error"})
    assert outcome.findings["folders"]["message"] == (
        f"{tmp_path / place} cannot be used: {blocking} is no folder."
    )
    assert outcome.findings["folders"]["remedy"] == (
        "Move it away, or set data.raw_dir (DATA_RAW_DIR) to another place."
    )


def test_one_cause_is_told_once(workspace: Workspace) -> None:
    data_of(workspace).write_text("", encoding="utf-8")
    finished = workspace.run("doctor", MONGO_URI=DOWN)
    assert [line.split()[1] for line in finished.stdout.splitlines() if line.startswith("✗")] == [
        "folders",
        "source",
    ]


@pytest.mark.parametrize("place", ["shut", "shut/below"])
def test_a_folder_that_may_not_be_written_to_is_an_error(
    sound: Workspace, tmp_path: Path, shut: Path, place: str
) -> None:
    outcome = doctor(sound, DATA_RAW_DIR=str(tmp_path / place))
    assert (outcome.code, outcome.states) == (1, {"folders": "error"})
    assert outcome.findings["folders"]["message"].endswith(f": you may not write to {shut}.")


@pytest.mark.parametrize(
    ("name", "mode", "check"),
    [("landing", 0o750, "folders"), (".", 0o755, "folders"), ("clogs.duckdb", 0o644, "warehouse")],
)
def test_what_others_can_read_is_a_warning_whose_remedy_helps(
    sound: Workspace, name: str, mode: int, check: str
) -> None:
    (data_of(sound) / name).chmod(mode)
    outcome = doctor(sound)
    assert (outcome.code, outcome.states) == (0, {check: "warning"})
    subprocess.run(outcome.findings[check]["remedy"], shell=True, check=True)  # noqa: S602  # as users would
    assert doctor(sound).states == {}


def test_a_name_that_is_too_long_is_an_error(sound: Workspace) -> None:
    outcome = doctor(sound, DUCKDB_PATH=f"/{'x' * 300}")
    assert outcome.code == 1
    assert outcome.findings["disk"]["message"].endswith("xxx: File name too long.")


def test_a_disk_that_holds_less_than_is_stored_is_a_warning(sound: Workspace) -> None:
    landing = data_of(sound) / "landing" / "date=2026-01-01"
    landing.mkdir()
    with (landing / "conversations_large.parquet").open("wb") as sparse:
        sparse.truncate(8 * 1024 * GIB)
    outcome = doctor(sound)
    assert (outcome.code, outcome.states) == (0, {"disk": "warning"})
    assert "landing and warehouse take 8.0 TiB." in outcome.findings["disk"]["message"]


@pytest.mark.parametrize(
    ("free", "used", "state"),
    [
        (LEAST_FREE, 0, "ok"),
        (LEAST_FREE - 1, 0, "warning"),
        (5 * GIB, 5 * GIB, "ok"),
        (5 * GIB, 5 * GIB + 1, "warning"),
    ],
)
def test_how_much_should_be_free(free: int, used: int, state: str) -> None:
    assert disk(Path("/data"), free=free, used=used).state == state
