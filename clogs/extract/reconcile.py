"""Reconciliation: what was missed, found by comparing the collection with what was seen of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace

import polars as pl

from clogs.extract.range import CollectionRange, Counts, ExtractJob, land_range
from clogs.extract.watermark import Comparison, ExtractState, read_extract_state, write_extract_state
from clogs.landing.seen import IS_OBJECT_ID, count_by_day, count_seen, scan_pruned, seen_ids
from clogs.mongo import KeyRange, Reply, Source, id_text
from clogs.terminal.progress import Progress

RANGE_DOCUMENTS = 10_000
"""Days are compared together until they hold so many documents."""

NUMBER = 999
"""In the names of its files: the same run has extracted before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled(Counts):
    """What a reconciliation found, and what it read again.

    Attributes:
        source: Documents of the collection.
        differing: Ranges that differed.
        missing: Documents of the collection that had not been seen.
        gone: Documents seen that the collection no longer holds.
    """

    source: int
    differing: int
    missing: int
    gone: int


@dataclass(frozen=True, slots=True)
class CollectionRanges:
    """Reads ranges of a collection, but not what was pruned; see `clogs.extract.scan.Read`."""

    source: Source
    ranges: Sequence[KeyRange]
    job: ExtractJob

    def __call__(self, only: Sequence[str], _limit: int) -> Iterator[Reply]:
        """Read one after the other."""
        pruned = scan_pruned(self.job.raw_dir)
        for key_range in self.ranges:
            left_out = set(pruned.filter(_within(key_range)).collect()["_id"])
            for reply in CollectionRange(self.source, key_range, self.job)(only, 0):
                kept = [
                    place
                    for place, each in enumerate(reply.documents)
                    if not left_out or isinstance(each, str) or id_text(each.get("_id")) not in left_out
                ]
                yield Reply([reply.raw[each] for each in kept], [reply.documents[each] for each in kept])


def reconcile(
    source: Source, job: ExtractJob, before: ExtractState, *, days: int, on_progress: Progress
) -> Reconciled:
    """Compare the collection with what was seen of it, and land what differs. The caller holds the run lock.

    Ids are compared range by range: of counts, a deleted document and a missed one would look alike. A range
    with a document that was not seen is read again whole. So is, every night, one ``days``-th of the days
    that have ObjectIds, and in one of so many nights the other ids: that finds every edit. With 1, everything
    is read again. The watermark stays.

    Raises:
        SourceError: MongoDB cannot be read.
        ClogsError: A file cannot be read or written.
    """
    ids = seen_ids(job.raw_dir, job.dead_letter_dir)
    seen = count_by_day(ids)
    in_source = differing = missing = gone = 0
    ranges, again = ranges_of(seen), list[KeyRange]()
    for done, key_range in enumerate(ranges, start=1):
        found, unseen, absent = _compare(source, job, key_range, ids)
        in_source, missing, gone = in_source + found, missing + unseen, gone + absent
        differing += bool(unseen or absent)
        if unseen:
            again.append(key_range)
        on_progress(done, len(ranges))
    tonight = job.started.date().toordinal() % days
    due = [
        KeyRange.of_days(day, None if day is None else day + 1)
        for day in seen
        if (day or 0) % days == tonight
    ]
    again += [each for each in due if not any(each.is_within(other) for other in again)]
    counts = Counts()
    if again:
        read = CollectionRanges(source, again, job)
        with closing(land_range(read, job, before, number=NUMBER)) as landed:
            for each, _ in landed:
                counts += each
    kept, rejected, pruned = count_seen(job.raw_dir, job.dead_letter_dir)
    compared = Comparison(
        at=job.started, source=in_source, landed=kept, rejected=rejected, pruned=pruned, deleted=gone
    )
    write_extract_state(replace(read_extract_state(before.path), compared=compared))
    return Reconciled(**asdict(counts), source=in_source, differing=differing, missing=missing, gone=gone)


def ranges_of(seen: Mapping[int | None, int]) -> list[KeyRange]:
    """All ranges of the collection, by how many documents of each day were seen: other ids are the last."""
    starts, documents = [0], 0
    for day, number in sorted((day, number) for day, number in seen.items() if day is not None):
        if documents >= RANGE_DOCUMENTS:
            starts.append(day)
            documents = 0
        documents += number
    days = [KeyRange.of_days(start, stop) for start, stop in zip(starts, [*starts[1:], None], strict=True)]
    return [*days, KeyRange.of_days(None, None)]


def _compare(source: Source, job: ExtractJob, key_range: KeyRange, ids: pl.LazyFrame) -> tuple[int, int, int]:
    """Count the ids of a range, those of them that were not seen, and those seen that it no longer holds."""
    found = [pl.Series("_id", [], pl.String())]
    for reply in CollectionRange(source, key_range, job)(["_id"], 0):
        texts = [id_text(each["_id"]) for each in reply.documents if isinstance(each, dict)]
        found.append(pl.Series("_id", texts, pl.String()))
    # some servers answer `$nor` with all documents
    here = pl.concat(found).unique().to_frame().lazy().filter(_within(key_range))
    there = ids.filter(_within(key_range)).unique()
    unseen = here.join(there, on="_id", how="anti").select(pl.len()).collect().item()
    absent = there.join(here, on="_id", how="anti").select(pl.len()).collect().item()
    return here.select(pl.len()).collect().item(), unseen, absent


def _within(key_range: KeyRange) -> pl.Expr:
    """Which ids are in a range, by their texts."""
    start, stop = key_range.start, key_range.stop
    if start is None:
        return ~IS_OBJECT_ID
    return IS_OBJECT_ID & (pl.col("_id") >= str(start)) & (pl.lit(stop is None) | (pl.col("_id") < str(stop)))
