"""What is kept of a run: its record from the first moment on, its log if it fails, and who is told."""

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
from clogs.runs.alerts import alert
from clogs.runs.records import WHY_KILLED, Failure, Run, Step, Trigger
from clogs.runs.signals import was_stopped
from clogs.terminal.logs import log_file

logger = logging.getLogger("clogs")


class Recording:
    """A run under way.

    Args:
        state_dir: Where records are kept.
        run: Its first record.
    """

    def __init__(self, state_dir: Path, run: Run) -> None:
        self.state_dir = state_dir
        self.run = run
        records.write(state_dir, run)

    def add(self, step: Step) -> None:
        """Note how a step ended."""
        counts = ", ".join(f"{name} {number:,}" for name, number in step.counts.items())
        logger.debug("%s: %s in %.1f s. %s", step.name, step.status, step.seconds, counts)
        if step.failure:
            logger.debug("%s failed: %s", step.name, step.failure.message)
        self._replace(steps=(*self.run.steps, step))

    def end(self, status: records.Status, failure: Failure | None = None) -> None:
        """Note how the run ended; its log is kept if it failed."""
        seconds = (datetime.now(UTC) - self.run.started_at).total_seconds()
        log = self.run.log if status == "failed" else None
        self._replace(status=status, seconds=seconds, failure=failure, log=log)

    def tell(self, webhook_url: str) -> None:
        """Tell somebody of how the run ended, if that is news."""
        if _tell(self.run, self.state_dir, webhook_url):
            self._replace(alerted=True)

    def _replace(self, **changes: Any) -> None:  # noqa: ANN401  # whatever a record has
        self.run = msgspec.structs.replace(self.run, **changes)
        records.write(self.state_dir, self.run)


@contextmanager
def recorded(state_dir: Path, *, run: str, trigger: Trigger, tell: str | None = None) -> Iterator[Recording]:
    """Keep a record of the run inside, under the run lock, and its log if it fails.

    Args:
        state_dir: Where records and logs are kept.
        run: Its id.
        trigger: Who started it.
        tell: The web address to call if a scheduled run fails, and when one works again.

    Raises:
        ClogsError: The folder cannot be written to.
    """
    log, now = records.log_path(state_dir, run), datetime.now(UTC)
    first = Run(
        run=run, trigger=trigger, pid=os.getpid(), started_at=now, versions=records.versions(), log=log
    )
    tell = None if trigger == "hand" else tell
    if trigger != "hand":
        _notice_killed(state_dir, tell)
    recording = Recording(state_dir, first)
    try:
        with _logged(log):
            try:
                yield recording
            except BaseException as exc:
                recording.end(*_verdict(exc))
                if tell and not isinstance(exc, ClogsError):  # whose record may be what cannot be written
                    recording.tell(tell)
                raise
            failure = next((step.failure for step in recording.run.steps if step.failure), None)
            recording.end("failed" if failure else "done", failure)
            if tell:
                recording.tell(tell)
    finally:
        if recording.run.log is None:
            log.unlink(missing_ok=True)
    records.forget_old(state_dir)


@contextmanager
def told_of_faults(run: str, *, trigger: Trigger, tell: str | None) -> Iterator[None]:
    """Tell somebody, too, of a scheduled run that cannot write its record, say on a full disk.

    Args:
        run: Its id.
        trigger: Who started it.
        tell: The web address to call.

    Raises:
        ClogsError: What was raised inside; another run that holds the lock is nothing to tell.
    """
    began = datetime.now(UTC)
    try:
        yield
    except LockedError:
        raise
    except ClogsError as error:
        if tell and trigger != "hand":
            failure = Failure.of(error)
            alert(tell, Run(run=run, trigger=trigger, pid=os.getpid(), started_at=began, failure=failure))
        raise


def _verdict(exc: BaseException) -> tuple[records.Status, Failure | None]:
    """How a run ended that raised something; after a signal, libraries raise all kinds of things."""
    if was_stopped() or isinstance(exc, KeyboardInterrupt):
        return "stopped", None
    if isinstance(exc, ClogsError):
        return "failed", Failure.of(exc)
    logger.debug("A bug of clogs ended the run.", exc_info=exc)
    return "failed", Failure(message=f"{type(exc).__name__}, a bug", hint=None, exit_code=1)


def _notice_killed(state_dir: Path, tell: str | None) -> None:
    """Tell of the scheduled run before this one, if it was killed, for it could not do so itself."""
    before = next((each for each in records.readable(state_dir) if each.trigger != "hand"), None)
    if before is None or before.status != "running":  # the caller has the lock, so nothing runs
        return
    logger.warning("The last scheduled run, %s, was killed. %s", before.run, WHY_KILLED)
    failure = Failure(message=f"Run {before.run} was killed.", hint=WHY_KILLED, exit_code=137)
    killed = msgspec.structs.replace(before, failure=failure)
    if tell and _tell(killed, state_dir, tell):
        records.write(state_dir, msgspec.structs.replace(killed, alerted=True))


def _tell(run: Run, state_dir: Path, webhook_url: str) -> bool:
    """Tell somebody of the first scheduled run that failed, and of the first that did not after it.

    Returns:
        Whether somebody knows that runs fail, and not that they work again. What nobody took is told by
        the next run.
    """
    earlier = (each for each in records.readable(state_dir) if each.trigger != "hand" and each.run < run.run)
    before = next((each for each in earlier if each.status != "stopped"), None)
    told = before is not None and before.alerted
    if run.status == "done":
        return told and not alert(webhook_url, run)
    return told or (run.failure is not None and alert(webhook_url, run))


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """Write every message to a file, whatever the terminal shows."""
    handler = log_file(path)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
