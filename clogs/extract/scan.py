"""Documents as a lazy frame, for which only what is asked for is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count
from threading import Semaphore

import polars as pl
from polars.io.plugins import register_io_source

from clogs.extract.rows import FILLED, SCANNED, rows_of
from clogs.landing.files import POLARS_TYPES
from clogs.mongo import Reply

PART_BYTES = 512 * 1024
"""Bytes of BSON after which a frame ends, even below ``batch_size`` documents."""

_FRAMES_APART = timedelta(microseconds=1)

SLOT_SECONDS = 1.0
"""How long a frame waits for a slot: Polars may need one more before it gives up the first."""


Read = Callable[[Sequence[str], int], Iterator[Reply]]
"""Reads documents: some fields only, or all where none are named; and so many documents, or all for 0."""


def scan(
    read: Read,
    *,
    exclude: Sequence[str],
    watermark_field: str,
    batch_size: int,
    extracted_at: datetime,
    slots: Semaphore,
) -> pl.LazyFrame:
    """Make a lazy frame of `SCANNED`; only what it is collected for is read.

    Args:
        read: Gives the documents; it is called when the frame is collected.
        exclude: Dotted paths of the fields to leave out, for those that the source sends all the same.
        watermark_field: The dotted path of what becomes ``moment``.
        batch_size: How many documents are read at a time, at most.
        extracted_at: When the first of them are read, in UTC; each next ones are a microsecond later.
        slots: Released for each batch that was collected: else Polars would read far ahead.
    """

    def frames(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        columns = with_columns or SCANNED.names()
        replies = read(_fields_of(columns, watermark_field), n_rows or 0)
        parts = _parts(replies, exclude, watermark_field, batch_size)
        for index in count():
            slots.acquire(timeout=SLOT_SECONDS)
            if (part := next(parts, None)) is None:
                return
            moment = pl.lit(extracted_at + index * _FRAMES_APART, POLARS_TYPES["instant"])
            rows = part.with_columns(extracted_at=moment)
            yield (rows if predicate is None else rows.filter(predicate)).select(columns)
            del part, rows  # before the next ones are made

    return register_io_source(frames, schema=SCANNED)


def _parts(
    replies: Iterator[Reply], exclude: Sequence[str], watermark_field: str, batch_size: int
) -> Iterator[pl.DataFrame]:
    """Put replies together, half a MB or so."""
    parts: list[pl.DataFrame] = []
    documents = size = 0
    for reply in replies:
        parts.append(rows_of(reply, exclude=exclude, watermark_field=watermark_field))
        documents, size = documents + len(reply.raw), size + sum(map(len, reply.raw))
        del reply  # before the next one arrives: documents in Python take far more memory than rows
        if size >= PART_BYTES or documents >= batch_size:
            yield pl.concat(parts, rechunk=True)
            parts.clear()
            documents = size = 0
    if parts:
        yield pl.concat(parts, rechunk=True)


def _fields_of(columns: Sequence[str], watermark_field: str) -> list[str]:
    """The fields that columns are made of; none where that takes whole documents."""
    if {"raw", "entry_raw", "reasons"} & set(columns):
        return []
    fields = {column.field for column in FILLED if {column.name, f"{column.name}_ms"} & set(columns)}
    fields |= {"message"} if any(name.startswith("message_") for name in columns) else set()
    fields |= {watermark_field} if "moment" in columns else set()
    return sorted(field for field in fields | {"_id"} if field)
