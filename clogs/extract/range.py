"""One range of a collection, landed batch by batch."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import polars as pl

from clogs import dead_letters
from clogs.dead_letters import DeadLetter, Encoding
from clogs.extract.flatten import batch_of
from clogs.extract.screen import take
from clogs.extract.watermark import (
    WINDOW_SCHEMA,
    Seen,
    known,
    mark_landing,
    no_documents,
    version_of,
    versions_of,
)
from clogs.landing.files import land
from clogs.mongo import (
    Broken,
    Document,
    KeyRange,
    Reading,
    Reply,
    Source,
    extended_json,
    field_at,
    id_text,
    milliseconds,
)
from clogs.mongo.retries import retrying

BATCH_BYTES = 8 * 1024 * 1024
"""Of a batch's rows in memory: it ends when it is larger, also before it has ``batch_size`` documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What all ranges of a run have in common. It can be sent to another process.

    Attributes:
        raw_dir: The landing folder.
        dead_letter_dir: Where rejected documents go.
        state_path: The state's file, to be marked before anything is landed.
        exclude: Dotted paths of fields to leave out.
        blocking_checks: Names of the checks that a document must pass.
        batch_size: Documents per batch, at most.
        watermark_field: The Date field that grows as documents arrive.
        lookback: How far behind the watermark the next run reads again.
        retry_delays: Waits before each new attempt at a fault that passes by itself.
        run: The run's id, part of its files' names.
        started: When the run began, in UTC.
        after: What ``extracted_at`` must be later than, in UTC.
        window: The documents that are durable already, by `WINDOW_SCHEMA`.
        undated: Documents without a single Date in the watermark field are found by the next run, too.
    """

    raw_dir: Path
    dead_letter_dir: Path
    state_path: Path
    exclude: Sequence[str]
    blocking_checks: tuple[str, ...]
    batch_size: int
    watermark_field: str
    lookback: timedelta
    retry_delays: Sequence[timedelta]
    run: str
    started: datetime
    after: datetime | None
    window: pl.DataFrame
    undated: bool

    def seen(self) -> Seen:
        """Nothing seen yet."""
        return Seen(started=self.started, lookback=self.lookback, undated=self.undated)


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """What became of documents.

    Attributes:
        documents: Read.
        landed: Written to landing files.
        unchanged: Durable already, by an earlier run.
        rejected: Written to the dead letters.
        undated: Landed or rejected ones without a Date in the watermark field.
        files: Landing files written.
        bytes: Their size.
        extracted_at: When the newest batch that was written was read, by this run or an earlier one, in UTC.
        seen: Those that the next run may read again, by `WINDOW_SCHEMA`.
    """

    documents: int = 0
    landed: int = 0
    unchanged: int = 0
    rejected: int = 0
    undated: int = 0
    files: int = 0
    bytes: int = 0
    extracted_at: datetime | None = None
    seen: pl.DataFrame = field(default_factory=no_documents)

    def plus(self, other: Landed) -> Landed:
        """Both together, without what was seen."""
        counts = ("documents", "landed", "unchanged", "rejected", "undated", "files", "bytes")
        moments = [each for each in (self.extracted_at, other.extracted_at) if each]
        sums = {name: getattr(self, name) + getattr(other, name) for name in counts}
        return replace(self, **sums, extracted_at=max(moments, default=None), seen=no_documents())


def land_range(
    source: Source,
    key_range: KeyRange,
    job: Job,
    *,
    number: int = 0,
    limit: int = 0,
    on_documents: Callable[[int], None] = lambda _count: None,
) -> Landed:
    """Land what is new in a range, and write to the dead letters what does not fit.

    Args:
        source: The collection.
        key_range: What to read of it.
        job: How to land it.
        number: The range's number in its run, part of its files' names.
        limit: Documents to read, at most; 0 for no limit.
        on_documents: Called with the number of documents of every batch when it is durable.

    Raises:
        SourceError: MongoDB cannot be read.
        ClogsError: A file cannot be written.
    """
    reading = source.read(key_range, exclude=job.exclude, batch_size=job.batch_size, limit=limit)
    total, seen = Landed(extracted_at=job.after), job.seen()
    for place, batch in enumerate(_batches(reading, job)):
        landed = batch.land(total.extracted_at, name=f"{job.run}_{number:03}_{place:04}")
        seen.add(landed.seen)
        total = total.plus(landed)
        on_documents(landed.documents)
    return replace(total, seen=seen.documents())


def _batches(reading: Reading, job: Job) -> Iterator[_Batch]:
    """Put replies together until a batch is full. Each reply is flattened, and let go, before the next."""
    batch = _Batch(job)
    while reply := retrying(job.retry_delays)(reading.next_reply):
        batch.add(reply)
        del reply
        if batch.is_full():
            yield batch
            batch = _Batch(job)
    if batch.documents:
        yield batch


class _Batch:
    """Rows and rejected documents on their way to disk."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._frames: list[pl.DataFrame] = []
        self._moments: list[int | None] = []
        self._rejected: list[DeadLetter] = []
        self._rejected_moments: list[int | None] = []
        self._bytes = 0

    @property
    def documents(self) -> int:
        return len(self._moments) + len(self._rejected)

    def is_full(self) -> bool:
        return self._bytes >= BATCH_BYTES or self.documents >= self._job.batch_size

    def add(self, reply: Reply) -> None:
        """Flatten a reply."""
        flattened = take(
            reply.documents, exclude=self._job.exclude, blocking_checks=self._job.blocking_checks
        )
        moments = _moments(reply.documents, self._job.watermark_field)
        for place, reasons in flattened.misfits.items():
            self._reject(_letter(reply.documents[place], reasons, self._job), moments[place])
        for broken in reply.broken:
            self._reject(_broken_letter(broken, self._job), None)
        self._moments += [each for place, each in enumerate(moments) if place not in flattened.misfits]
        self._frames.append(flattened.frame)
        self._bytes += int(flattened.frame.estimated_size())

    def _reject(self, letter: DeadLetter, moment: int | None) -> None:
        self._rejected.append(letter)
        self._rejected_moments.append(moment)
        self._bytes += len(letter.document)

    def land(self, after: datetime | None, *, name: str) -> Landed:
        """Make durable what is new."""
        rows, job = pl.concat(self._frames), self._job
        self._frames.clear()
        documents = pl.concat(
            [
                versions_of(rows).with_columns(pl.Series("moment", self._moments, dtype=pl.Int64)),
                _rejected(self._rejected, self._rejected_moments),
            ]
        )
        new = ~known(documents, job.window)
        counted = Landed(documents=self.documents, unchanged=self.documents - int(new.sum()), seen=documents)
        if not new.any():
            return counted
        extracted_at = _later(after)
        mark_landing(job.state_path, extracted_at)
        rows = batch_of(rows.filter(new.head(rows.height)), extracted_at=extracted_at)
        letters = [
            msgspec.structs.replace(each, at=extracted_at)  # for a replay: newer than what was read before
            for each, is_new in zip(self._rejected, new.tail(len(self._rejected)), strict=True)
            if is_new
        ]
        files = land(rows, job.raw_dir, name=name)
        dead_letters.write(job.dead_letter_dir, letters)
        return replace(
            counted,
            landed=rows.height,
            rejected=len(letters),
            undated=documents.filter(new)["moment"].null_count(),
            files=len(files),
            bytes=sum(file.stat().st_size for file in files),
            extracted_at=extracted_at,
        )


def _later(than: datetime | None) -> datetime:
    """Now, or just after ``than``: times of reading only grow, whatever the clock says."""
    now = datetime.now(UTC)
    return max(now, than + timedelta(microseconds=1)) if than else now


def _moments(documents: Sequence[Document], watermark_field: str) -> list[int | None]:
    if "." in watermark_field:
        return [milliseconds(field_at(document, watermark_field)) for document in documents]
    return [milliseconds(document.get(watermark_field)) for document in documents]


def _rejected(letters: Sequence[DeadLetter], moments: Sequence[int | None]) -> pl.DataFrame:
    """Rejected documents by `WINDOW_SCHEMA`."""
    versions = [version_of(letter.document) for letter in letters]
    rows = [(*version, moment) for version, moment in zip(versions, moments, strict=True)]
    return pl.DataFrame(rows, schema=WINDOW_SCHEMA, orient="row")


def _letter(document: Document, reasons: Sequence[str], job: Job) -> DeadLetter:
    return _dead_letter(id_text(document.get("_id")), reasons, extended_json(document), job)


def _broken_letter(broken: Broken, job: Job) -> DeadLetter:
    document = base64.b64encode(broken.raw).decode()
    return _dead_letter("unreadable BSON", [broken.reason], document, job, encoding="base64")


def _dead_letter(
    source: str, reasons: Sequence[str], document: str, job: Job, *, encoding: Encoding = "text"
) -> DeadLetter:
    return DeadLetter(
        stage="extract",
        source=source,
        reasons=tuple(reasons),
        document=document,
        encoding=encoding,
        run=job.run,
        at=datetime.now(UTC),
    )
