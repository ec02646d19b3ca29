"""One run at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Literal

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from clogs.errors import ClogsError, LockedError
from clogs.files import make_private_dir

ASKING_SECONDS = 0.2
"""So long, at most, a run waits for a lock that may only be looked at."""


@contextmanager
def run_lock(state_dir: Path, *, command: str) -> Iterator[None]:
    """Let one run at a time through; the kernel frees the lock when its process dies.

    Args:
        state_dir: Where the lock's file stands.
        command: What this run is, for the message that the other one shows.

    Raises:
        LockedError: Another run holds it; the message names its PID and command.
        ClogsError: Its file cannot be opened or written.
    """
    path = make_private_dir(state_dir) / "run.lock"
    with _opened(path, "ab+") as lock:
        try:
            _take(lock)
        except BlockingIOError as exc:
            raise LockedError(
                f"Another run holds the lock: {_said(lock)}.",
                hint="Let it end; a scheduled run goes on from there.",
            ) from exc
        with _explained(path, "Free space, then run this again."):
            lock.truncate(0)
            since = datetime.now(UTC).isoformat(timespec="seconds")
            lock.write(f"PID {os.getpid()}, clogs {command}, since {since}".encode())
        yield


def holder(state_dir: Path) -> str | None:
    """Tell who holds the lock: its PID, its command and since when; None where it is free.

    It is taken for the moment of asking, shared; a run that begins just then waits for that.

    Raises:
        ClogsError: Its file cannot be opened, so no run could, either.
    """
    path = state_dir / "run.lock"
    if not path.exists():
        return None
    with _opened(path, "rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _said(lock)
    return None


def _take(lock: FileIO) -> None:
    """Take the lock, also from one that only asks who holds it."""
    waiting = Retrying(
        retry=retry_if_exception_type(BlockingIOError),
        stop=stop_after_delay(ASKING_SECONDS),
        wait=wait_fixed(ASKING_SECONDS / 20),
        reraise=True,
    )
    waiting(fcntl.flock, lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _said(lock: FileIO) -> str:
    lock.seek(0)
    return lock.read().decode().strip() or "an unknown process"


def _opened(path: Path, mode: Literal["ab+", "rb"]) -> FileIO:
    verb = "read" if mode == "rb" else "write"
    with _explained(path, "Run clogs as the same user every time, or remove it.", verb=verb):
        return path.open(mode, buffering=0)  # a full disk is told at the write, not again at the close


@contextmanager
def _explained(path: Path, hint: str, *, verb: str = "write") -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise ClogsError(f"Cannot {verb} {path}: {exc.strerror}.", hint=hint) from exc
