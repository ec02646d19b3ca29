"""``clogs prune``."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from clogs.commands.output import may_remove
from clogs.commands.session import Flag, Session
from clogs.pipeline.engines import engine_of
from clogs.terminal.text import count, duration, size

if TYPE_CHECKING:
    from clogs.landing.prune import PruneResult


def prune(
    *,
    before: Annotated[datetime, Parameter(metavar="DATE")],
    dry_run: Flag = False,
    yes: Flag = False,
    json: Flag = False,
    session: Session,
) -> None:
    """Remove all days before a date from the landing folder and the warehouse.

    The models are rebuilt without them. What MongoDB still holds of these days comes back
    only with a full backfill, such as a run makes when its change stream is lost.

    Args:
        before: The first day to keep, by the UTC date of documents: 2026-01-01.
        dry_run: Show what would be removed, and remove nothing.
        yes: Do not ask first.
        json: Print the result as one JSON document.
    """
    found = engine_of(session.settings).prune(before=before.date(), dry_run=True)
    what = _summary(found) if found.rows or found.files else ""
    if may_remove(session.terminal, found, what, dry_run=dry_run, yes=yes):
        with session.lock("prune"):
            started = time.perf_counter()
            result = engine_of(session.settings).prune(before=before.date())
        result = replace(result, seconds=time.perf_counter() - started)  # with the models, which follow
        session.terminal.summarize(result, f"{_summary(result)} removed · {duration(result.seconds)}")


def _summary(result: PruneResult) -> str:
    what = f"{count(result.rows, 'row')} and {count(result.files, 'landing file')} ({size(result.bytes)})"
    return f"{what} of {count(result.days, 'day')} before {result.before}"
