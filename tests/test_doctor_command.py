"""``clogs doctor`` finds what would keep a run from working, and its remedies help."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from built import data_of, fill, warehouse_of
from conftest import Document, Workspace
from pymongo.collection import Collection

from clogs.health.doctor import check_history
from clogs.health.findings import Finding
from clogs.health.places import LEAST_FREE, NO_SPACE, check_disk
from clogs.health.prices import check_prices
from clogs.runs import records
from clogs.runs.lock import run_lock
from clogs.runs.log import log_path
from clogs.runs.records import Failure, Run
from clogs.schedule import crontab
from clogs.warehouse import connect

CHECKS = ["settings", "versions", "folders", "disk", "lock", "schedule", "history", "warehouse", "prices"]
CHECKS += ["rejected", "source", "changes", "index", "dates", "clocks"]
OTHERS = {"schedule", "prices"}
"""Checks with tests of their own: here is no schedule, and the samples have a model without a price."""

DOWN = "mongodb://ann:s3cret@127.0.0.1:9/?serverSelectionTimeoutMS=100"
GIB = 1024**3
NEXT = r"^The next run is at 20\d\d-\d\d-\d\d \d\d:\d\d:00 UTC\.$"
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Outcome:
    """What a run of doctor found, by check, and how it ended."""

    code: int
    findings: dict[str, dict[str, Any]]

    @property
    def states(self) -> dict[str, str]:
        """The states of the checks that found a fault, but for `OTHERS`."""
        states = {name: each["state"] for name, each in self.findings.items() if name not in OTHERS}
        return {name: state for name, state in states.items() if state != "ok"}


def doctor(workspace: Workspace, **variables: str) -> Outcome:
    finished = workspace.run("doctor", "--json", **variables)
    document = json.loads(finished.stdout)
    outcome = Outcome(finished.returncode, {each["check"]: each for each in document["findings"]})
    states = [each["state"] for each in document["findings"]]
    assert (document["errors"], document["warnings"]) == (states.count("error"), states.count("warning"))
    return outcome


def only_fault(workspace: Workspace, check: str, state: str, **variables: str) -> dict[str, Any]:
    """The finding of the one check that finds a fault; an error ends doctor with 1, a warning does not."""
    outcome = doctor(workspace, **variables)
    assert (outcome.code, outcome.states) == (int(state == "error"), {check: state})
    return outcome.findings[check]


@pytest.fixture
def sound(mongo_workspace: Workspace, collection: Collection[Document]) -> Workspace:
    """A finished pipeline whose source has an index and documents of now."""
    collection.create_index([("ingestedAt", 1)])
    collection.insert_one({"ingestedAt": datetime.now(UTC)})
    return fill(mongo_workspace)


@pytest.fixture
def shut(tmp_path: Path) -> Path:
    """A folder that may be read only."""
    folder = tmp_path / "shut"
    folder.mkdir(mode=0o500)
    if os.access(folder, os.W_OK):
        pytest.skip("this user may write everywhere")
    return folder


def test_a_sound_installation(sound: Workspace) -> None:
    finished, quiet = sound.run("doctor"), sound.run("doctor", "--quiet")
    lines = [line for line in finished.stdout.splitlines() if not line.startswith("  ")]
    assert (finished.returncode, finished.stderr) == (quiet.returncode, quiet.stderr) == (0, "")
    assert [line.split()[1] for line in lines] == CHECKS
    assert {line[0] for line in lines if line.split()[1] not in OTHERS} == {"✓"}
    assert lines[0] == "✓ settings   No faults; no settings file is in use."
    assert lines[CHECKS.index("source")].endswith(" holds about 1 document.")
    assert {line.split()[1] for line in quiet.stdout.splitlines()[::2]} <= OTHERS


def test_the_json_has_every_finding_and_asking_leaves_the_lock_free(sound: Workspace) -> None:
    findings = doctor(sound).findings
    assert list(findings) == CHECKS
    assert all(each.keys() == {"check", "state", "message", "remedy"} for each in findings.values())
    assert {each["remedy"] for name, each in findings.items() if name not in OTHERS} == {None}
    with run_lock(data_of(sound) / "state", command="load"):
        pass


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


@pytest.mark.parametrize(
    ("mode", "state", "message", "remedy"),
    [
        (0o600, "ok", "No faults in {}.", None),
        (0o644, "warning", "{} is open to others (mode 0644), and it may hold a password.", "chmod 600 {}"),
    ],
)
def test_the_settings_file(
    workspace: Workspace, mode: int, state: str, message: str, remedy: str | None
) -> None:
    file = workspace.folder / "clogs.toml"
    file.touch()
    file.chmod(mode)
    assert doctor(workspace, MONGO_URI=DOWN).findings["settings"] == {
        "check": "settings",
        "state": state,
        "message": message.format(file),
        "remedy": remedy and remedy.format(file),
    }


def test_a_source_that_is_down_is_an_error(workspace: Workspace) -> None:
    finished = workspace.run("doctor", "--quiet", MONGO_URI=DOWN)
    first, second = finished.stdout.splitlines()[-2:]
    assert finished.returncode == 1
    assert first.startswith("✗ source     MongoDB at 127.0.0.1:9 does not answer: ")
    assert second == (
        "  → Is it running, and is mongo.uri (MONGO_URI) right? No server yet: docker run -d -p"
        " 127.0.0.1:27017:27017 mongo:8, or Atlas; clogs pipeline --from ~/.claude needs none."
    )
    assert "1 fault would make a run fail." in finished.stderr
    assert "s3cret" not in finished.stdout + finished.stderr


def test_a_collection_that_does_not_exist_is_an_error(mongo_workspace: Workspace) -> None:
    found = only_fault(mongo_workspace, "source", "error")
    assert found["message"].startswith("The collection clogs_tests.")
    assert "clogs import ~/.claude" in found["remedy"]


def test_a_missing_index_is_a_warning_with_the_command_that_creates_it(
    mongo_workspace: Workspace, collection: Collection[Document]
) -> None:
    collection.insert_one({"ingestedAt": datetime.now(UTC)})
    found = only_fault(mongo_workspace, "index", "warning")
    assert found["remedy"] == (
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
    found = only_fault(sound, "dates", "warning")
    assert found["message"].startswith("2 documents without a Date in ingestedAt: ")
    assert "clogs extract --full-backfill" in found["remedy"]


@pytest.mark.parametrize(("ahead", "states"), [(10, {}), (20, {"clocks": "warning"})])
def test_a_clock_that_is_ahead_by_more_than_the_lookback_is_a_warning(
    sound: Workspace, collection: Collection[Document], ahead: int, states: dict[str, str]
) -> None:
    collection.insert_one({"ingestedAt": datetime.now(UTC) + timedelta(minutes=ahead)})
    outcome = doctor(sound)
    assert (outcome.code, outcome.states) == (0, states)


def test_a_run_in_progress_is_a_warning(sound: Workspace) -> None:
    with run_lock(data_of(sound) / "state", command="pipeline"), connect(warehouse_of(sound)):
        outcome = doctor(sound)
    assert (outcome.code, outcome.states) == (0, {"lock": "warning"})
    lock, warehouse = outcome.findings["lock"]["message"], outcome.findings["warehouse"]["message"]
    assert lock.startswith(f"Another run is in progress: PID {os.getpid()}, clogs pipeline, ")
    assert warehouse.endswith(f" is in use by the run in progress (PID {os.getpid()}).")


def test_a_lock_that_cannot_be_opened_is_an_error(sound: Workspace) -> None:
    lock = data_of(sound) / "state" / "run.lock"
    lock.unlink()
    lock.mkdir()
    only_fault(sound, "lock", "error")


def test_a_warehouse_held_by_another_program_is_an_error(sound: Workspace) -> None:
    with connect(warehouse_of(sound)):
        outcome = doctor(sound)
    assert (outcome.code, outcome.states) == (1, {"warehouse": "error"})
    assert f"PID {os.getpid()} (" in outcome.findings["warehouse"]["message"]


def test_a_file_that_is_not_a_warehouse_is_an_error(sound: Workspace) -> None:
    warehouse_of(sound).write_text("no warehouse", encoding="utf-8")
    assert "DUCKDB_PATH" in only_fault(sound, "warehouse", "error")["remedy"]


def test_a_broken_view_is_an_error(sound: Workspace) -> None:
    with connect(warehouse_of(sound)) as connection:
        connection.execute("CREATE TABLE gone AS SELECT 1; CREATE VIEW gold.own AS FROM gone")
        connection.execute("DROP TABLE gone")
    assert "gone does not exist" in only_fault(sound, "warehouse", "error")["message"]


@pytest.mark.parametrize("place", ["landing", "landing/deeper", "state"])
def test_a_file_where_a_folder_should_be_is_an_error(sound: Workspace, tmp_path: Path, place: str) -> None:
    blocking = tmp_path / place.partition("/")[0]
    blocking.write_text("", encoding="utf-8")
    found = only_fault(sound, "folders", "error", DATA_RAW_DIR=str(tmp_path / place))
    assert found["message"] == f"{tmp_path / place} cannot be used: {blocking} is not a folder."
    assert found["remedy"] == "Move it away, or set data.raw_dir (DATA_RAW_DIR) to another place."


def test_one_cause_is_reported_once(workspace: Workspace) -> None:
    data_of(workspace).write_text("", encoding="utf-8")
    finished = workspace.run("doctor", MONGO_URI=DOWN)
    faults = [line.split()[1] for line in finished.stdout.splitlines() if line.startswith("✗")]
    assert faults == ["folders", "source"]


@pytest.mark.parametrize("place", ["shut", "shut/below"])
def test_a_folder_that_may_not_be_written_to_is_an_error(
    sound: Workspace, tmp_path: Path, shut: Path, place: str
) -> None:
    assert only_fault(sound, "folders", "error", DATA_RAW_DIR=str(tmp_path / place))["message"].endswith(
        f": you may not write to {shut}."
    )


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
    assert outcome.findings["warehouse"]["message"].endswith("xxx: File name too long.")
    assert outcome.findings["warehouse"]["remedy"] == "Fix that, or choose another place: clogs config"


def test_a_disk_that_holds_less_than_is_stored_is_a_warning(sound: Workspace) -> None:
    landing = data_of(sound) / "landing" / "date=2026-01-01"
    landing.mkdir()
    with (landing / "conversations_large.parquet").open("wb") as sparse:
        sparse.truncate(8 * 1024 * GIB)
    assert "landing and warehouse use 8.0 TiB." in only_fault(sound, "disk", "warning")["message"]


@pytest.mark.parametrize(
    ("free", "used", "state"),
    [
        (LEAST_FREE, 0, "ok"),
        (LEAST_FREE - 1, 0, "warning"),
        (5 * GIB, 5 * GIB, "ok"),
        (5 * GIB, 5 * GIB + 1, "warning"),
        (NO_SPACE, 0, "warning"),
        (NO_SPACE - 1, 0, "error"),
    ],
)
def test_how_much_should_be_free(free: int, used: int, state: str) -> None:
    assert check_disk(Path("/data"), free=free, used=used).state == state


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


def test_a_damaged_block_in_the_crontab_is_a_warning(workspace: Workspace) -> None:
    table = Path(workspace.environment["HOME"]) / "crontab.txt"
    table.write_bytes(crontab.BEGIN + b"\n0 5 * * * /bin/clogs pipeline\n")
    found = doctor(workspace, MONGO_URI=DOWN).findings["schedule"]
    assert (found["state"], "is damaged: 1 lines begin it" in found["message"]) == ("warning", True)
    assert found["remedy"].startswith("With crontab -e, remove its lines")


def test_dead_letters_that_cannot_be_read_are_a_warning(sound: Workspace) -> None:
    assert doctor(sound).findings["rejected"]["message"] == "2 dead letters: clogs dead-letters"
    (file, *_) = (data_of(sound) / "dead_letters").glob("*.jsonl")
    file.write_bytes(file.read_bytes() + b'{"half')
    only_fault(sound, "rejected", "warning")


def record(state_dir: Path, *, pid: int = 1, **fields: Any) -> str:  # noqa: ANN401  # whatever a record has
    """Leave the record of a run, and return how doctor names it."""
    run = Run(run="20260331T120000-aaaaaa", trigger="cron", pid=pid, started_at=NOON, **fields)
    records.write(state_dir, run)
    return "The last run (20260331T120000-aaaaaa, started by cron at 2026-03-31 12:00:00 UTC)"


def test_before_the_first_run(tmp_path: Path) -> None:
    assert check_history(tmp_path) == Finding("history", "ok", "The pipeline has not run yet.")


@pytest.mark.parametrize(("status", "ended"), [("done", "finished"), ("stopped", "was stopped")])
def test_a_run_that_ended_well(tmp_path: Path, status: str, ended: str) -> None:
    run = record(tmp_path, status=status)
    assert check_history(tmp_path) == Finding("history", "ok", f"{run} {ended}.")


@pytest.mark.parametrize(
    ("hint", "remedy"),
    [
        ("Call it back.", "Call it back. The log is {}. Then run it again: clogs pipeline"),
        ("Look: clogs config", "Look: clogs config · The log is {}. Then run it again: clogs pipeline"),
        (None, "The log is {}. Then run it again: clogs pipeline"),
    ],
)
def test_a_run_that_failed_is_a_warning(tmp_path: Path, hint: str | None, remedy: str) -> None:
    run = record(tmp_path, status="failed", failure=Failure(message="It is away.", hint=hint, exit_code=69))
    message, remedy = f"{run} failed: It is away.", remedy.format(log_path(tmp_path))
    assert check_history(tmp_path) == Finding("history", "warning", message, remedy)


def test_a_run_that_was_killed_is_a_warning_even_while_another_command_runs(tmp_path: Path) -> None:
    run = record(tmp_path)
    found = check_history(tmp_path)
    reason = "PID 1 does not hold the lock, and how it ended was never recorded."
    assert (found.state, found.message) == ("warning", f"{run} was killed: {reason}")
    with run_lock(tmp_path, command="import"):
        assert check_history(tmp_path) == found


def test_a_run_in_progress_was_not_killed(tmp_path: Path) -> None:
    run = record(tmp_path, pid=os.getpid())
    with run_lock(tmp_path, command="pipeline"):
        assert check_history(tmp_path) == Finding("history", "ok", f"{run} is in progress.")


def test_after_a_failed_run_doctor_says_so(workspace: Workspace) -> None:
    variables = {"MONGO_URI": DOWN, "PIPELINE_RETRIES": "0"}
    assert workspace.run("pipeline", **variables).returncode == 69
    finding = doctor(workspace, **variables).findings["history"]
    assert finding["state"] == "warning"
    assert "failed: MongoDB at 127.0.0.1:9 does not answer" in finding["message"]
    log = log_path(data_of(workspace) / "state")
    assert f"The log is {log}." in finding["remedy"]
    assert "failed: MongoDB at 127.0.0.1:9 does not answer" in log.read_text(encoding="utf-8")


def test_models_without_a_price_are_a_warning(sound: Workspace) -> None:
    found = doctor(sound).findings["prices"]
    assert found["state"] == "warning"
    assert found["message"].endswith(" No price, so no cost: gateway-experimental-1.")
    assert found["remedy"] == "Add the price: set transform.prices (TRANSFORM_PRICES) to a list of your own."


@pytest.mark.parametrize(
    ("newest", "unpriced", "state", "message"),
    [
        (
            date(2026, 10, 2),
            [],
            "ok",
            "The newest price was looked up on 2026-10-02, 180 days ago.",
        ),
        (
            date(2026, 10, 1),
            [],
            "warning",
            "The newest price was looked up on 2026-10-01, 181 days ago.",
        ),
        (None, [], "warning", "No price of the list says when it was looked up."),
        (
            date(2027, 3, 30),
            ["a", "b"],
            "warning",
            "The newest price was looked up on 2027-03-30, 1 day ago. No price, so no cost: a, b.",
        ),
    ],
)
def test_how_old_prices_may_be(newest: date | None, unpriced: list[str], state: str, message: str) -> None:
    found = check_prices(newest, unpriced, today=date(2027, 3, 31))
    assert (found.state, found.message) == (state, message)
    assert (found.remedy is None) == (state == "ok")
