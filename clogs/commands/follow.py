"""``--follow``: rounds without end, each as a run from cron would be."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn

from clogs.commands.session import Session
from clogs.errors import DataError, LockedError, UnavailableError, UsageError
from clogs.pipeline import steps
from clogs.runs.records import new_run
from clogs.runs.signals import was_stopped
from clogs.schedule.entries import clogs_words
from clogs.terminal.text import duration

if TYPE_CHECKING:
    from clogs.extract import ExtractResult

LAND_EVERY = 5.0
"""Seconds between two rounds of landing, at least."""


class Follower:
    """Goes on after faults that may pass, and says each of them once."""

    def __init__(self, session: Session, summary: Callable[[ExtractResult], str]) -> None:
        self._session = session
        self._summary = summary
        self._fault: str | None = None

    def run(self, every: timedelta = timedelta.max, command: Sequence[str] = ()) -> NoReturn:
        """Land what is new, and run a command on what has landed at an interval, until a signal comes.

        The lock is held while a round lasts.
        """
        is_due, due = bool(command), time.monotonic()
        while True:
            began = time.monotonic()
            with self._surviving():
                is_due |= self._land()
            is_due |= self._fault is not None  # so that a fault that stays is recorded, and alerts
            if command and is_due and time.monotonic() >= due:
                is_due = self._run(command) != 0
                due = time.monotonic() + every.total_seconds()
            time.sleep(max(0.0, began + LAND_EVERY - time.monotonic()))

    def _run(self, command: Sequence[str]) -> int:
        """Run a command of clogs in a process of its own: with each transform, SQLMesh keeps some 30 MB."""
        words = clogs_words(program=sys.argv[0], config=self._session.loaded.file)
        began = time.monotonic()
        with subprocess.Popen([*words, "--quiet", *command], stdin=subprocess.DEVNULL) as running:  # noqa: S603
            try:
                code = running.wait()
            except KeyboardInterrupt:
                running.terminate()
                raise
        ended = "done" if code == 0 else f"ended with exit code {code}"
        self._session.terminal.say(f"{command[0]}: {ended} in {duration(time.monotonic() - began)}")
        return code

    def _land(self) -> bool:
        """Extract as a run of its own, and return whether anything was landed."""
        with self._session.lock("extract"):
            result = steps.extract(self._session.settings, run=new_run())
        if result.landed or result.rejected or result.deleted:
            self._session.terminal.say(f"extract: {self._summary(result)}")
        return bool(result.landed)

    @contextmanager
    def _surviving(self) -> Iterator[None]:
        try:
            yield
        except (DataError, LockedError, UnavailableError) as error:
            if was_stopped():
                raise
            if error.message != self._fault:
                self._session.terminal.fail(error)
            self._fault = error.message
        else:
            self._fault = None


def require_alone(*, follow: bool, every: timedelta | None, options: Mapping[str, object]) -> None:
    """Refuse what contradicts ``--follow``.

    Raises:
        UsageError: One of the options is given.
    """
    if every is not None and not follow:
        raise UsageError("--every is for --follow.", hint="Add --follow, or leave out --every.")
    if every is not None and every <= timedelta(0):
        raise UsageError("--every is too short.", hint="Give an interval such as 30s, 1m or 1h.")
    given = [name for name, value in options.items() if follow and value]
    if given:
        raise UsageError(f"--follow and {given[0]} contradict each other.", hint="Give one of them.")
