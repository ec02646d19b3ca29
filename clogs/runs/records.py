"""The history of runs: a JSON file for each, in the state folder."""

from __future__ import annotations

import platform
import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import msgspec

from clogs.errors import ClogsError
from clogs.files import write_content

Trigger = Literal["cron", "systemd", "hand"]
RunStatus = Literal["running", "done", "failed", "stopped"]
StepStatus = Literal["done", "unchanged", "skipped", "failed"]

TRIGGER_VARIABLE = "CLOGS_TRIGGER"  # in it, a scheduled run finds who started it
WHY_KILLED = "Was memory short, or the disk full?"
KEPT = 1_000  # six weeks of hourly runs
DISTRIBUTIONS = ("clogs", "duckdb", "polars", "pymongo", "sqlmesh")


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why something failed: what a `ClogsError` says."""

    message: str
    hint: str | None
    exit_code: int

    @classmethod
    def of(cls, error: ClogsError) -> Failure:
        """Take over what an error says."""
        return cls(message=error.message, hint=error.hint, exit_code=error.exit_code)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a run; `seconds` is wall time, `counts` the integers of its result, by name."""

    name: str
    status: StepStatus
    seconds: float
    counts: dict[str, int] = {}
    failure: Failure | None = None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the pipeline.

    Attributes:
        started_at: In UTC.
        status: ``running`` is also what a killed run leaves.
        seconds: Wall time; None until it has ended.
        failure: The first step's, which decides the exit code, or a bug's.
        alerted: An alert of failing runs was sent, and none yet that they work again.
    """

    run: str
    trigger: Trigger
    pid: int
    started_at: datetime
    status: RunStatus = "running"
    seconds: float | None = None
    steps: tuple[Step, ...] = ()
    failure: Failure | None = None
    versions: dict[str, str] = {}
    alerted: bool = False


_DECODER = msgspec.json.Decoder(Run)


def new_run() -> str:
    """Make a run's id: when it began, in UTC, and some chance for runs of the same second."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def versions() -> dict[str, str]:
    """Return the versions of Python, clogs and what it stands on."""
    return {"python": platform.python_version()} | {name: version(name) for name in DISTRIBUTIONS}


def write(state_dir: Path, run: Run) -> None:
    """Make a run's record durable, in place of the one it had."""
    content = msgspec.json.format(msgspec.json.encode(run))
    write_content(state_dir / "runs" / f"{run.run}.json", content)


def read(state_dir: Path) -> Iterator[Run]:
    """Read the runs that are kept, the last one first, but for damaged records: they must end no run."""
    for path in _files(state_dir):
        with suppress(msgspec.DecodeError, OSError):  # another run may have removed it just now
            yield _DECODER.decode(path.read_bytes())


def was_killed(run: Run, holder: str | None) -> bool:
    """Return whether a run could not write how it ended; `holder` is from `clogs.runs.lock.holder`."""
    # a run holds the lock from before its record begins until after it ends
    return run.status == "running" and not (holder and holder.startswith(f"PID {run.pid},"))


def remove_old(state_dir: Path) -> None:
    """Remove all records but those of the last `KEPT` runs."""
    for path in _files(state_dir)[KEPT:]:
        path.unlink(missing_ok=True)


def _files(state_dir: Path) -> list[Path]:
    """List the records, the last run's first: an id begins with when its run began."""
    now = f"{datetime.now(UTC):%Y%m%dT%H%M%S}~"
    files = (state_dir / "runs").glob("*.json")
    # runs of the future, from a clock that was ahead, come last, and so are removed first
    return sorted(files, key=lambda path: (path.name < now, path.name), reverse=True)
