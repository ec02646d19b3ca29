"""One range of a collection, landed batch by batch."""

from __future__ import annotations

import base64
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from clogs import dead_letters
from clogs.dead_letters import DeadLetter
from clogs.extract.flatten import batch_of
from clogs.extract.screen import screen
from clogs.extract.watermark import (
    WINDOW_SCHEMA,
    ExtractState,
    versions_of,
    versions_of_texts,
    write_extract_state,
)
from clogs.landing.files import land
from clogs.mongo import (
    KeyRange,
    Reading,
    Reply,
    Source,
    extended_json,
    field_at,
    id_text,
    milliseconds,
    retrying,
)

BATCH_BYTES = 8 * 1024 * 1024
"""Of a batch's rows in memory: it ends when it is larger, also before it has ``batch_size`` documents."""

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractJob:
    """How a run extracts. It can be sent to another process."""

    run: str  # its id is part of the names of its files
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    raw_dir: Path
    dead_letter_dir: Path
    state_dir: Path
    exclude: Sequence[str]
    batch_size: int  # documents, at most
    watermark_field: str
    lookback: timedelta
    retry_delays: Sequence[timedelta]
    max_rejected: float  # share of a run's documents, 0 to 1; above it the run fails
    blocking_checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What became of documents."""

    documents: int = 0
    landed: int = 0
    unchanged: int = 0  # landed or rejected by an earlier run, in the lookback window
    rejected: int = 0
    undated: int = 0  # new ones without a Date in the watermark field
    files: int = 0
    bytes: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            **{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)}
        )


Landed = tuple[Counts, pl.DataFrame]
"""What became of documents that are now durable, and these by `WINDOW_SCHEMA`."""


def land_range(
    source: Source,
    key_range: KeyRange,
    job: ExtractJob,
    before: ExtractState,
    *,
    number: int = 0,
    limit: int = 0,
) -> Generator[Landed]:
    """Land what is new in a range, batch by batch, and write to the dead letters what is rejected.

    Documents in the window of the state ``before`` are not landed again. A limit of 0 is none.

    Raises:
        SourceError: MongoDB cannot be read.
        ClogsError: A file cannot be written.
    """
    reading = source.read(key_range, exclude=job.exclude, batch_size=job.batch_size, limit=limit)
    is_begun = False
    for place, (extracted_at, frames, rejected) in enumerate(_batches(reading, job, before)):
        rows = pl.concat(frames)
        frames.clear()  # so that a batch is in memory once while it is written
        moments = [
            rows.drop_in_place("moment"),
            pl.Series([moment for _, moment in rejected], dtype=pl.Int64),
        ]
        versions = [versions_of(rows), versions_of_texts(letter.document for letter, _ in rejected)]
        documents = pl.DataFrame([pl.concat(versions), pl.concat(moments)], schema=WINDOW_SCHEMA)
        is_new = ~before.holds(documents)
        if is_new.any() and not is_begun:
            # Each range writes it, in whichever process: it is the same, and first where it is needed.
            write_extract_state(before.begun(job.started))
            is_begun = True
        rows = batch_of(rows.filter(is_new.head(rows.height)), extracted_at=extracted_at)
        letters = [
            letter for (letter, _), new in zip(rejected, is_new.tail(len(rejected)), strict=True) if new
        ]
        files = land(rows, job.raw_dir, name=f"{job.run}_{number:03}_{place:04}")
        dead_letters.write(job.dead_letter_dir, letters)
        counts = Counts(
            documents=documents.height,
            landed=rows.height,
            unchanged=documents.height - int(is_new.sum()),
            rejected=len(letters),
            undated=documents.filter(is_new)["moment"].null_count(),
            files=len(files),
            bytes=sum(file.stat().st_size for file in files),
        )
        del rows
        yield counts, documents


_Rejected = list[tuple[DeadLetter, int | None]]
"""Dead letters, each with its document's watermark field as in `WINDOW_SCHEMA`."""


def _batches(
    reading: Reading, job: ExtractJob, before: ExtractState
) -> Iterator[tuple[datetime, list[pl.DataFrame], _Rejected]]:
    """Put replies together until a batch is full."""
    extracted_at = before.next_extracted_at(job.started)
    frames: list[pl.DataFrame] = []
    rejected: _Rejected = []
    documents = size = 0
    while reply := retrying(job.retry_delays)(reading.next_reply):
        rows, letters = _screened(reply, job, extracted_at)
        documents += len(reply.documents) + len(reply.broken)
        del reply  # before the next one arrives: documents in Python take far more memory than rows
        frames.append(rows)
        rejected += letters
        size += int(rows.estimated_size()) + sum(len(letter.document) for letter, _ in letters)
        if size >= BATCH_BYTES or documents >= job.batch_size:
            yield extracted_at, frames, rejected
            frames, rejected, documents, size = [], [], 0, 0
            extracted_at += _MICROSECOND
    if documents:
        yield extracted_at, frames, rejected


def _screened(reply: Reply, job: ExtractJob, extracted_at: datetime) -> tuple[pl.DataFrame, _Rejected]:
    rows, rejected = screen(reply.documents, exclude=job.exclude, blocking_checks=job.blocking_checks)
    moments = [milliseconds(field_at(document, job.watermark_field)) for document in reply.documents]
    found: list[tuple[str, list[str], str, dead_letters.Encoding, int | None]] = []
    for place, reasons in rejected.items():
        document = reply.documents[place]
        found.append((id_text(document.get("_id")), reasons, extended_json(document), "text", moments[place]))
    for raw, reason in reply.broken:
        found.append(("unreadable BSON", [reason], base64.b64encode(raw).decode(), "base64", None))
    letters = [
        (
            DeadLetter(
                stage="extract",
                source=source,
                reasons=tuple(reasons),
                document=text,
                encoding=encoding,
                run=job.run,
                at=extracted_at,  # for a replay: newer than what was read before
            ),
            moment,
        )
        for source, reasons, text, encoding, moment in found
    ]
    kept = [moment for place, moment in enumerate(moments) if place not in rejected]
    return rows.with_columns(pl.Series("moment", kept, dtype=pl.Int64)), letters
