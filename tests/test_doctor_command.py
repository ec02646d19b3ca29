"""``clogs doctor`` finds what would hinder a run, and its remedies help."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from built import data_of, fill, warehouse_of
from conftest import Document, Workspace
from pymongo.collection import Collection

from clogs.health.places import LEAST_FREE, daily_bytes, disk
from clogs.health.runs import history
from clogs.runs import records
from clogs.runs.lock import run_lock
from clogs.runs.log import log_path
from clogs.runs.records import Failure, Run
from clogs.schedule import crontab
from clogs.warehouse import connect

PLACES = ["settings", "versions", "folders", "disk", "lock", "schedule", "history", "warehouse"]
LOCAL = [*PLACES, "rejected"]
CHECKS = [*LOCAL, "source", "index", "dates", "clocks"]
DOWN = "mongodb://ann:s3cret@127.0.0.1:9/?serverSelectionTimeoutMS=100"
GIB = 1024**3
NEXT = r"^The next run is at 20\d\d-\d\d-\d\d \d\d:\d\d:00 UTC\.$"
TODAY = date(2026, 3, 31)
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
FAILURE = Failure(message="MongoDB is away.", hint="Call it back.", exit_code=69)


@dataclass(frozen=True)
class Outcome:
    """What a run of doctor found, by check, and how it ended."""

    code: int
    findings: dict[str, dict[str, Any]]

    @property
    def states(self) -> dict[str, str]:
        """The states of the checks that did not find all well; no test but those of it has a schedule."""
        findings = self.findings.items()
        return {
            name: each["state"] for name, each in findings if each["state"] != "ok" and name != "schedule"
        }


def doctor(workspace: Workspace, **variables: str) -> Outcome:
    finished = workspace.run("doctor", "--json", **variables)
    document = json.loads(finished.stdout)
    outcome = Outcome(finished.returncode, {each["check"]: each for each in document["findings"]})
    states = [each["state"] for each in document["findings"]]
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
    lines = [line for line in finished.stdout.splitlines() if not line.startswith("  ")]
    assert (finished.returncode, finished.stderr) == (0, "")
    assert [line.split()[1] for line in lines] == CHECKS
    assert {line[0] for line in lines if line.split()[1] != "schedule"} == {"✓"}
    assert lines[0] == "✓ settings   No fault; there is no settings file."
    assert lines[CHECKS.index("source")].endswith(" holds about 1 document.")


def test_where_all_is_well_quiet_says_nothing_but_that_nothing_is_scheduled(sound: Workspace) -> None:
    finished = sound.run("doctor", "--quiet")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert {line.split()[1] for line in finished.stdout.splitlines()[::2]} <= {"schedule"}


def test_the_json_has_every_finding(sound: Workspace) -> None:
    document = json.loads(sound.run("doctor", "--json").stdout)
    assert document["errors"] == 0
    assert [each["check"] for each in document["findings"]] == CHECKS
    assert all(each.keys() == {"check", "state", "message", "remedy"} for each in document["findings"])
    assert {each["remedy"] for each in document["findings"] if each["check"] != "schedule"} == {None}


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
    file = workspace.folder / "clogs.toml"
    file.write_text("", encoding="utf-8")
    file.chmod(0o600)
    message = doctor(workspace, MONGO_URI=DOWN).findings["settings"]["message"]
    assert message == f"No fault in {file}."


def test_a_settings_file_that_others_can_read_is_a_warning(workspace: Workspace) -> None:
    file = workspace.folder / "clogs.toml"
    file.write_text("", encoding="utf-8")
    file.chmod(0o644)
    finding = doctor(workspace, MONGO_URI=DOWN).findings["settings"]
    assert (finding["state"], finding["remedy"]) == ("warning", f"chmod 600 {file}")
    assert finding["message"].endswith("is open to others (mode 0644), and it may hold a password.")


def test_a_source_that_is_down_is_an_error(workspace: Workspace) -> None:
    finished = workspace.run("doctor", "--quiet", MONGO_URI=DOWN)
    first, second = finished.stdout.splitlines()[-2:]
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


@pytest.mark.parametrize(
    ("free", "per_day", "state", "told"),
    [
        (60 * GIB, 2 * GIB, "ok", " 2.0 GiB a day, which fits for 30 days."),
        (60 * GIB - 1, 2 * GIB, "warning", " which fits for 29 days."),
        (60 * GIB, 1024, "ok", " which fits for more than ten years."),
        (60 * GIB, 0, "ok", " landing and warehouse take 0 B."),
    ],
)
def test_a_disk_that_is_full_within_a_month_is_a_warning(
    free: int, per_day: int, state: str, told: str
) -> None:
    found = disk(Path("/data"), free=free, used=0, per_day=per_day)
    assert found.state == state
    assert found.message.endswith(told)


@pytest.mark.parametrize(
    ("sizes", "per_day"),
    [
        ({}, 0),
        ({"2026-03-31": 700}, 100),
        ({"2026-03-12": 1000, "2026-03-31": 1000}, 100),
        ({"2026-03-01": 9, "2026-03-12": 1000, "2026-03-31": 1000, "2026-04-01": 10_000}, 100),
        ({"2026-03-02": 3000, "2026-03-01": 10_000}, 100),
        ({"2020-01-01": 1_000_000}, 0),
    ],
)
def test_growth_is_that_of_the_last_days_however_much_was_landed_today(
    tmp_path: Path, sizes: dict[str, int], per_day: int
) -> None:
    for day, size in sizes.items():
        (tmp_path / f"date={day}").mkdir()
        (tmp_path / f"date={day}" / "conversations_a.parquet").write_bytes(b"." * size)
    assert daily_bytes(tmp_path, TODAY) == pytest.approx(per_day)


def test_growth_counts_the_warehouse_too(sound: Workspace) -> None:
    day = data_of(sound) / "landing" / f"date={datetime.now(UTC).date()}"
    day.mkdir(exist_ok=True)
    with (day / "conversations_large.parquet").open("wb") as sparse:
        sparse.truncate(8 * 1024 * GIB)
    message = doctor(sound).findings["disk"]["message"]
    assert "They grow by about 1.1 TiB a day, which fits for 0 days." in message


@pytest.mark.parametrize(
    ("words", "state", "said"),
    [
        ([], "warning", "No run is scheduled"),
        (["# 0 5 * * * /bin/sh pipeline"], "warning", "No run is scheduled"),
        (["0 5 * * * CLOGS_TRIGGER=cron /bin/sh pipeline"], "ok", NEXT),
        (["0 5 * * * CLOGS_TRIGGER=cron", "0 6 * * * A=1 cd /tmp"], "ok", NEXT),
        (
            ["0 5 * * * CLOGS_TRIGGER=cron /gone/clogs pipeline"],
            "warning",
            r"cannot be started: /gone/clogs\.$",
        ),
    ],
)
def test_the_schedule(workspace: Workspace, words: list[str], state: str, said: str) -> None:
    lines = [crontab.BEGIN.decode(), *words, crontab.END.decode(), ""] if words else []
    (Path(workspace.environment["HOME"]) / "crontab.txt").write_text("\n".join(lines), encoding="utf-8")
    found = doctor(workspace, MONGO_URI=DOWN).findings["schedule"]
    assert (found["state"], found["remedy"]) == (state, None if state == "ok" else "clogs schedule install")
    assert re.search(said, found["message"])


def test_a_damaged_block_in_the_crontab_is_told_with_its_remedy(workspace: Workspace) -> None:
    table = Path(workspace.environment["HOME"]) / "crontab.txt"
    table.write_bytes(crontab.BEGIN + b"\n0 5 * * * /bin/clogs pipeline\n")
    found = doctor(workspace, MONGO_URI=DOWN).findings["schedule"]
    assert (found["state"], "is damaged: 1 lines begin it" in found["message"]) == ("warning", True)
    assert found["remedy"].startswith("With crontab -e, remove its lines")


def test_dead_letters_that_cannot_be_read_are_a_warning(sound: Workspace) -> None:
    assert doctor(sound).findings["rejected"]["message"] == "2 dead letters: clogs dead-letters"
    (file, *_) = (data_of(sound) / "dead_letters").glob("*.jsonl")
    file.write_bytes(file.read_bytes() + b'{"half')
    outcome = doctor(sound)
    assert (outcome.code, outcome.states) == (0, {"rejected": "warning"})


def ended(state_dir: Path, **fields: Any) -> Run:  # noqa: ANN401  # whatever a record has
    """A run that has left a record."""
    run = Run(run="20260331T120000-aaaaaa", trigger="cron", pid=1, started_at=NOON, **fields)
    records.write(state_dir, run)
    return run


WHICH = "The last run (20260331T120000-aaaaaa, started by cron at 2026-03-31 12:00:00 UTC)"


@pytest.mark.parametrize(("status", "told"), [("done", "is done"), ("stopped", "was stopped")])
def test_a_run_that_ended_well(tmp_path: Path, status: str, told: str) -> None:
    ended(tmp_path, status=status)
    assert (history(tmp_path).state, history(tmp_path).message) == ("ok", f"{WHICH} {told}.")


def test_before_the_first_run(tmp_path: Path) -> None:
    assert (history(tmp_path).state, history(tmp_path).message) == ("ok", "The pipeline has not run yet.")


def test_a_run_that_failed_is_a_warning_with_its_log(tmp_path: Path) -> None:
    log = log_path(tmp_path)
    ended(tmp_path, status="failed", failure=FAILURE)
    log.parent.mkdir()
    log.touch()
    found = history(tmp_path)
    assert (found.state, found.message) == ("warning", f"{WHICH} failed: MongoDB is away.")
    assert found.remedy == f"Call it back. Its log: {log}. Then run it again: clogs pipeline"


def test_a_log_that_is_gone_is_not_named(tmp_path: Path) -> None:
    ended(tmp_path, status="failed", failure=FAILURE)
    assert history(tmp_path).remedy == "Call it back. Then run it again: clogs pipeline"


def test_a_run_that_was_killed_is_told(tmp_path: Path) -> None:
    ended(tmp_path)
    found = history(tmp_path)
    assert found.state == "warning"
    assert found.message == f"{WHICH} was killed: PID 1 holds no lock, and never wrote how it ended."


def test_a_run_that_was_killed_is_told_while_another_command_runs(tmp_path: Path) -> None:
    ended(tmp_path)
    with run_lock(tmp_path, command="import"):
        assert " was killed: " in history(tmp_path).message


def test_a_run_that_is_on_was_not_killed(tmp_path: Path) -> None:
    run = Run(run="20260331T120000-aaaaaa", trigger="cron", pid=os.getpid(), started_at=NOON)
    records.write(tmp_path, run)
    with run_lock(tmp_path, command="pipeline"):
        assert (history(tmp_path).state, history(tmp_path).message) == ("ok", f"{WHICH} is on.")


def test_after_a_failed_run_the_doctor_says_so(workspace: Workspace) -> None:
    variables = {"MONGO_URI": DOWN, "PIPELINE_RETRIES": "0"}
    assert workspace.run("pipeline", **variables).returncode == 69
    finding = doctor(workspace, **variables).findings["history"]
    assert finding["state"] == "warning"
    assert "failed: MongoDB at 127.0.0.1:9 does not answer" in finding["message"]
    (log,) = (data_of(workspace) / "state" / "logs").iterdir()
    assert f"Its log: {log}." in finding["remedy"]
