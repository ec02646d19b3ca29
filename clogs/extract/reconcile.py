"""Reconciliation: what was missed, found by comparing the collection with what was seen of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from itertools import pairwise

import polars as pl

from clogs.extract.range import CollectionRange, ExtractCounts, ExtractJob, land_range
from clogs.extract.watermark import Comparison, ExtractState, read_extract_state, write_extract_state
from clogs.landing.seen import SECOND, count_by_second, count_seen, scan_pruned, scanning, seen_ids
from clogs.mongo import KeyRange, Reply, Source, id_text
from clogs.terminal.progress import Progress

RANGE_DOCUMENTS = 500_000
"""Roughly how many ids are compared at a time, in some 200 MB of memory."""

SECONDS_PER_DAY = 86_400

PART = "999"
"""A part of the names of its files, since the same run has landed others before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled(ExtractCounts):
    """What a reconciliation found, and what it read again.

    Attributes:
        source: Documents of the collection.
        differing: Days of ObjectIds that differed; all other ids count as one.
        missing: Documents of the collection that had not been seen.
        gone: Documents seen that the collection no longer holds.
    """

    source: int
    differing: int
    missing: int
    gone: int


Days = set[int | None]
"""Days on which ObjectIds were made, counted from 1970 in UTC; None stands for all other ids."""

_DAY = SECOND // SECONDS_PER_DAY


@dataclass(frozen=True, slots=True)
class CollectionDays:
    """Reads days of a collection, but not what was pruned; see `clogs.extract.scan.Read`."""

    source: Source
    days: Days
    job: ExtractJob

    def __call__(self, only: Sequence[str], _limit: int) -> Iterator[Reply]:
        """Read one after the other."""
        is_read = _DAY.is_in(list(self.days), nulls_equal=True)
        with scanning(self.job.raw_dir):
            left_out = set(scan_pruned(self.job.raw_dir).filter(is_read).collect()["_id"])
        for key_range in ranges_of_days(self.days):
            for reply in CollectionRange(self.source, key_range, self.job)(only, 0):
                kept = [
                    index
                    for index, each in enumerate(reply.documents)
                    if not left_out or isinstance(each, str) or id_text(each.get("_id")) not in left_out
                ]
                yield Reply([reply.raw[each] for each in kept], [reply.documents[each] for each in kept])


def reconcile(
    source: Source, job: ExtractJob, before: ExtractState, *, days: int, on_progress: Progress
) -> Reconciled:
    """Compare the collection with what was seen of it, and land what differs. The caller holds the run lock.

    Ids are compared: of counts, a deleted document and a missed one would look alike. A day with a document
    that was not seen is read again whole. So is, every night, one ``days``-th of the days that have
    ObjectIds, and in one of so many nights the other ids: that finds every edit. What was due in nights
    without a comparison is made up for. With 1, everything is read again. The watermark stays.

    Raises:
        SourceError: MongoDB cannot be read.
        ClogsError: A file cannot be read or written.
    """
    ids = seen_ids(job.raw_dir, job.dead_letter_dir)
    with scanning(job.raw_dir):
        seconds = count_by_second(ids)
    in_source = missing = gone = 0
    again, differing = Days(), Days()
    ranges = [*pairwise([*starts_of(seconds), None]), (None, None)]
    expected = source.estimated_count()
    on_progress(0, expected)
    for start, stop in ranges:
        here = _ids_of(source, KeyRange.of_seconds(start, stop))
        with scanning(job.raw_dir):
            there = ids.filter(_within(start, stop)).unique().collect(engine="streaming")
        unseen, absent = (
            one.join(other, on="_id", how="anti").select(day=_DAY)["day"]
            for one, other in ((here, there), (there, here))
        )
        again |= set(unseen)
        differing |= {*unseen, *absent}
        in_source, missing, gone = in_source + here.height, missing + len(unseen), gone + len(absent)
        on_progress(in_source, expected)
    due = _due(job, before, days)
    seen = seconds.select(pl.col("second") // SECONDS_PER_DAY)["second"].unique()
    again |= {day for day in seen if (day or 0) % days in due}
    counts = _land(source, again, job, before)
    kept, rejected, pruned = count_seen(job.raw_dir, job.dead_letter_dir)
    compared = Comparison(
        at=job.started, source=in_source, landed=kept, rejected=rejected, pruned=pruned, deleted=gone
    )
    write_extract_state(replace(read_extract_state(before.path), compared=compared))
    counts = replace(counts, undated=0)  # all ids are compared each time, dated or not
    return Reconciled(
        **asdict(counts), source=in_source, differing=len(differing), missing=missing, gone=gone
    )


def _due(job: ExtractJob, before: ExtractState, days: int) -> set[int]:
    """What days leave, divided by `days`, that are due since the last comparison."""
    today = job.started.date()
    nights = (today - before.compared.at.date()).days if before.compared else 1
    return {(today.toordinal() - night) % days for night in range(min(days, max(1, nights)))}


def _land(source: Source, days: Days, job: ExtractJob, before: ExtractState) -> ExtractCounts:
    counts = ExtractCounts()
    if days:
        with closing(land_range(CollectionDays(source, days, job), job, before, part=PART)) as landed:
            for each, _ in landed:
                counts += each
    return counts


def starts_of(seconds: pl.DataFrame) -> list[int]:
    """Where ranges of about `RANGE_DOCUMENTS` begin, in seconds; see `clogs.landing.seen.count_by_second`."""
    earlier = pl.col("documents").cum_sum() - pl.col("documents")
    parts = seconds.drop_nulls().group_by(earlier // RANGE_DOCUMENTS, maintain_order=True)
    return [0, *parts.agg(pl.col("second").min())["second"][1:]]


def ranges_of_days(days: Days) -> list[KeyRange]:
    """The ranges that hold these days: those that follow each other are one."""
    dated = sorted(day for day in days if day is not None)
    bounds = [day for day in dated if day - 1 not in days], [day + 1 for day in dated if day + 1 not in days]
    ranges = [
        KeyRange.of_seconds(*(day * SECONDS_PER_DAY for day in ends)) for ends in zip(*bounds, strict=True)
    ]
    return [*ranges, KeyRange.of_seconds(None, None)] if None in days else ranges


def _ids_of(source: Source, key_range: KeyRange) -> pl.DataFrame:
    """The ids of a range of the collection, each once."""
    pages = (pl.Series("_id", [*map(id_text, page)], pl.String()) for page in source.ids(key_range))
    return pl.concat([pl.Series("_id", [], pl.String()), *pages]).unique().to_frame()


def _within(start: int | None, stop: int | None) -> pl.Expr:
    """Which ids are in a range, by their texts."""
    if start is None:
        return SECOND.is_null()
    return SECOND.is_between(start, 2**32 if stop is None else stop, closed="left")
