"""What to read, and what a run leaves behind."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from clogs.errors import DataError, SourceError
from clogs.extract.range import Job, Landed, land_range
from clogs.extract.watermark import (
    ExtractState,
    extract_state_path,
    no_documents,
    read_extract_state,
    write_extract_state,
)
from clogs.extract.workers import land_ranges
from clogs.files import sweep_temporary
from clogs.landing.files import identity
from clogs.mongo import KeyRange, Source
from clogs.terminal.text import count

RANGE_DOCUMENTS = 25_000
"""About so many documents are read by one process without looking what the others do."""

COUNTED_AFTER = 2.0
"""Seconds of reading after which it is worth to ask how many documents there are: most runs find few."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to extract.

    Attributes:
        raw_dir: The landing folder.
        dead_letter_dir: Where rejected documents go.
        state_dir: Where the watermark is kept.
        exclude: Dotted paths of fields to leave out.
        batch_size: Documents per batch, at most.
        watermark_field: The Date field that grows as documents arrive.
        lookback: How far behind the watermark each run reads again.
        retry_delays: Waits before each new attempt at a fault that passes by itself.
        max_rejected: The share of a run's documents, 0 to 1, above which the run fails.
        blocking_checks: Names of the checks that a document must pass to be landed.
    """

    raw_dir: Path
    dead_letter_dir: Path
    state_dir: Path
    exclude: Sequence[str]
    batch_size: int
    watermark_field: str
    lookback: timedelta
    retry_delays: Sequence[timedelta]
    max_rejected: float
    blocking_checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which documents to read; by default those from the lookback window on.

    Attributes:
        full_backfill: The whole collection, landed again.
        since: From this moment on, by the watermark field.
        limit: So many documents at most.
        dry_run: Only count them.
    """

    full_backfill: bool = False
    since: datetime | None = None
    limit: int | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractResult:
    """What an extraction did.

    Attributes:
        documents: Read from MongoDB.
        landed: Written to landing files.
        unchanged: Already landed by an earlier run, in the lookback window.
        rejected: Written to the dead letters.
        undated: Landed or rejected ones without a Date in the watermark field.
        files: Landing files written.
        bytes: Their size.
        since: Where reading began, by the watermark field, in UTC; None for the collection's beginning.
        watermark: Where the next run will begin, less the lookback; in UTC.
        dry_run: Nothing was read or written; ``documents`` is what would be read.
        seconds: Wall time.
    """

    documents: int
    landed: int = 0
    unchanged: int = 0
    rejected: int = 0
    undated: int = 0
    files: int = 0
    bytes: int = 0
    since: datetime | None
    watermark: datetime | None
    dry_run: bool = False
    seconds: float = 0.0


def extract(
    source: Source,
    settings: Settings,
    scope: Scope,
    *,
    run: str,
    on_progress: Callable[[int, int | None], None] = lambda _done, _total: None,
) -> ExtractResult:
    """Land the documents that are new or changed. The caller holds the run lock.

    The watermark moves only when every document up to it is durable, and never for a part of the
    collection (``limit``, or ``since`` later than where this run would have begun).

    Args:
        source: The collection.
        settings: How to extract.
        scope: Which documents.
        run: The run's id, part of its files' names.
        on_progress: Called with the documents that are durable so far, and how many there are where that is
            known.

    Raises:
        SourceError: MongoDB cannot be read, or the collection is not there.
        DataError: More documents than allowed were rejected; the others are landed.
        ClogsError: A file cannot be written.
    """
    started = time.perf_counter()
    state_path = extract_state_path(
        settings.state_dir,
        source=source.name,
        watermark_field=settings.watermark_field,
        landing=identity(settings.raw_dir, create=not scope.dry_run),
    )
    state = read_extract_state(state_path)
    since = _start(state, settings, scope)
    _require_collection(source)
    key_range = source.since(settings.watermark_field, since) if since else source.whole()
    if scope.dry_run:
        documents = source.count(key_range.filter(), limit=scope.limit or 0)
        return ExtractResult(documents=documents, since=since, watermark=state.watermark, dry_run=True)
    for folder in (settings.raw_dir, settings.dead_letter_dir, settings.state_dir):
        sweep_temporary(folder)
    job = _job(settings, state, state_path, run, full=since is None, forget=scope.full_backfill)
    landed = _land(source, key_range, job, scope.limit or 0, on_progress)
    if (landed.landed or landed.rejected) and _covers_all_new(state, settings, scope):
        seen = job.seen()
        seen.add(landed.seen)
        state = seen.state(state, landed.extracted_at)
        write_extract_state(state_path, state, source=source.name)
    result = _result(landed, since, state.watermark, time.perf_counter() - started)
    _warn_of_undated(result, settings)
    _check_rejected(result, settings)
    return result


def _job(
    settings: Settings, state: ExtractState, state_path: Path, run: str, *, full: bool, forget: bool
) -> Job:
    return Job(
        raw_dir=settings.raw_dir,
        dead_letter_dir=settings.dead_letter_dir,
        state_path=state_path,
        exclude=tuple(settings.exclude),
        blocking_checks=settings.blocking_checks,
        batch_size=settings.batch_size,
        watermark_field=settings.watermark_field,
        lookback=settings.lookback,
        retry_delays=tuple(settings.retry_delays),
        run=run,
        started=datetime.now(UTC),
        after=state.extracted_at,
        window=no_documents() if forget else state.window,
        undated=not full,
    )


def _land(
    source: Source,
    key_range: KeyRange,
    job: Job,
    limit: int,
    on_progress: Callable[[int, int | None], None],
) -> Landed:
    """Land a range, in parts where it is large."""
    done, expected, started = 0, _expected(source, key_range, limit), time.perf_counter()
    # without an index, the server would look at every document
    is_uncounted = expected is None and key_range.field != "_id"

    def on_documents(documents: int) -> None:
        nonlocal done, expected, is_uncounted
        done += documents
        if is_uncounted and time.perf_counter() - started > COUNTED_AFTER:
            is_uncounted = False
            with suppress(SourceError):  # it is only for the progress that is shown
                expected = source.count(key_range.filter(), limit=limit)
        on_progress(done, expected)

    on_documents(0)
    parts = 1 if limit else (expected or 0) // RANGE_DOCUMENTS
    ranges = source.split(key_range, parts) if parts > 1 else [key_range]
    if len(ranges) > 1:
        return land_ranges(source, ranges, job, on_documents=on_documents)
    return land_range(source, key_range, job, limit=limit, on_documents=on_documents)


def _expected(source: Source, key_range: KeyRange, limit: int) -> int | None:
    """How many documents there are to read, where that can be told without a search."""
    if key_range != source.whole():
        return None
    documents = source.estimated_count()
    return min(documents, limit) if limit else documents


def _result(
    landed: Landed, since: datetime | None, watermark: datetime | None, seconds: float
) -> ExtractResult:
    return ExtractResult(
        documents=landed.documents,
        landed=landed.landed,
        unchanged=landed.unchanged,
        rejected=landed.rejected,
        undated=landed.undated,
        files=landed.files,
        bytes=landed.bytes,
        since=since,
        watermark=watermark,
        seconds=seconds,
    )


def _require_collection(source: Source) -> None:
    if not source.exists():
        raise SourceError(
            f"There is no collection {source.name}.",
            hint="Check mongo.db and mongo.collection (clogs config), or fill it: clogs import ~/.claude",
        )


def _warn_of_undated(result: ExtractResult, settings: Settings) -> None:
    if result.undated:
        logger.warning(
            "%s without a Date in %s: later runs cannot find such documents but by"
            " `clogs extract --full-backfill`, unless pipeline.watermark_field names a better field.",
            count(result.undated, "document"),
            settings.watermark_field,
        )


def _start(state: ExtractState, settings: Settings, scope: Scope) -> datetime | None:
    if scope.full_backfill:
        return None
    if scope.since:
        return scope.since
    return state.start(settings.lookback)


def _covers_all_new(state: ExtractState, settings: Settings, scope: Scope) -> bool:
    if scope.limit:
        return False
    if scope.since is None:
        return True
    start = state.start(settings.lookback)
    return start is not None and scope.since <= start


def _check_rejected(result: ExtractResult, settings: Settings) -> None:
    reasons = "clogs dead-letters list --stage extract"
    if result.rejected > settings.max_rejected * result.documents:
        raise DataError(
            f"{result.rejected:,} of {result.documents:,} documents were rejected, more than the"
            f" {settings.max_rejected:.1%} of quality.max_rejected. The other documents are landed.",
            hint=f"Their reasons: {reasons}",
        )
    if result.rejected:
        logger.warning("%s rejected; the reasons: %s", count(result.rejected, "document"), reasons)
