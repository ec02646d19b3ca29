"""What to read, and what a run leaves behind."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Literal

from clogs import dead_letters
from clogs.dead_letters import Stage
from clogs.errors import LostChangesError
from clogs.extract.changes import land_changes, open_changes, replies
from clogs.extract.parts import LandRanges, land_parts
from clogs.extract.range import ExtractCounts, ExtractJob
from clogs.extract.reconcile import Reconciled, reconcile
from clogs.extract.same_source import ANOTHER, Confirm, state_of
from clogs.extract.watermark import (
    ExtractState,
    extract_state_path,
    no_documents,
    read_extract_state,
    write_extract_state,
)
from clogs.extract.workers import land_ranges
from clogs.files import reading
from clogs.landing.files import identity
from clogs.landing.place import sweep
from clogs.mongo import Changes, Source
from clogs.terminal.progress import Progress, no_progress
from clogs.terminal.text import count

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractResult(ExtractCounts):
    """What an extraction did.

    Attributes:
        since: Where reading began, by the watermark field, in UTC; None for the collection's beginning.
        watermark: Where the next run will begin, less the lookback; in UTC.
        source_mode: What found the documents.
        deleted: Documents deleted in the collection, as its change stream says; they stay in the landing.
        reconciled: What a reconciliation found and read again after that, counted apart.
        dry_run: Nothing was written; ``documents`` is what would be read.
        seconds: Wall time.
    """

    since: datetime | None
    watermark: datetime | None
    source_mode: Literal["change_stream", "watermark"] = "watermark"
    deleted: int = 0
    reconciled: Reconciled | None = None
    dry_run: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a run is to read; see `extract`."""

    full_backfill: bool
    since: datetime | None
    limit: int
    dry_run: bool

    @property
    def is_part(self) -> bool:
        """Whether it says nothing about changes."""
        return bool(self.since or self.limit)


def extract(
    source: Source,
    job: ExtractJob,
    *,
    full_backfill: bool = False,
    since: datetime | None = None,
    limit: int | None = None,
    dry_run: bool = False,
    reconcile_days: int | None = None,
    confirm: Confirm | None = None,
    land_ranges: LandRanges = land_ranges,
    on_progress: Progress = no_progress,
) -> ExtractResult:
    """Land the documents that are new or changed. The caller holds the run lock.

    They are found by the change stream where there is one, else by the watermark. The watermark moves only
    when every document up to it is durable, and never for a part of the collection (``limit``, or ``since``
    later than where this run would have begun). A stream's first token is taken before anything is read.
    Of a large collection, ranges are read by ``land_ranges``.

    With ``reconcile_days``, the collection is reconciled afterwards, see `clogs.extract.reconcile`.

    Raises:
        SourceError: MongoDB cannot be read, or the collection does not exist.
        UsageError: It may be another collection than before, and ``confirm`` can ask nobody.
        DataError: More documents than allowed were rejected; the others are landed.
        ClogsError: A file cannot be written.
    """
    clock = time.perf_counter()
    known = _last_state(source, job, create=not dry_run)
    before = state_of(source, known, None if full_backfill else confirm)
    asked = _Asked(full_backfill, since, limit or 0, dry_run)
    is_another = bool(known.token) and not (before.token or full_backfill or asked.is_part)
    if is_another:  # the stream still has what became of the one before
        before = replace(before, token=known.token)
    if not dry_run:
        for folder in (job.raw_dir, job.dead_letter_dir, job.state_dir):
            sweep(folder)
    try:
        result = _extract_new(
            source,
            job,
            before,
            asked,
            is_another=is_another,
            land_ranges=land_ranges,
            on_progress=on_progress,
        )
    except LostChangesError as error:
        # What changed since then can have any date.
        logger.warning("%s The whole collection is read again.", error)
        return extract(
            source,
            job,
            full_backfill=True,
            dry_run=dry_run,
            reconcile_days=reconcile_days,
            land_ranges=land_ranges,
            on_progress=on_progress,
        )
    if dry_run:
        return result
    if reconcile_days:
        state = read_extract_state(before.path)
        found = reconcile(source, job, state, days=reconcile_days, on_progress=on_progress)
        result = replace(result, reconciled=found)
        warn(found, job, stage="extract", documents=found.source)
    result = replace(result, seconds=time.perf_counter() - clock)
    warn(result, job, stage="extract")
    return result


def _last_state(source: Source, job: ExtractJob, *, create: bool) -> ExtractState:
    """What the last run has left for this source and this landing, which is created if it may be."""
    with reading(str(job.raw_dir)):
        landing = identity(job.raw_dir, create=create)
    path = extract_state_path(
        job.state_dir,
        source=source.address.namespace,
        watermark_field=job.watermark_field,
        landing=landing,
    )
    return read_extract_state(path)


def _extract_new(
    source: Source,
    job: ExtractJob,
    before: ExtractState,
    asked: _Asked,
    *,
    is_another: bool,
    land_ranges: LandRanges,
    on_progress: Progress,
) -> ExtractResult:
    """Land what is new, as the change stream or the watermark finds it.

    Raises:
        LostChangesError: The collection has to be read whole. What the stream still had is landed.
    """
    resumed = replace(before, token=None) if asked.full_backfill else before
    changes = None if asked.is_part else open_changes(source, job, resumed)
    if is_another and not changes:
        logger.warning(ANOTHER, source.name)
    if changes and resumed.token:
        result = _extract_changes(changes, job, before, dry_run=asked.dry_run, on_progress=on_progress)
        if is_another:
            raise LostChangesError(f"{source.name} is another collection than the one read before.")
        return result
    token = changes.token if changes else before.token if asked.is_part else None
    return _extract_range(
        source, job, before, asked, token=token, land_ranges=land_ranges, on_progress=on_progress
    )


def _extract_changes(
    changes: Changes,
    job: ExtractJob,
    before: ExtractState,
    *,
    dry_run: bool,
    on_progress: Progress,
) -> ExtractResult:
    """Land what the change stream brings."""
    if dry_run:
        found = sum(len(reply.raw) for reply in replies(changes, job))
        counts, state = ExtractCounts(documents=found), before
    else:
        counts, state = land_changes(changes, job, before, on_progress=on_progress)
    if not dry_run and state.token != before.token:
        write_extract_state(state)
    return ExtractResult(
        **asdict(counts),
        since=None,
        watermark=state.watermark,
        source_mode="change_stream",
        deleted=changes.deleted,
        dry_run=dry_run,
    )


def _extract_range(
    source: Source,
    job: ExtractJob,
    before: ExtractState,
    asked: _Asked,
    *,
    token: str | None,
    land_ranges: LandRanges,
    on_progress: Progress,
) -> ExtractResult:
    """Land what the watermark finds, or a part of it; ``token`` is where the change stream goes on then."""
    window_start, since = before.start(job.lookback), asked.since
    start = None if asked.full_backfill else since or _start(source, before, job)
    covers_all_new = not asked.limit and (
        since is None or (window_start is not None and since <= window_start)
    )
    key_range = source.since(job.watermark_field, start) if start else source.whole()
    if asked.dry_run:
        documents = source.count(key_range.filter(), limit=asked.limit)
        return ExtractResult(documents=documents, since=start, watermark=before.watermark, dry_run=True)
    if asked.full_backfill:
        before = replace(before, window=no_documents())
    until = job.started if covers_all_new else None
    counts, state = land_parts(
        source,
        key_range,
        job,
        before,
        until=until,
        limit=asked.limit,
        land_ranges=land_ranges,
        on_progress=on_progress,
    )
    if covers_all_new and start != before.watermark:
        state = state.settled(job.started, job.lookback)
    state = replace(state, token=token)
    if counts.landed or counts.rejected or (state.is_settled, token) != (before.is_settled, before.token):
        write_extract_state(state)
    if token:  # later runs find documents without a Date all the same
        counts = replace(counts, undated=0)
    return ExtractResult(**asdict(counts), since=start, watermark=state.watermark)


def _start(source: Source, before: ExtractState, job: ExtractJob) -> datetime | None:
    """Where to begin: at the lookback window, or at the watermark where neither has anything new.

    At the watermark, all documents are read and compared: one of them can have changed.
    """
    if before.is_settled and before.watermark:
        newest = source.since(job.watermark_field, before.watermark)
        if source.count(newest.filter(), limit=before.ties + 1) <= before.ties:
            return before.watermark
    return before.start(job.lookback)


def warn(result: ExtractCounts, job: ExtractJob, *, stage: Stage, documents: int | None = None) -> None:
    """Report what was not landed; raises a `DataError` if that is more than allowed of all that was read.

    Where some of the collection was read again, that is judged by the `documents` of all of it.
    """
    if result.undated:
        logger.warning(
            "%s without a Date in %s: later runs find these documents only by --reconcile or"
            " --full-backfill, unless pipeline.watermark_field names a better field.",
            count(result.undated, "document"),
            job.watermark_field,
        )
    dead_letters.judge(
        result.rejected,
        documents or result.documents,
        stage=stage,
        noun="document",
        kept="landed",
        max_rejected=job.max_rejected,
    )
