"""One run at a time, whichever process it is in."""

from __future__ import annotations

import fcntl
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from clogs.errors import ClogsError, LockedError
from clogs.runs import lock
from clogs.runs.lock import holder as holder_of
from clogs.runs.lock import run_lock

HOLD = """
import sys
from pathlib import Path
from clogs.runs.lock import run_lock
with run_lock(Path(sys.argv[1]), command="pipeline"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path, project: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path],
        cwd=project,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_run_says_who_holds_the_lock(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(LockedError) as caught, run_lock(tmp_path, command="load"):
        pass
    held = rf"Another run holds the lock: PID {holder.pid}, clogs pipeline, since 20\d\d-.*\+00:00\."
    assert re.fullmatch(held, caught.value.message)
    assert caught.value.exit_code == 75


def test_who_holds_the_lock_can_be_asked(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    assert str(holder_of(tmp_path)).startswith(f"PID {holder.pid}, clogs pipeline, since 20")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert holder_of(tmp_path) is None


def test_asking_who_holds_the_lock_keeps_no_run_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "ASKING_SECONDS", 10)  # on a busy machine the lock may be freed late
    with run_lock(tmp_path, command="load"):
        pass
    with (tmp_path / "run.lock").open("rb") as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        threading.Timer(0.05, fcntl.flock, (asking, fcntl.LOCK_UN)).start()
        with run_lock(tmp_path, command="load"):
            assert holder_of(tmp_path)


def test_before_the_first_run_nobody_holds_the_lock(tmp_path: Path) -> None:
    assert holder_of(tmp_path / "absent") is None
    assert not (tmp_path / "absent").exists()


def test_a_killed_run_frees_the_lock(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with run_lock(tmp_path, command="load"):
        assert "clogs load" in (tmp_path / "run.lock").read_text()


def test_a_run_that_ended_or_failed_frees_the_lock(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), run_lock(tmp_path, command="load"):
        raise ZeroDivisionError
    with run_lock(tmp_path, command="a longer command"):
        pass
    with run_lock(tmp_path, command="load"):
        assert (tmp_path / "run.lock").read_text().count("PID") == 1


def test_a_lock_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "run.lock").mkdir()
    with pytest.raises(ClogsError, match=r"^Cannot write .*/run\.lock: "), run_lock(tmp_path, command="load"):
        pass
