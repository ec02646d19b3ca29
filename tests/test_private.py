"""What a run leaves is its owner's alone, and its password is nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import bson
import pytest
from bson import ObjectId
from conftest import Document, new_workspace
from replay import Server, replay

from clogs.commands.demo_server import free_port
from clogs.mongo.documents import CODEC

pytestmark = pytest.mark.slow

CANARY = "s3cret-canary"
OTHERS = 0o077
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Ran:
    """What several runs left in a folder, and what they said, by their arguments."""

    root: Path
    said: dict[tuple[str, ...], CompletedProcess[str]]

    def left(self) -> Iterator[Path]:
        """Every file and folder, but for the folders that were there before."""
        ours = {self.root / "home", self.root / "cwd"}
        return (path for path in self.root.rglob("*") if path not in ours)


def entries(count: int) -> list[bytes]:
    """So many prompts in the order of their ids and dates, the last of which nothing can be made of."""
    documents: list[Document] = [
        {
            "_id": ObjectId((number << 64).to_bytes(12)),
            "type": "user",
            "uuid": f"uuid-{number}",
            "sessionId": "session",
            "projectId": "project",
            "timestamp": NOON.isoformat(),
            "ingestedAt": NOON + timedelta(seconds=number),
            "message": {"role": "user", "content": f"Question {number}?"},
        }
        for number in range(count)
    ]
    documents[-1]["type"] = ["none"]
    return [bson.encode(each, codec_options=CODEC) for each in documents]


def with_password(server: Server) -> str:
    """The server's URI with a password that it takes; it takes any."""
    return server.uri.replace("://", f"://ann:{CANARY}@") + "/?authMechanism=PLAIN"


def refused() -> str:
    """A URI with a password, where nobody takes it."""
    return f"mongodb://ann:{CANARY}@127.0.0.1:{free_port()}/?serverSelectionTimeoutMS=100"


@contextmanager
def open_umask() -> Iterator[None]:
    """Let processes start with the umask that most have, which lets everybody read."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Runs that end well, with a dead letter, and runs that fail, as verbose as they can be."""
    root = tmp_path_factory.mktemp("private")
    said: dict[tuple[str, ...], CompletedProcess[str]] = {}
    with replay(entries(200)) as server, open_umask():
        workspace = new_workspace(root, with_password(server), "conversations")
        for command in (
            ("pipeline",),
            ("validate", "--build-docs"),
            ("init", "--path", "kept.toml"),
            ("config",),
            ("doctor", "--json"),
            ("status", "--json"),
        ):
            said[command] = workspace.run(*command, "--verbose")
        for command in (
            ("pipeline", "--full-backfill"),
            ("import", "."),
            ("config", "--json"),
            ("doctor",),
            ("status",),
        ):
            failing = {"MONGO_URI": refused(), "PIPELINE_RETRIES": "0"}
            said["refused", *command] = workspace.run(*command, "--verbose", **failing)
    return Ran(root, said)


def test_the_runs_ended_as_they_should(ran: Ran) -> None:
    codes = {" ".join(command): finished.returncode for command, finished in ran.said.items()}
    assert {name for name, code in codes.items() if code == 0} >= {
        "pipeline",
        "validate --build-docs",
        "init --path kept.toml",
        "config",
        "doctor --json",
    }
    assert codes["refused pipeline --full-backfill"] == 69


@pytest.mark.parametrize(
    "pattern",
    [
        "cwd/kept.toml",
        "data/clogs.duckdb",
        "data/dead_letters/**/*.*",
        "data/docs/index.html",
        "data/landing/date=*/*.parquet",
        "data/state/extract-*.parquet",
        "data/state/logs/clogs.log",
        "data/state/run.lock",
        "data/state/runs/*.json",
        "data/state/sqlmesh/**/*.*",
    ],
)
def test_it_left(ran: Ran, pattern: str) -> None:
    assert list(ran.root.glob(pattern))


def test_no_file_and_no_folder_is_open_to_others(ran: Ran) -> None:
    modes = {path.relative_to(ran.root): path.stat().st_mode for path in ran.left()}
    assert {str(path): oct(mode) for path, mode in modes.items() if mode & OTHERS} == {}


def test_no_file_holds_the_password(ran: Ran) -> None:
    files = [path for path in ran.left() if path.is_file()]
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []


def test_no_output_holds_the_password(ran: Ran) -> None:
    texts = {command: finished.stdout + finished.stderr for command, finished in ran.said.items()}
    assert [command for command, text in texts.items() if CANARY in text] == []
    assert "ann:***@" in texts["config",]


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_no_process_shows_the_password(tmp_path: Path) -> None:
    with replay(entries(60_000)) as server:
        server.pause = 0.01
        workspace = new_workspace(tmp_path, with_password(server), "conversations")
        with subprocess.Popen(
            [sys.executable, "-m", "clogs", "extract"],
            cwd=workspace.folder,
            env=workspace.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            shown = shown_with_workers(process)
            process.kill()
    assert b"spawn_main" in shown
    assert CANARY.encode() not in shown


def shown_with_workers(process: subprocess.Popen[bytes]) -> bytes:
    """What everybody can read of a run and the processes that it started, once it has workers."""
    shown = b""
    deadline = time.monotonic() + 60
    while b"spawn_main" not in shown and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii")
        shown = b"\n".join(
            Path(f"/proc/{pid}/{name}").read_bytes()
            for pid in (str(process.pid), *children.split())
            for name in ("cmdline", "comm", "stat", "status")
        )
    return shown
