"""``clogs compact``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clogs.commands.session import Flag, Session
from clogs.pipeline.engines import engine_of
from clogs.runs.records import new_run
from clogs.terminal.text import count, duration, size

if TYPE_CHECKING:
    from clogs.landing.compact import CompactResult


def compact(*, json: Flag = False, session: Session) -> None:
    """Merge small landing files of past days that are loaded, into one per day.

    Hourly runs leave many of them. The pipeline merges them, too, once a day has
    enough to make it worthwhile. Only the newest version of a document is kept.

    Args:
        json: Print the result as one JSON document.
    """
    with session.run("compact") as progress:
        result = engine_of(session.settings).compact(run=new_run(), on_progress=progress)
    session.terminal.summarize(result, f"{summary(result)} · {duration(result.seconds)}")


def summary(result: CompactResult) -> str:
    """A compaction in a line."""
    if not result.merged:
        return "nothing to merge"
    of_days = f" of {count(result.days, 'day')}" if result.days else ""
    merged = f"{count(result.merged, 'file')}{of_days} merged into {result.files:,}"
    return f"{merged} ({size(result.bytes_before)} → {size(result.bytes_after)})"
