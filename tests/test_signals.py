"""However a run is stopped, it ends tidily and says so by its exit code."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from built import data_of, fill
from conftest import Workspace, landed_in
from pymongo.collection import Collection

from clogs.runs import records, signals
from clogs.runs.lock import run_lock

STOPPED = "Stopped. Everything is consistent; the next run goes on from here.\n"
SWALLOWING = """
import os, signal, time
from clogs.runs import signals

class Callback:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)

signals.AGAIN_SECONDS = 0.5  # a slow machine may need that long for the print
signals.listen()
try:
    Callback()
    print("swallowed")
    time.sleep(10)
except KeyboardInterrupt:
    print("heard")
"""

TIDYING = """
import os, signal, time
from clogs.runs import signals

signals.listen()
try:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)
except KeyboardInterrupt:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.1)
    print("tidy")
try:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)
except KeyboardInterrupt:
    print("heard")
"""

INTERRUPTED_EXEC = """
import os, signal, time
from clogs import cli

def run(tokens):
    exec("os.kill(os.getpid(), signal.SIGTERM); time.sleep(10)")

cli.run = run
cli.main()
"""

MORE_GRACE = """
from clogs import cli
from clogs.runs import signals

signals.GRACE_SECONDS = 16
cli.main()
"""
"""A clogs for a machine that is slow, or busy, which may need longer than is right for people."""

IGNORING = """
import os, signal
from clogs.runs import signals
signal.signal(signal.SIGHUP, signal.SIG_IGN)
signals.listen()
os.kill(os.getpid(), signal.SIGHUP)
print("on")
"""

DEAF = """
import time
from clogs.runs import signals
signals.GRACE_SECONDS, signals.AGAIN_AFTER_SECONDS = 0.1, 0.05
signals.listen()
while True:
    try:
        print("deaf", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        continue
"""
ENDLESS = "SELECT max(range * 2) FROM range(10000000000000)"


@pytest.fixture
def silent_server() -> Iterator[socket.socket]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        yield listener


@pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
@pytest.mark.parametrize("command", ["extract", "pipeline"])
def test_a_run_that_waits_is_stopped(
    workspace: Workspace, silent_server: socket.socket, command: str, number: int, exit_code: int
) -> None:
    uri = f"mongodb://127.0.0.1:{silent_server.getsockname()[1]}/?serverSelectionTimeoutMS=60000"
    with workspace.start(command, MONGO_URI=uri) as process:
        connection, _ = silent_server.accept()
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    connection.close()
    assert (process.returncode, out, err) == (exit_code, "", STOPPED)
    with run_lock(workspace.folder.parent / "data" / "state", command="test"):
        pass


def test_an_extraction_that_is_stopped_leaves_whole_files_and_the_next_goes_on(
    mongo_workspace: Workspace, collection: Collection[dict[str, Any]], tmp_path: Path
) -> None:
    noon = datetime(2025, 1, 20, 12, tzinfo=UTC)
    collection.insert_many([{"_id": number, "ingestedAt": noon} for number in range(5000)])
    with mongo_workspace.start("extract", PIPELINE_BATCH_SIZE="100") as process:
        while not list(landed_in(tmp_path / "data" / "landing")):
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (143, STOPPED)
    assert list(tmp_path.rglob(".writing-*")) == []
    assert '"landed": 5000' in mongo_workspace.run("extract", "--json").stdout


@pytest.mark.parametrize(
    "command",
    [
        ["load", "--full-refresh"],
        ["transform", "--full-refresh"],
        ["validate"],
        ["pipeline", "--skip-extract", "--full-refresh"],
    ],
    ids=lambda command: command[0],
)
def test_each_step_ends_at_once_and_the_next_run_makes_it_whole(
    workspace: Workspace, command: list[str]
) -> None:
    lock = data_of(fill(workspace)) / "state" / "run.lock"
    with workspace.start(*command) as process:
        while f"PID {process.pid}," not in lock.read_text(encoding="utf-8"):
            assert process.poll() is None
            time.sleep(0.001)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 143
    assert time.monotonic() - began < 5 + 1
    assert workspace.run("pipeline", "--skip-extract").returncode == 0
    assert workspace.run("validate").returncode == 0


@pytest.mark.parametrize("delay", [0.1, 0.4, 0.8, 1.2, 1.8])
def test_a_stopped_pipeline_is_recorded_as_that(workspace: Workspace, delay: float) -> None:
    state_dir = data_of(fill(workspace)) / "state"
    command = ("--quiet", "pipeline", "--skip-extract", "--full-refresh")
    (workspace.folder / "more_grace.py").write_text(MORE_GRACE, encoding="utf-8")
    with workspace.start(*command, module="more_grace") as process:
        while not any(run.pid == process.pid for run in records.read(state_dir)):
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(delay)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    run = next(records.read(state_dir))
    assert (process.returncode, run.status, run.failure, err) == (143, "stopped", None, STOPPED)


def test_the_exit_code_stands_where_code_made_by_a_library_is_interrupted(tmp_path: Path) -> None:
    (tmp_path / "interrupted.py").write_text(INTERRUPTED_EXEC, encoding="utf-8")
    command = [sys.executable, "-m", "interrupted"]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=20)
    assert (finished.returncode, finished.stderr) == (143, STOPPED)


@pytest.mark.parametrize(
    ("script", "printed"),
    [(IGNORING, b"on\n"), (SWALLOWING, b"swallowed\nheard\n"), (TIDYING, b"tidy\nheard\n")],
    ids=[
        "ignored by nohup",
        "swallowed by a callback, it comes again",
        "a second one breaks into no tidy end",
    ],
)
def test_a_signal_may_come_at_any_moment(project: Path, script: str, printed: bytes) -> None:
    command = [sys.executable, "-c", script]
    finished = subprocess.run(command, cwd=project, capture_output=True, check=False, timeout=20)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, printed, b"")


def test_a_query_is_stopped(workspace: Workspace) -> None:
    assert workspace.run("load", "--init-only").returncode == 0
    with workspace.start("query", ENDLESS) as process:
        time.sleep(2)  # it does not matter where it stands when the signal comes
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (143, "")
    assert err in {STOPPED, STOPPED.replace("Stopped", "Stopped at once")}


def test_a_run_that_does_not_hear_is_ended_all_the_same(project: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", DEAF], cwd=project, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"deaf\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 143


def test_without_a_signal_there_is_no_exit_code() -> None:
    assert signals.exit_code() is None
