"""The history of runs, a file for each in the state folder."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import msgspec

from clogs.errors import ClogsError
from clogs.files import write_atomic

Trigger = Literal["cron", "systemd", "hand"]
Status = Literal["running", "done", "failed", "stopped"]

TRIGGER_VARIABLE = "CLOGS_TRIGGER"
"""The environment variable by which what is scheduled says who started it."""

WHY_KILLED = "Was memory short, or the disk full?"
"""What to ask where a run could not write how it ended."""

KEPT = 1_000
"""So many runs are remembered: six weeks of hourly ones."""

DISTRIBUTIONS = ("clogs", "duckdb", "polars", "pymongo", "sqlmesh")


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why something failed.

    Attributes:
        message: What failed, and where, without any secret.
        hint: What to do next.
        exit_code: What it ends with.
    """

    message: str
    hint: str | None
    exit_code: int

    @classmethod
    def of(cls, error: ClogsError) -> Failure:
        """What an error says."""
        return cls(message=error.message, hint=error.hint, exit_code=error.exit_code)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a run.

    Attributes:
        name: Which one.
        status: ``done``, ``unchanged``, ``skipped`` or ``failed``.
        seconds: Wall time.
        counts: What it counted, by name.
        failure: Why it failed.
    """

    name: str
    status: str
    seconds: float
    counts: dict[str, int] = {}
    failure: Failure | None = None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the pipeline.

    Attributes:
        run: Its id.
        trigger: Who started it.
        pid: Its process.
        started_at: In UTC.
        status: How it ended; ``running`` is what a killed one leaves, too.
        seconds: Wall time; None until it has ended.
        steps: Those that have ended, in their order.
        failure: Why it failed: the first step's, which decides the exit code, or a bug's.
        versions: Of clogs and what it stands on.
        log: Its log; None where it is not kept.
        alerted: Whether somebody was told that scheduled runs fail, and not yet that they work again.
    """

    run: str
    trigger: Trigger
    pid: int
    started_at: datetime
    status: Status = "running"
    seconds: float | None = None
    steps: tuple[Step, ...] = ()
    failure: Failure | None = None
    versions: dict[str, str] = {}
    log: Path | None = None
    alerted: bool = False


_DECODER = msgspec.json.Decoder(Run, dec_hook=lambda kind, value: kind(value))


def versions() -> dict[str, str]:
    """The versions of Python, clogs and what it stands on."""
    return {"python": platform.python_version()} | {name: version(name) for name in DISTRIBUTIONS}


def write(state_dir: Path, run: Run) -> None:
    """Make a run's record durable, in place of the one it had.

    Raises:
        ClogsError: The folder cannot be written to.
    """
    content = msgspec.json.format(msgspec.json.encode(run, enc_hook=str))
    write_atomic(_folder(state_dir) / f"{run.run}.json", lambda path: path.write_bytes(content))


def read(state_dir: Path) -> Iterator[Run]:
    """Read the runs that are remembered, the last one first.

    Raises:
        ClogsError: A file cannot be read, or holds something else.
    """
    for path in _files(state_dir):
        try:
            yield _DECODER.decode(path.read_bytes())
        except FileNotFoundError:  # forgotten just now
            continue
        except (msgspec.DecodeError, OSError) as exc:
            raise ClogsError(
                f"{path} is no record of a run: {exc}", hint="Move it away; nothing depends on it."
            ) from exc


def readable(state_dir: Path) -> Iterator[Run]:
    """The same for who must not fail for it: what cannot be read is passed over."""
    for path in _files(state_dir):
        with suppress(msgspec.DecodeError, OSError):
            yield _DECODER.decode(path.read_bytes())


def was_killed(run: Run, holder: str | None) -> bool:
    """Tell whether a run could not write how it ended.

    Args:
        run: Its record.
        holder: Who holds the run lock, from `clogs.runs.lock.holder`. A run holds it from before its record
            begins until after it ends.
    """
    return run.status == "running" and not (holder and holder.startswith(f"PID {run.pid},"))


def log_path(state_dir: Path, run: str) -> Path:
    """Where the log of a run stands."""
    return state_dir / "logs" / f"{run}.log"


def forget_old(state_dir: Path) -> None:
    """Forget all but the last `KEPT` runs, with their logs."""
    for path in _files(state_dir)[KEPT:]:
        log_path(state_dir, path.stem).unlink(missing_ok=True)
        path.unlink(missing_ok=True)


def _folder(state_dir: Path) -> Path:
    return state_dir / "runs"


def _files(state_dir: Path) -> list[Path]:
    """Their files, the last run's first: an id begins with when its run began.

    What a clock that was ahead has left comes after all others, and is forgotten first.
    """
    now = f"{datetime.now(UTC):%Y%m%dT%H%M%S}~"
    files = _folder(state_dir).glob("*.json")
    return sorted(files, key=lambda path: (path.name < now, path.name), reverse=True)
