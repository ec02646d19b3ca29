"""``clogs extract``."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from clogs.commands.output import extracted
from clogs.commands.session import Flag, Given
from clogs.errors import UsageError
from clogs.pipeline import steps
from clogs.runs.lock import run_lock
from clogs.runs.records import new_run
from clogs.terminal.text import duration, instant

MOST_DOCUMENTS = 2**63 - 1
"""As many as MongoDB can count."""


def extract(
    *,
    full_backfill: Flag = False,
    since: datetime | None = None,
    limit: Annotated[int | None, Parameter(validator=Number(gte=1, lte=MOST_DOCUMENTS))] = None,
    dry_run: Flag = False,
    json: Flag = False,
    session: Given,
) -> None:
    """Read what is new in the MongoDB collection into Parquet files.

    Reading begins a lookback behind the watermark, where the last run ended; what
    is landed already and unchanged is not landed again. The first run reads
    everything.

    Args:
        full_backfill: Read the whole collection again.
        since: Read from this moment on: 2026-11-01 or 2026-11-01T08:00:00+01:00; without a zone it is UTC.
        limit: Read so many documents at most; the watermark stays where it is.
        dry_run: Say how many documents would be read, and write nothing.
        json: Print the result as one JSON document.
    """
    if full_backfill and since:
        raise UsageError("--full-backfill and --since contradict each other.", hint="Give one of them.")
    if since:
        try:
            since = (since if since.tzinfo else since.replace(tzinfo=UTC)).astimezone(UTC)
        except OverflowError:
            raise UsageError("--since is no moment in UTC.", hint="Give one from year 1 to 9999.") from None
    settings, terminal = session.settings, session.terminal
    lock = nullcontext() if dry_run else run_lock(settings.data.state_dir, command="extract")
    with lock, terminal.progress("extract") as progress:
        result = steps.extract(
            settings,
            run=new_run(),
            full_backfill=full_backfill,
            since=since,
            limit=limit,
            dry_run=dry_run,
            on_progress=progress,
        )
    if result.dry_run:
        origin = f"from {instant(result.since)} on" if result.since else "from the collection's beginning"
        terminal.summarize(result, f"{extracted(result)}, {origin}.")
    else:
        text = f"{extracted(result)} · {duration(result.seconds)}\nWatermark: {instant(result.watermark)}"
        terminal.summarize(result, text)
