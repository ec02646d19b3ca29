"""A recorded run: it holds the lock, writes its record and the log, and sends alerts if it is scheduled."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from clogs.errors import ClogsError, LockedError
from clogs.runs import records
from clogs.runs.alerts import alert, alert_once
from clogs.runs.lock import run_lock
from clogs.runs.log import run_log
from clogs.runs.records import WHY_KILLED, Failure, Run, RunStatus, Step, Trigger
from clogs.runs.signals import was_stopped

logger = logging.getLogger("clogs")


class Recorder:
    """Keeps the record of a run on disk as its steps end; `run` is what it says now."""

    def __init__(self, state_dir: Path, run: Run, webhook_url: str | None) -> None:
        self.state_dir = state_dir
        self.run = run
        self._webhook_url = webhook_url

    def add(self, step: Step) -> None:
        """Record how a step ended."""
        counts = ", ".join(f"{name} {number:,}" for name, number in step.counts.items())
        logger.debug("%s: %s in %.1f s. %s", step.name, step.status, step.seconds, counts)
        if step.failure:
            logger.debug("%s failed: %s", step.name, step.failure.message)
        self.write(steps=(*self.run.steps, step))

    def end(self, status: RunStatus, failure: Failure | None) -> None:
        """Record how the run ended, and send the alert that is due."""
        seconds = (datetime.now(UTC) - self.run.started_at).total_seconds()
        self.write(status=status, seconds=seconds, failure=failure)
        if self._webhook_url and alert_once(self.state_dir, self.run, self._webhook_url):
            self.write(alerted=True)

    def write(self, **changes: Any) -> None:  # noqa: ANN401  # any field of a record
        """Write the record with some fields changed."""
        run = msgspec.structs.replace(self.run, **changes)
        records.write(self.state_dir, run)
        self.run = run


@contextmanager
def recorded_run(
    state_dir: Path, *, run: str, trigger: Trigger, webhook_url: str | None = None
) -> Iterator[Recorder]:
    """Hold the run lock, and keep the record and the log of the run inside.

    Raises:
        LockedError: Another run holds the lock.
        ClogsError: The record or the log cannot be written.
    """
    webhook_url = None if trigger == "hand" else webhook_url
    now = datetime.now(UTC)
    first = Run(run=run, trigger=trigger, pid=os.getpid(), started_at=now, versions=records.versions())
    recorder = Recorder(state_dir, first, webhook_url)
    try:
        with run_log(state_dir, run), run_lock(state_dir, command="pipeline"):
            if trigger != "hand":
                _report_killed(state_dir, webhook_url)
            try:
                recorder.write()
                yield recorder
            except BaseException as exc:
                recorder.end(*_outcome(exc))
                raise
            failure = next((step.failure for step in recorder.run.steps if step.failure), None)
            recorder.end("failed" if failure else "done", failure)
            records.remove_old(state_dir)
    except LockedError:
        raise
    except ClogsError as error:
        # the record could not be written, say on a full disk: nobody else would hear of it
        if webhook_url and recorder.run.status == "running":
            alert(webhook_url, msgspec.structs.replace(recorder.run, failure=Failure.of(error)))
        raise


def _outcome(exc: BaseException) -> tuple[RunStatus, Failure | None]:
    # after a signal, libraries raise all kinds of errors
    if was_stopped() or isinstance(exc, KeyboardInterrupt):
        return "stopped", None
    if isinstance(exc, ClogsError):
        return "failed", Failure.of(exc)
    logger.debug("A bug of clogs ended the run.", exc_info=exc)
    return "failed", Failure(message=f"{type(exc).__name__}, a bug", hint=None, exit_code=1)


def _report_killed(state_dir: Path, webhook_url: str | None) -> None:
    """Warn, and send an alert, if the last scheduled run was killed: it could not do so itself."""
    last = next((each for each in records.read(state_dir) if each.trigger != "hand"), None)
    if last is None or last.status != "running":  # this run holds the lock, so no other can be running
        return
    logger.warning("The last scheduled run, %s, was killed. %s", last.run, WHY_KILLED)
    failure = Failure(message=f"Run {last.run} was killed.", hint=WHY_KILLED, exit_code=137)
    killed = msgspec.structs.replace(last, failure=failure)
    if webhook_url and alert_once(state_dir, killed, webhook_url):
        records.write(state_dir, msgspec.structs.replace(killed, alerted=True))
