"""One run at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from clogs.errors import ClogsError, LockedError
from clogs.files import make_private_dir


@contextmanager
def run_lock(state_dir: Path, *, command: str) -> Iterator[None]:
    """Let one run at a time through; the kernel frees the lock when its process dies.

    Args:
        state_dir: Where the lock's file stands.
        command: What this run is, for the message that the other one shows.

    Raises:
        LockedError: Another run holds it; the message names its PID and command.
        ClogsError: Its file cannot be opened.
    """
    path = make_private_dir(state_dir) / "run.lock"
    with _opened(path) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            lock.seek(0)
            holder = lock.read().strip() or "an unknown process"
            raise LockedError(
                f"Another run holds the lock: {holder}.",
                hint="Let it end; a scheduled run goes on from there.",
            ) from exc
        lock.truncate(0)
        since = datetime.now(UTC).isoformat(timespec="seconds")
        lock.write(f"PID {os.getpid()}, clogs {command}, since {since}")
        lock.flush()
        yield


def _opened(path: Path) -> TextIO:
    try:
        return path.open("a+", encoding="utf-8")
    except OSError as exc:
        raise ClogsError(
            f"Cannot open {path}: {exc.strerror}.",
            hint="Run clogs as the same user every time, or remove it.",
        ) from exc
