"""Progress: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from clogs.terminal.text import duration

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Task

Progress = Callable[[int, int | None], None]
"""Called with how much is done and, where known, how much there is."""

LINE_EVERY = 10.0  # seconds
FORESEEABLE = 0.1
"""The share that has to be done before its speed says when the rest will be."""
BAR_WIDTH = 24
LEAST_WIDTH = 8
ROOM_FOR_NUMBERS = 72
"""Columns of a terminal; a narrow one has no bar."""
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


def progress_text(label: str, done: int, total: int | None, seconds: float) -> str:
    """``1,200 of 14,109 documents · 32.3 s left · 400/s``: no time left too early, no speed below one."""
    of = f" of {total:,}" if total else ""
    parts = [f"{done:,}{of} {UNITS.get(label, '')}".rstrip()]
    if total and FORESEEABLE * total <= done < total:
        parts.append(f"{duration((total - done) * seconds / done)} left")
    if seconds and done >= seconds:
        parts.append(f"{done / seconds:,.0f}/s")
    return " · ".join(parts)


class ProgressDisplay:
    """What progress is shown on; this one shows nothing."""

    def begin(self, label: str) -> None:
        """Start another step."""

    def __call__(self, done: int, total: int | None) -> None:
        """Show how much is done and, where known, how much there is."""

    def end(self, outcome: RenderableType) -> None:
        """Show what the step did, until this is closed."""

    def close(self, *, keep: bool = False) -> None:
        """Remove what is shown; `keep` leaves the steps that have ended."""


class ProgressLines(ProgressDisplay):
    """A line every ten seconds, so none for a step that is faster."""

    def __init__(
        self, say: Callable[[str], None], label: str, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._say = say
        self._now = now
        self.begin(label)

    def begin(self, label: str) -> None:
        """Start another step."""
        self._label = label
        self._began = self._said = self._now()

    def __call__(self, done: int, total: int | None) -> None:
        """Print a line, if ten seconds have passed."""
        now = self._now()
        if now - self._said >= LINE_EVERY:
            self._said = now
            self._say(f"{self._label}: {progress_text(self._label, done, total, now - self._began)}")


class ProgressBar(ProgressDisplay):
    """The steps that have ended, and a bar with the count, the rate and the time left of the present one."""

    def __init__(self, console: Console, label: str) -> None:
        from rich import progress as rich_progress
        from rich.text import Text

        ended: list[RenderableType] = []

        class Numbers(rich_progress.ProgressColumn):
            def render(self, task: Task) -> Text:
                total = None if task.total is None else int(task.total)
                if not (total or task.completed):
                    return Text()
                text = progress_text(task.description, int(task.completed), total, task.elapsed or 0)
                return Text(text, no_wrap=True, overflow="ellipsis")

        class Steps(rich_progress.Progress):
            def get_renderables(self) -> Iterable[RenderableType]:
                yield from ended
                yield from super().get_renderables()

        self._ended = ended
        width = min(BAR_WIDTH, console.width - ROOM_FOR_NUMBERS)
        bar = [rich_progress.BarColumn(bar_width=width)] if width >= LEAST_WIDTH else []
        columns = (rich_progress.TextColumn("   {task.description:9}"), *bar, Numbers())
        self._rich = Steps(*columns, console=console, transient=True, redirect_stdout=False)
        self.begin(label)
        self._rich.start()

    def begin(self, label: str) -> None:
        """Start another step, with a bar of its own."""
        self._remove()
        self._task = self._rich.add_task(label, total=None)

    def __call__(self, done: int, total: int | None) -> None:
        """Move the bar."""
        self._rich.update(self._task, completed=done, total=total)

    def end(self, outcome: RenderableType) -> None:
        """Show what the step did in place of its bar."""
        self._ended.append(outcome)
        self._remove()

    def close(self, *, keep: bool = False) -> None:
        """Remove the bar and, unless they are to be kept, the steps above it."""
        self._rich.live.transient = not (keep and self._ended)
        self._remove()
        self._rich.stop()

    def _remove(self) -> None:
        for task in self._rich.task_ids:
            self._rich.remove_task(task)
