"""Killed at any instant, the next run ends with the same tables as if nothing had happened."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import DATABASE, Document, Workspace, new_workspace
from pymongo import MongoClient

from clogs import warehouse
from clogs.landing.files import POLARS_TYPES, land
from clogs.pipeline import steps
from clogs.pipeline.engines import engine_of
from clogs.runs.records import new_run
from clogs.schema import COLUMNS
from clogs.settings import Settings, load_settings

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("CLOGS_TEST_KILLS", "24"))
"""How often each of the tests that kill at random does it."""

DYING = Path(__file__).with_name("dying.py")
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
SCHEMA = pl.Schema({column.name: POLARS_TYPES[column.kind] for column in COLUMNS})
COMMANDS = {
    "load": ["load"],
    "refresh": ["load", "--full-refresh"],
    "compact": ["compact"],
    "prune": ["prune", "--before", "2026-03-04", "--yes"],
}
LONGEST = {"extract": 1.2, "load": 1.2, "refresh": 1.2, "compact": 1.2, "prune": 1.0}
"""Seconds after its start when a command has surely ended, more or less."""

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class State:
    """What must be the same: the rows but for when they were read, and files that are all in the ledger."""

    rows: Rows
    files_without_ledger: set[str]
    ledger_without_files: set[str]


@dataclass(frozen=True)
class Place:
    """A data folder, and a workspace to run commands in."""

    data: Path
    workspace: Workspace

    @property
    def environment(self) -> dict[str, str]:
        return self.workspace.environment | {"DATA_DIR": str(self.data), "COVERAGE_PROCESS_CONFIG": ""}

    @property
    def settings(self) -> Settings:
        return load_settings(config=None, flags={}, environ=self.environment).settings

    def start(self, command: str, fault: str = "none", at: int = 0) -> subprocess.Popen[bytes]:
        """Run a command with a fault, as `dying` knows them."""
        arguments = COMMANDS.get(command, [command])
        return subprocess.Popen(
            [sys.executable, DYING, fault, str(at), *arguments],
            cwd=self.workspace.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def fail(self, command: str, fault: str, at: int) -> int:
        """Run a command to its end, and give its exit code, or minus the signal that killed it."""
        with self.start(command, fault, at) as process:
            return process.wait(60)

    def interrupt(self, command: str, number: signal.Signals, delay: float) -> int:
        """Send a signal to a command some seconds after its start, and give its exit code as `fail` does."""
        with self.start(command) as process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(delay)
            process.send_signal(number)
            return process.wait(60)

    def run(self, command: str) -> None:
        """Run a command undisturbed, in this process, which has all that it imports."""
        settings, run = self.settings, new_run()
        if command == "extract":
            steps.extract(settings, run=run)
        elif command in {"load", "refresh"}:
            engine_of(settings).load(run=run, full_refresh=command == "refresh")
        elif command == "compact":
            engine_of(settings).compact(run=run)
        else:
            engine_of(settings).prune(before=date(2026, 3, 4))

    def state(self) -> State:
        select = "SELECT * EXCLUDE (extracted_at) FROM raw.conversations ORDER BY _id"
        with warehouse.connect(self.data / "clogs.duckdb", read_only=True) as connection:
            rows = connection.execute(select).fetchall()
            landed = connection.execute("SELECT file FROM raw.ledger WHERE status = 'landed'").fetchall()
        landing = self.data / "landing"
        files = {path.relative_to(landing).as_posix() for path in landing.rglob("*.parquet")}
        ledger = {file for (file,) in landed}
        return State(rows, files - ledger, ledger - files)

    def copy(self, folder: Path) -> Place:
        data = folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(self.data, data)
        return Place(data, self.workspace)


def row(identity: int, version: int, day: date) -> dict[str, Any]:
    seen = {"extracted_at": NOON + timedelta(minutes=version), "message_content": f"{version} " * 50}
    return dict.fromkeys(SCHEMA) | {"_id": f"{identity:06}", "date": day, "entry_raw": "{}"} | seen


def land_versions(data: Path, *versions: int) -> None:
    """A file of each of two days per version; a later version holds some documents of an earlier one."""
    for version in versions:
        for day in (date(2026, 3, 3), date(2026, 3, 4)):
            first = 10_000 * day.day + 100 * version
            rows = [row(identity, version, day) for identity in range(first, first + 300)]
            land(pl.DataFrame(rows, SCHEMA), data / "landing", name=f"{version:03}")


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory, mongo_uri: str) -> dict[str, Place]:
    """Where each command begins: at two loaded files of each day, and for a load two more that are not."""
    root = tmp_path_factory.mktemp("before")
    workspace = new_workspace(root, mongo_uri, "none")
    place = Place(root / "data", workspace)
    land_versions(place.data, 1, 2)
    place.run("load")
    land_versions(place.data, 3, 4)
    loaded = place.copy(tmp_path_factory.mktemp("loaded"))
    loaded.run("load")
    return {"load": place, "refresh": loaded, "compact": loaded, "prune": loaded}


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory, before: dict[str, Place]) -> dict[str, State]:
    """Where each undisturbed command leads to."""
    states = {}
    for command, place in before.items():
        copy = place.copy(tmp_path_factory.mktemp(command))
        copy.run(command)
        states[command] = copy.state()
    return states


@pytest.mark.parametrize("command", COMMANDS)
def test_killed_before_each_touch_of_the_disk(
    before: dict[str, Place], after: dict[str, State], tmp_path: Path, command: str
) -> None:
    codes: list[int] = []
    while not codes or codes[-1] != 0:
        place = before[command].copy(tmp_path)
        codes.append(place.fail(command, "killed-at", len(codes) + 1))
        place.run("load")
        place.run(command)
        assert place.state() == after[command]
        assert not list(place.data.rglob(".writing-*"))
    assert len(codes) > 2
    assert set(codes[:-1]) == {-signal.SIGKILL}


@pytest.mark.parametrize("command", ["load", "refresh", "compact"])
@pytest.mark.parametrize("fault", ["killed-beyond", "full-at"])
def test_killed_or_refused_where_a_file_grows_beyond_a_size(
    before: dict[str, Place], after: dict[str, State], tmp_path: Path, command: str, fault: str
) -> None:
    for size in (9_000, 50_000, 270_000, 540_000, 900_000):
        place = before[command].copy(tmp_path)
        assert place.fail(command, fault, size) in {-signal.SIGXFSZ, 0, 1, 69}
        place.run("load")
        place.run(command)
        assert place.state() == after[command]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
@pytest.mark.parametrize("command", COMMANDS)
def test_killed_at_random(
    before: dict[str, Place], after: dict[str, State], tmp_path: Path, command: str, number: signal.Signals
) -> None:
    dice = random.Random(f"{command} {number}")  # noqa: S311
    for _ in range(KILLS // 8):
        place = before[command].copy(tmp_path)
        place.interrupt(command, number, dice.uniform(0.3, LONGEST[command]))
        place.run("load")
        place.run(command)
        assert place.state() == after[command]


@pytest.fixture
def living(tmp_path: Path, mongo_uri: str, collection_name: str) -> tuple[Place, Place]:
    """Two data folders for one collection."""
    workspace = new_workspace(tmp_path, mongo_uri, collection_name)
    return Place(tmp_path / "killed", workspace), Place(tmp_path / "undisturbed", workspace)


def test_a_life_of_kills_ends_as_an_undisturbed_one(living: tuple[Place, Place], mongo_uri: str) -> None:
    """New and changed documents, and a kill somewhere in extract, load or compact, again and again."""
    dice = random.Random(4)  # noqa: S311
    killed, undisturbed = living
    name = killed.workspace.environment["MONGO_COLLECTION"]
    with MongoClient[Document](mongo_uri) as client:
        collection = client[DATABASE][name]
        for life in range(KILLS):
            moment = NOON + timedelta(hours=life)
            collection.insert_many([document(life, number, moment) for number in range(30)])
            changed = {"$set": {"content": f"changed in {life}", "ingestedAt": moment}}
            collection.update_one({"uuid": f"{dice.randrange(life + 1)}-3"}, changed)
            command, number = dice.choice(list(LONGEST)[:4]), dice.choice([signal.SIGKILL, signal.SIGTERM])
            killed.interrupt(command, number, dice.uniform(0.3, LONGEST[command]))
        for command in ("extract", "load"):
            killed.run(command)
            undisturbed.run(command)
    assert killed.state() == undisturbed.state()
    assert len(killed.state().rows) == KILLS * 30


def document(life: int, number: int, moment: datetime) -> Document:
    identity = f"{life}-{number}"
    stamp = {"timestamp": moment.isoformat(), "ingestedAt": moment}
    return {
        "_id": f"id {identity}",
        "uuid": identity,
        "type": "user",
        "sessionId": "s",
        "content": "first",
        **stamp,
    }


COMMITTED = """
import os, signal, sys
from pathlib import Path
from clogs import warehouse
from clogs.load import load
data = Path(sys.argv[1])
with warehouse.connect(data / "clogs.duckdb") as connection:
    connection.execute("SET wal_autocheckpoint = '1TB'")
    refresh = "refresh" in sys.argv
    load(connection, raw_dir=data / "landing", dead_letter_dir=data, run="r", full_refresh=refresh)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("command", ["load", "refresh"])
@pytest.mark.parametrize("again", [[], ["load"]], ids=["read", "loaded again"])
def test_killed_after_the_commit_what_the_write_ahead_log_holds_is_there(
    before: dict[str, Place], after: dict[str, State], tmp_path: Path, command: str, again: list[str]
) -> None:
    place = before[command].copy(tmp_path)
    killed = subprocess.run([sys.executable, "-c", COMMITTED, place.data, command], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (place.data / "clogs.duckdb.wal").stat().st_size > 10_000
    for each in again:
        place.run(each)
    assert place.state() == after[command]
