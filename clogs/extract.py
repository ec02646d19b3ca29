"""MongoDB → Parquet: read from the watermark on, flatten, land, and only then move the watermark."""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_chain, wait_fixed

from clogs import dead_letters
from clogs.dead_letters import DeadLetter
from clogs.errors import DataError, SourceError, TransientSourceError
from clogs.files import sweep_temporary
from clogs.flatten import flatten
from clogs.landing import identity, land
from clogs.mongo import Document, Source, decode, extended_json, field_at, id_text, split
from clogs.state import (
    Advance,
    ExtractState,
    digest_of,
    extract_state_path,
    mark_landing,
    read_extract_state,
    write_extract_state,
)
from clogs.wording import count

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
        on_progress: Called with the documents read so far.

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
    query = {settings.watermark_field: {"$gte": since}} if since else {}
    if scope.dry_run:
        documents = source.count(query, limit=scope.limit or 0)
        _require_collection(source, documents)
        return ExtractResult(documents=documents, since=since, watermark=state.watermark, dry_run=True)
    for folder in (settings.raw_dir, settings.dead_letter_dir, settings.state_dir):
        sweep_temporary(folder)
    advance = Advance(state, lookback=settings.lookback, forget=scope.full_backfill)
    done = _Pass(settings, advance, state_path, run)
    batches = partial(
        source.raw_batches,
        query,
        exclude=settings.exclude,
        batch_size=settings.batch_size,
        limit=scope.limit or 0,
    )
    _read(batches, settings.retry_delays, done, on_progress)
    _require_collection(source, done.documents)
    if _covers_all_new(state, settings, scope):
        state = advance.state()
        write_extract_state(state_path, state, source=source.name)
    result = done.result(since, state.watermark, time.perf_counter() - started)
    _warn_of_undated(result, settings)
    _check_rejected(result, settings)
    return result


def _read(
    batches: Callable[[], Iterator[bytes]],
    retry_delays: Sequence[timedelta],
    done: _Pass,
    on_progress: Callable[[int, int | None], None],
) -> None:
    """Take every batch, again from the first after a fault that passes by itself."""
    for attempt in _attempts(retry_delays):
        with attempt:
            done.documents = done.unchanged = 0
            for batch in batches():
                done.take(batch)
                on_progress(done.documents, None)


def _require_collection(source: Source, documents: int) -> None:
    if not documents and not source.exists():
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
    return state.watermark - settings.lookback if state.watermark else None


def _covers_all_new(state: ExtractState, settings: Settings, scope: Scope) -> bool:
    if scope.limit:
        return False
    if scope.since is None:
        return True
    return state.watermark is not None and scope.since <= state.watermark - settings.lookback


def _attempts(retry_delays: Sequence[timedelta]) -> Retrying:
    delays = [delay.total_seconds() for delay in retry_delays]
    return Retrying(
        retry=retry_if_exception_type(TransientSourceError),
        stop=stop_after_attempt(len(delays) + 1),
        wait=wait_chain(*map(wait_fixed, delays)) if delays else wait_fixed(0),
        reraise=True,
    )


def _check_rejected(result: ExtractResult, settings: Settings) -> None:
    if result.rejected > settings.max_rejected * result.documents:
        raise DataError(
            f"{result.rejected:,} of {result.documents:,} documents were rejected, more than the"
            f" {settings.max_rejected:.1%} of quality.max_rejected. The other documents are landed.",
            hint=f"Their reasons stand in {settings.dead_letter_dir}",
        )


class _Pass:
    """One pass over the cursor: counts, and makes durable what is new."""

    def __init__(self, settings: Settings, advance: Advance, state_path: Path, run: str) -> None:
        self._settings = settings
        self._advance = advance
        self._state_path = state_path
        self._run = run
        self.documents = self.landed = self.unchanged = self.rejected = self.undated = 0
        self.files: list[Path] = []

    def result(self, since: datetime | None, watermark: datetime | None, seconds: float) -> ExtractResult:
        """What was done."""
        return ExtractResult(
            documents=self.documents,
            landed=self.landed,
            unchanged=self.unchanged,
            rejected=self.rejected,
            undated=self.undated,
            files=len(self.files),
            bytes=sum(file.stat().st_size for file in self.files),
            since=since,
            watermark=watermark,
            seconds=seconds,
        )

    def take(self, batch: bytes) -> None:
        """Land what is new in a batch, or write it to the dead letters."""
        raws = split(batch)
        fresh = {digest: raw for raw in raws if not self._advance.is_known(digest := digest_of(raw))}
        self.documents += len(raws)
        self.unchanged += len(raws) - len(fresh)
        if not fresh:
            return
        mark_landing(self._state_path)
        decoded = [decode(raw) for raw in fresh.values()]
        self._land(list(fresh.values()), decoded)
        field = self._settings.watermark_field
        moments = [None if isinstance(document, str) else field_at(document, field) for document in decoded]
        self._advance.durable(list(fresh), moments)
        self.undated += sum(not isinstance(moment, datetime) for moment in moments)

    def _land(self, raws: Sequence[bytes], decoded: Sequence[Document | str]) -> None:
        reasons = {row: [reason] for row, reason in enumerate(decoded) if isinstance(reason, str)}
        rows = [row for row in range(len(raws)) if row not in reasons]
        extracted_at = self._advance.tick()
        flattened = flatten(
            [document for document in decoded if not isinstance(document, str)],
            extracted_at=extracted_at,
            exclude=self._settings.exclude,
        )
        reasons |= {rows[place]: why for place, why in flattened.misfits.items()}
        name = f"{self._run}_{len(self.files):05}"
        self.files += land(flattened.frame, self._settings.raw_dir, name=name)
        letters = [self._letter(raws[row], why, extracted_at) for row, why in reasons.items()]
        dead_letters.write(self._settings.dead_letter_dir, letters)
        self.landed += flattened.frame.height
        self.rejected += len(letters)

    def _letter(self, raw: bytes, reasons: Sequence[str], at: datetime) -> DeadLetter:
        document = decode(raw)
        whole = base64.b64encode(raw).decode() if isinstance(document, str) else extended_json(document)
        source = "unreadable BSON" if isinstance(document, str) else id_text(document.get("_id"))
        return DeadLetter(
            stage="extract", source=source, reasons=tuple(reasons), document=whole, run=self._run, at=at
        )
