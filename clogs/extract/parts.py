"""A range of a collection, landed in parts where it is large."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from datetime import datetime

from clogs.errors import SourceError
from clogs.extract.range import CollectionRange, ExtractCounts, ExtractJob, Landed, land_range
from clogs.extract.scan import Read
from clogs.extract.watermark import ExtractState
from clogs.mongo import KeyRange, Source
from clogs.terminal.progress import Progress

RANGE_DOCUMENTS = 25_000
"""Roughly how many documents a process reads before it takes the next part."""

COUNTED_AFTER = 2.0
"""Seconds of reading after which documents are counted for the progress bar: most runs find few."""

LandRanges = Callable[[Sequence[Read], ExtractJob, ExtractState], Generator[Landed]]
"""What lands several ranges at a time."""


def land_parts(
    source: Source,
    key_range: KeyRange,
    job: ExtractJob,
    before: ExtractState,
    *,
    until: datetime | None,
    limit: int,
    land_ranges: LandRanges,
    on_progress: Progress,
) -> tuple[ExtractCounts, ExtractState]:
    """Land a range, in parts where it is large, and return the state for the next run."""
    expected, started = None, time.perf_counter()
    if key_range.is_whole:
        expected = source.estimated_count()
        expected = min(expected, limit) if limit else expected
    # Without an index, the server would read every document to count some.
    is_countable = expected is None and key_range.field != "_id"
    parts = 1 if limit else (expected or 0) // RANGE_DOCUMENTS
    ranges = source.split(parts) if parts > 1 else [key_range]
    readers = [CollectionRange(source, each, job) for each in ranges]
    if len(readers) > 1:
        landed = land_ranges(readers, job, before)
    else:
        landed = land_range(readers[0], job, before, limit=limit)
    counts, state, undated = ExtractCounts(), before.begun(job.started), not key_range.is_whole
    on_progress(0, expected)
    with closing(landed):  # so that workers end before an error is reported
        for each, documents in landed:
            counts += each
            state = state.plus(documents, until=until, lookback=job.lookback, undated=undated)
            if is_countable and time.perf_counter() - started > COUNTED_AFTER:
                is_countable = False
                with suppress(SourceError):  # it is only for the progress that is shown
                    expected = source.count(key_range.filter(), limit=limit)
            on_progress(counts.documents, expected)
    return counts, state.pruned(job.lookback, undated=undated)
