"""``clogs extract``."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

from cyclopts import Parameter
from cyclopts.validators import Number

from clogs.commands.follow import Follower, require_alone
from clogs.commands.session import Flag, Session
from clogs.errors import UsageError
from clogs.pipeline import steps
from clogs.report.period import moment
from clogs.runs.records import new_run
from clogs.terminal.text import count, duration, instant, size

if TYPE_CHECKING:
    from clogs.extract import ExtractResult
    from clogs.extract.reconcile import Reconciled

INT64_MAX = 2**63 - 1  # MongoDB takes no larger limit


From = Annotated[
    tuple[Path, ...], Parameter(name="--from", consume_multiple=True, negative="", show_default=False)
]


def extract(
    *,
    from_: From = (),
    full_backfill: Flag = False,
    reconcile: Flag = False,
    since: Annotated[str | None, Parameter(metavar="TIME")] = None,
    limit: Annotated[int | None, Parameter(validator=Number(gte=1, lte=INT64_MAX), metavar="N")] = None,
    dry_run: Flag = False,
    follow: Flag = False,
    json: Flag = False,
    session: Session,
) -> None:
    """Read new documents of the MongoDB collection, or of transcripts, into Parquet files.

    What changed since the last run is read from the collection's change stream, where
    there is one. Without one, reading begins at the watermark, where the last run ended,
    less the lookback. What has landed and not changed is not landed again. The first run reads
    everything.

    Args:
        from_: Read transcripts in place of MongoDB: Claude Code's folder (~/.claude), a project or a file.
        full_backfill: Read the whole collection again.
        reconcile: Compare the collection with what has landed, too, and read again what differs.
        since: Read from then on: yesterday, monday, 7d, 12h, 2026-11-01 or 2026-11-01T08:00, in the time
            zone of the settings (transform.timezone).
        limit: Read at most this many documents; the watermark stays where it is.
        dry_run: Show how many documents would be read, and write nothing.
        follow: Stay until Ctrl-C, and land what is new every few seconds.
        json: Print the result as one JSON document.
    """
    alone = {
        "--full-backfill": full_backfill,
        "--reconcile": reconcile,
        "--since": since,
        "--limit": limit,
        "--dry-run": dry_run,
        "--json": json,
    }
    require_alone(follow=follow, every=None, options=alone)
    if full_backfill and since:
        raise UsageError("--full-backfill and --since contradict each other.", hint="Give one of them.")
    if reconcile and (since or limit or dry_run):
        raise UsageError(
            "--reconcile compares the whole collection.", hint="Leave out --since, --limit and --dry-run."
        )
    session.read_from(from_)
    settings = session.settings
    if settings.source.paths and (reconcile or since or limit):
        raise UsageError(
            "--reconcile, --since and --limit are for MongoDB only.", hint="Leave them out for transcripts."
        )
    here = datetime.now(ZoneInfo(settings.transform.timezone))
    start = moment(since, here).astimezone(UTC) if since else None
    if follow:
        Follower(session, summary).run()
    lock = nullcontext() if dry_run else session.lock("extract")
    with lock, session.terminal.progress("extract") as progress:
        result = steps.extract(
            settings,
            run=new_run(),
            full_backfill=full_backfill,
            since=start,
            limit=limit,
            dry_run=dry_run,
            reconcile=reconcile,
            retry_connect=session.trigger != "hand",
            confirm=session.confirm_reading,
            on_progress=progress,
        )
    of_transcripts = bool(settings.source.paths)
    text = summary(result)
    if result.dry_run and of_transcripts:
        text = f"{count(result.documents, 'document')} would be read."
    elif not result.dry_run:
        text += f" · {duration(result.seconds)}"
        text += "" if of_transcripts else f"\nWatermark: {instant(result.watermark)}"
    session.terminal.summarize(result, text)


def summary(result: ExtractResult) -> str:
    """An extraction in a line."""
    documents = count(result.documents, "document")
    if result.dry_run:
        is_resumed = result.source_mode == "change_stream"
        beginning = "where the last run ended" if is_resumed else "the collection's beginning"
        origin = f"from {instant(result.since)} on" if result.since else f"from {beginning}"
        return f"{documents} would be read, {origin}."
    parts = [f"{documents} read"] if result.documents else []
    if result.landed:
        parts.append(f"{result.landed:,} landed in {count(result.files, 'file')} ({size(result.bytes)})")
    if result.unchanged:
        parts.append(f"{result.unchanged:,} unchanged")
    if result.rejected:
        parts.append(f"{result.rejected:,} rejected")
    if result.deleted:
        parts.append(f"{result.deleted:,} deleted in the source")
    parts = parts or ["nothing new"]
    if result.reconciled:
        parts.append(reconciled(result.reconciled))
    return " · ".join(parts)


def reconciled(found: Reconciled) -> str:
    """A reconciliation in a line."""
    parts = [f"reconciled {count(found.source, 'document')}", f"{found.missing:,} missing"]
    if found.gone:
        parts.append(f"{found.gone:,} deleted there")
    parts.append(f"{found.documents:,} read again")
    if found.rejected:
        parts.append(f"{found.rejected:,} rejected")
    return " · ".join(parts)
