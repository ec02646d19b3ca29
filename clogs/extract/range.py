"""One range of a source, landed batch by batch by one lazy query."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Semaphore, Thread
from typing import Any, Literal

import polars as pl

from clogs import dead_letters
from clogs.dead_letters import DeadLetter
from clogs.extract.flatten import flatten
from clogs.extract.scan import Read, scan
from clogs.extract.screen import screen
from clogs.extract.watermark import WINDOW_SCHEMA, ExtractState, write_extract_state
from clogs.landing.files import land
from clogs.landing.place import Place, size_of
from clogs.mongo import FIRST_MS, KeyRange, Reply, Source, decode, extended_json, id_text
from clogs.schema import COLUMNS

_M_MMAP_THRESHOLD = -3  # from glibc's malloc.h

BATCH_BYTES = 4 * 1024 * 1024
"""Bytes of rows in memory after which a batch ends, even below ``batch_size`` documents."""


SourceMode = Literal["auto", "change_stream", "watermark"]
"""What finds new documents; ``auto`` is the change stream where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractJob:
    """How a run extracts. It can be sent to another process."""

    run: str  # its id is part of the names of its files
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    raw_dir: Place
    dead_letter_dir: Path
    state_dir: Place
    exclude: Sequence[str]
    batch_size: int  # documents, at most
    workers: int = 1  # processes, this one among them
    source_mode: SourceMode = "auto"
    watermark_field: str
    lookback: timedelta
    retry_delays: Sequence[timedelta]
    max_rejected: float  # share of a run's documents, 0 to 1; above it the run fails
    blocking_checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractCounts:
    """What became of documents."""

    documents: int = 0
    landed: int = 0
    unchanged: int = 0  # landed or rejected by an earlier run, in the lookback window
    rejected: int = 0
    undated: int = 0  # new ones without a single Date of the year 1 or later in the watermark field
    files: int = 0
    bytes: int = 0

    def __add__(self, other: ExtractCounts) -> ExtractCounts:
        return ExtractCounts(
            **{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)}
        )


DURABLE = pl.Schema({**WINDOW_SCHEMA, "position": pl.String()})
"""Documents that are landed or rejected; ``position`` is that of `clogs.extract.rows.SCANNED`."""

Landed = tuple[ExtractCounts, pl.DataFrame]
"""What became of documents that are durable now, and these by `DURABLE`."""


@dataclass(frozen=True, slots=True)
class CollectionRange:
    """Reads a range of a collection, also in a process that it is sent to; see `clogs.extract.scan.Read`."""

    source: Source
    key_range: KeyRange
    job: ExtractJob

    def __call__(self, only: Sequence[str], limit: int) -> Iterator[Reply]:
        """Read from the first document on."""
        job = self.job
        reading = self.source.read(
            self.key_range, exclude=job.exclude, only=only, batch_size=job.batch_size, limit=limit
        )
        return iter(reading.next_reply, None)


def land_range(
    read: Read,
    job: ExtractJob,
    before: ExtractState,
    *,
    part: str = "000",
    is_begun: bool = False,
    limit: int = 0,
) -> Generator[Landed]:
    """Land what is new in a range, batch by batch, and write to the dead letters what is rejected.

    Documents in the window of the state ``before`` are not landed again. A limit of 0 is none. Before
    anything is landed, the state says so, if it is not begun yet. The files have ``part`` in their names.

    Raises:
        SourceError: The source cannot be read.
        ClogsError: A file cannot be written.
    """
    for index, batch in enumerate(_batches(read, job, before, limit)):
        documents = batch.select(DURABLE.names())
        new = batch.filter(~before.holds(documents))
        if not new.is_empty() and not is_begun:
            write_extract_state(before.begun(job.started))
            is_begun = True
        is_sound = pl.col("reasons").is_null()
        sound = new.filter(is_sound).select(column.name for column in COLUMNS)
        letters = [_letter(row, job) for row in new.filter(~is_sound).iter_rows(named=True)]
        counts = ExtractCounts(
            documents=batch.height,
            landed=sound.height,
            unchanged=batch.height - new.height,
            rejected=len(letters),
            undated=new.height - new.filter(pl.col("moment") >= FIRST_MS).height,
        )
        del batch, new  # so that rows are in memory once while they are written
        name = f"{job.run}_{part}_{index:04}"
        files = land(sound, job.raw_dir, name=name)
        dead_letters.write(job.dead_letter_dir, letters)
        del sound
        counts += ExtractCounts(files=len(files), bytes=sum(size_of(file) for file in files))
        yield counts, documents


def _batches(read: Read, job: ExtractJob, before: ExtractState, limit: int) -> Iterator[pl.DataFrame]:
    """Collect a range, and put together what is written at a time."""
    _return_large_blocks()
    slots = Semaphore(pl.thread_pool_size())
    scanned = scan(
        read,
        exclude=job.exclude,
        watermark_field=job.watermark_field,
        batch_size=job.batch_size,
        extracted_at=before.next_extracted_at(job.started),
        slots=slots,
    )
    rows = screen(flatten(scanned.head(limit) if limit else scanned), job.blocking_checks)
    parts: list[pl.DataFrame] = []
    documents = size = 0
    gc.disable()  # documents have no cycles; looking for some took a tenth of the time
    try:
        for part in _collected(rows):
            slots.release()
            parts.append(part)
            documents, size = documents + part.height, size + int(part.estimated_size())
            del part
            if size >= BATCH_BYTES or documents >= job.batch_size:
                yield _whole(parts)
                documents = size = 0
        if parts:
            yield _whole(parts)
    finally:
        gc.enable()


def _return_large_blocks() -> None:
    """Let glibc return blocks of 8 MiB at once when they are freed, where it keeps up to 32 MiB by itself.

    With documents of 15 MB, a process takes 200 MB less.
    """
    with suppress(AttributeError, OSError):  # it is not glibc
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, 8 * 1024 * 1024)


def _whole(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """Put parts together, and forget them, so that they are in memory once."""
    rows = pl.concat(parts, rechunk=True)
    parts.clear()
    return rows


def _collected(rows: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Collect in a thread of its own: Polars waits for the source without looking for signals."""
    found: Queue[pl.DataFrame | BaseException | None] = Queue(maxsize=1)
    is_stopped = Event()

    def collect() -> None:
        try:
            for part in rows.collect_batches(maintain_order=True, lazy=True):
                found.put(part)
                if is_stopped.is_set():
                    return
        except BaseException as exc:  # noqa: BLE001  # it is raised where the rows are awaited
            found.put(exc)
        else:
            found.put(None)

    Thread(target=collect, daemon=True).start()
    try:
        while (part := found.get()) is not None:
            if isinstance(part, BaseException):
                raise part
            yield part
    finally:
        is_stopped.set()
        with suppress(Empty):  # make room for a part that waits, so that its thread ends
            found.get_nowait()


def _letter(row: dict[str, Any], job: ExtractJob) -> DeadLetter:
    raw, line = row["raw"], row["line"]
    document = None if line else decode(raw)
    if isinstance(document, dict):
        source, raw = id_text(document.get("_id")), extended_json(document).encode()
    else:
        source = line or "unreadable BSON"
    text, encoding = dead_letters.as_text(raw)
    return DeadLetter(
        stage="transcript" if line else "extract",
        source=source,
        reasons=tuple(row["reasons"].splitlines()),
        document=text,
        encoding=encoding,
        run=job.run,
        at=row["extracted_at"],  # for a replay: newer than what was read before
    )
