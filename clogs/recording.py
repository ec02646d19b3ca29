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

from clogs import runs
from clogs.alerts import alert
from clogs.files import make_private_dir
from clogs.runs import Failure, Run, Step, Trigger

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
        runs.write(state_dir, run)

    def add(self, step: Step) -> None:
        """Note how a step ended."""
        counts = ", ".join(f"{name} {number:,}" for name, number in step.counts.items())
        logger.debug("%s: %s in %.1f s. %s", step.name, step.status, step.seconds, counts)
        if step.failure:
            logger.debug("%s failed: %s", step.name, step.failure.message)
        self._replace(steps=(*self.run.steps, step))

    def end(self, status: runs.Status, failure: Failure | None = None) -> None:
        """Note how the run ended; its log is kept if it failed."""
        seconds = (datetime.now(UTC) - self.run.started_at).total_seconds()
        log = self.run.log if status == "failed" else None
        self._replace(status=status, seconds=seconds, failure=failure, log=log)

    def mark_alerted(self) -> None:
        """Note that somebody was told."""
        self._replace(alerted=True)

    def _replace(self, **changes: Any) -> None:  # noqa: ANN401  # whatever a record has
        self.run = msgspec.structs.replace(self.run, **changes)
        runs.write(self.state_dir, self.run)


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
    log, now = runs.log_path(state_dir, run), datetime.now(UTC)
    first = Run(run=run, trigger=trigger, pid=os.getpid(), started_at=now, versions=runs.versions(), log=log)
    recording = Recording(state_dir, first)
    with _logged(log):
        try:
            yield recording
        except KeyboardInterrupt:
            recording.end("stopped")
            raise
        except BaseException as exc:
            logger.debug("A bug of clogs ended the run.", exc_info=True)
            recording.end("failed", Failure(message=f"{type(exc).__name__}, a bug", hint=None, exit_code=1))
            raise
        else:
            failure = next((step.failure for step in recording.run.steps if step.failure), None)
            recording.end("failed" if failure else "done", failure)
        finally:
            if tell and trigger != "hand":
                _tell(recording, tell)
    if recording.run.log is None:
        log.unlink(missing_ok=True)
    runs.forget_old(state_dir)


def _tell(recording: Recording, webhook_url: str) -> None:
    """Tell somebody of the first scheduled run that failed, and of the first that did not after it."""
    ended = (each for each in runs.read(recording.state_dir) if each.run != recording.run.run)
    scheduled = (each for each in ended if each.trigger != "hand" and each.status in {"done", "failed"})
    before = next(scheduled, None)
    told = before is not None and before.status == "failed" and before.alerted
    if recording.run.status == "failed":
        if told or alert(webhook_url, recording.run):
            recording.mark_alerted()
    elif told and recording.run.status == "done":
        alert(webhook_url, recording.run)


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """Write every message to a file, whatever the terminal shows."""
    make_private_dir(path.parent)
    path.touch(mode=0o600)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
