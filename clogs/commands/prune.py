"""``clogs prune``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from clogs.commands.session import Flag, Given
from clogs.pipeline import steps
from clogs.runs.lock import run_lock
from clogs.terminal.text import count, duration, size

if TYPE_CHECKING:
    from clogs.landing.prune import PruneResult


def prune(
    *, before: datetime, dry_run: Flag = False, yes: Flag = False, json: Flag = False, session: Given
) -> None:
    """Remove all days before a date from the landing folder and the warehouse.

    The models are built again without them. What MongoDB still holds of these days
    comes back with a full backfill only.

    Args:
        before: The first day to stay, by the UTC date of documents: 2026-01-01.
        dry_run: Say what would be removed, and remove nothing.
        yes: Do not ask first.
        json: Print the result as one JSON document.
    """
    settings, terminal = session.settings, session.terminal
    found = steps.prune(settings, before=before.date(), dry_run=True)
    if not (found.rows or found.files):
        terminal.summarize(found, "Nothing to remove.")
    elif dry_run:
        terminal.summarize(found, f"{_said(found)} would be removed.")
    elif not yes and not terminal.confirm(f"Remove {_said(found)} for good?"):
        terminal.summarize(found, "Nothing was removed.")
    else:
        with run_lock(settings.data.state_dir, command="prune"):
            result = steps.prune(settings, before=before.date())
        terminal.summarize(result, f"{_said(result)} removed · {duration(result.seconds)}")


def _said(result: PruneResult) -> str:
    what = f"{count(result.rows, 'row')} and {count(result.files, 'landing file')} ({size(result.bytes)})"
    return f"{what} of {count(result.days, 'day')} before {result.before}"
