"""Progress: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from clogs.terminal.text import duration

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Task
    from rich.text import Text

Progress = Callable[[int, int | None], None]
"""Called with how much is done and, where known, how much there is."""

LINE_EVERY = 10.0  # seconds
UNITS = {
    "extract": "documents",
    "import": "files",
    "load": "files",
    "transform": "models",
    "validate": "suites",
    "compact": "days",
}


def no_progress(_done: int, _total: int | None) -> None:
    """Report to nobody."""


class ProgressDisplay:
    """What progress is shown on; this one shows nothing."""

    def begin(self, label: str) -> None:
        """Start over with another step."""

    def __call__(self, done: int, total: int | None) -> None:
        """Show how much is done and, where known, how much there is."""

    def close(self) -> None:
        """Remove what is shown."""


class ProgressLines(ProgressDisplay):
    """A line every ten seconds, so none for a step that is faster."""

    def __init__(
        self, say: Callable[[str], None], label: str, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._say = say
        self._now = now
        self.begin(label)

    def begin(self, label: str) -> None:
        """Start over with another step."""
        self._label = label
        self._began = self._said = self._now()

    def __call__(self, done: int, total: int | None) -> None:
        """Print a line, if ten seconds have passed."""
        now = self._now()
        if now - self._said < LINE_EVERY:
            return
        self._said = now
        rate = done / (now - self._began)
        of = f" of {total:,}" if total else ""
        parts = [f"{self._label}: {done:,}{of} {UNITS.get(self._label, '')}".rstrip(), f"{rate:,.0f}/s"]
        if total and rate:
            parts.append(f"{duration(max(0, total - done) / rate)} left")
        self._say(" · ".join(parts))


class ProgressBar(ProgressDisplay):
    """A bar with the count, the rate and the time left, gone when it is closed."""

    def __init__(self, console: Console, label: str) -> None:
        from rich import progress as rich_progress
        from rich.text import Text as RichText

        class RateColumn(rich_progress.ProgressColumn):
            def render(self, task: Task) -> Text:
                speed = task.finished_speed or task.speed
                return RichText(f"{speed:,.0f}/s" if speed else "", style="progress.data.speed")

        self._rich = rich_progress.Progress(
            rich_progress.TextColumn("{task.description}"),
            rich_progress.BarColumn(),
            rich_progress.MofNCompleteColumn(),
            rich_progress.TextColumn("{task.fields[unit]}"),
            RateColumn(),
            rich_progress.TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            transient=True,
        )
        self._task = self._rich.add_task(label, total=None, unit=UNITS.get(label, ""))
        self._rich.start()

    def begin(self, label: str) -> None:
        """Start over with another step."""
        self._rich.reset(self._task, description=label, total=None, unit=UNITS.get(label, ""))

    def __call__(self, done: int, total: int | None) -> None:
        """Move the bar."""
        self._rich.update(self._task, completed=done, total=total)

    def close(self) -> None:
        """Remove the bar."""
        self._rich.stop()
