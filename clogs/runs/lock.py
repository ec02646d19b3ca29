"""One run at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from clogs.errors import LockedError
from clogs.files import make_private_dir, reading, writing

ASKING_SECONDS = 0.2  # `holder` may have the lock, but only for a moment

_HINT = "Run clogs as the same user every time, or remove it."


@contextmanager
def run_lock(state_dir: Path, *, command: str) -> Iterator[None]:
    """Let one run at a time through; the kernel frees the lock when its process dies.

    Raises:
        LockedError: Another run holds the lock; the message names its PID and command.
        ClogsError: The file cannot be opened or written.
    """
    path = make_private_dir(state_dir) / "run.lock"
    with writing(path, hint=_HINT):
        lock = path.open("ab+", buffering=0)  # buffered, a full disk would fail once more at the close
    waiting = Retrying(
        retry=retry_if_exception_type(BlockingIOError),
        stop=stop_after_delay(ASKING_SECONDS),
        wait=wait_fixed(ASKING_SECONDS / 20),
        reraise=True,
    )
    with lock:
        try:
            waiting(fcntl.flock, lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise LockedError(
                f"Another run holds the lock: {_described(lock)}.",
                hint="Let it end; a scheduled run goes on from there.",
            ) from exc
        with writing(path, hint="Free space, then run this again."):
            lock.truncate(0)
            since = datetime.now(UTC).isoformat(timespec="seconds")
            lock.write(f"PID {os.getpid()}, clogs {command}, since {since}".encode())
        yield


def holder(state_dir: Path) -> str | None:
    """Return who holds the lock: its PID, its command and since when; None where it is free.

    To find out, this takes the lock for a moment, shared; a run that begins just then waits.
    """
    path = state_dir / "run.lock"
    if not path.exists():
        return None
    with reading(path, hint=_HINT):
        lock = path.open("rb", buffering=0)
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _described(lock)
    return None


def _described(lock: FileIO) -> str:
    lock.seek(0)
    return lock.read().decode().strip() or "an unknown process"
