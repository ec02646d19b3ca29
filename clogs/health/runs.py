"""Runs: the one that is on, the last one, and the next."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from clogs.errors import ClogsError
from clogs.health.findings import Finding
from clogs.runs.lock import holder
from clogs.runs.log import log_path
from clogs.runs.records import WHY_KILLED, Run, read, was_killed
from clogs.schedule import installed
from clogs.terminal.text import instant


def lock(state_dir: Path) -> Finding:
    """Look whether a run is on."""
    held = holder(state_dir)
    if held is None:
        return Finding(check="lock", state="ok", message="Free: no run is on.")
    remedy = "Let it end; if it hangs, stop it, and nothing is lost."
    return Finding(check="lock", state="warning", message=f"A run is on: {held}.", remedy=remedy)


def schedule() -> Finding:
    """Tell when the next run is, and whether what it starts is there."""
    try:
        found = installed()
    except ClogsError as error:
        return Finding(check="schedule", state="warning", message=error.message, remedy=error.hint)
    next_run = found.next_run(datetime.now(UTC)) if found else None
    started = {word for each in found.entries for word in each.words[:1]} if found else ()
    missing = [word for word in started if word.startswith("/") and not shutil.which(word)]
    if next_run is None:
        message = "No run is scheduled: the warehouse grows only when you run clogs pipeline."
    elif missing:
        message = f"What is scheduled cannot be started: {', '.join(sorted(missing))}."
    else:
        return Finding(check="schedule", state="ok", message=f"The next run is at {instant(next_run)}.")
    return Finding(check="schedule", state="warning", message=message, remedy="clogs schedule install")


def history(state_dir: Path) -> Finding:
    """Tell how the last run of the pipeline ended."""
    last = next(read(state_dir), None)
    if last is None:
        return Finding(check="history", state="ok", message="The pipeline has not run yet.")
    which = f"The last run ({last.run}, started by {last.trigger} at {instant(last.started_at)})"
    if last.status == "running":
        return _unfinished(which, last, state_dir)
    if last.status == "failed":
        return _failure(which, last, state_dir)
    ended = "was stopped" if last.status == "stopped" else "is done"
    return Finding(check="history", state="ok", message=f"{which} {ended}.")


def _unfinished(which: str, last: Run, state_dir: Path) -> Finding:
    if not was_killed(last, holder(state_dir)):
        return Finding(check="history", state="ok", message=f"{which} is on.")
    return Finding(
        check="history",
        state="warning",
        message=f"{which} was killed: PID {last.pid} holds no lock, and never wrote how it ended.",
        remedy=_remedy(f"{WHY_KILLED} Nothing is lost.", state_dir),
    )


def _failure(which: str, last: Run, state_dir: Path) -> Finding:
    why = last.failure.message if last.failure else "nothing is known of why."
    hint = last.failure.hint if last.failure else None
    return Finding(
        check="history", state="warning", message=f"{which} failed: {why}", remedy=_remedy(hint, state_dir)
    )


def _remedy(hint: str | None, state_dir: Path) -> str:
    path = log_path(state_dir)
    log = f"Its log: {path}." if path.exists() else None
    if hint and not hint.endswith("."):
        hint += " ·"  # it ends with a command
    return " ".join(filter(None, (hint, log, "Then run it again: clogs pipeline")))
