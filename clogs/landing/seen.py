"""Which documents have been seen: landed, rejected or pruned."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from clogs import dead_letters
from clogs.landing.files import landed
from clogs.landing.place import Place, listed, scan_ids, scanning

IDS_AT_ONCE = 1_000_000
"""So many ids are in memory at a time, some 100 MB."""

SECOND = pl.when(pl.col("_id").str.contains("^[0-9a-f]{24}$")).then(
    pl.col("_id").str.head(8).str.to_integer(base=16, strict=False)
)
"""When an ObjectId was made, in seconds since 1970, UTC; null for other ids: strings like it are quoted."""


def pruned_ids(raw_dir: Place) -> Place:
    """The folder of the ids that `clogs.landing.prune` removed: they are not missing."""
    return raw_dir / "pruned"


def scan_pruned(raw_dir: Place) -> pl.LazyFrame:
    """The ``_id`` of every document that was pruned."""
    return scan_ids(listed(pruned_ids(raw_dir), "*.parquet"))


def seen_ids(raw_dir: Place, dead_letter_dir: Path) -> pl.LazyFrame:
    """The ``_id`` of every document seen, as `clogs.mongo.id_text` writes it, some of them repeatedly."""
    return pl.concat([scan_ids([*landed(raw_dir)]), _rejected_ids(dead_letter_dir), scan_pruned(raw_dir)])


def _rejected_ids(dead_letter_dir: Path) -> pl.LazyFrame:
    rejected = [each.source for each in dead_letters.headers(dead_letter_dir) if each.stage == "extract"]
    return pl.LazyFrame({"_id": rejected}, schema={"_id": pl.String()})


def _passes(ids: pl.LazyFrame) -> int:
    """Over how many passes ids are spread by their hash, each `IDS_AT_ONCE` at most."""
    return int(ids.select(pl.len()).collect().item()) // IDS_AT_ONCE + 1


def count_seen(raw_dir: Place, dead_letter_dir: Path) -> tuple[int, int, int]:
    """Count the documents that are landed, those of the others that were rejected, and those pruned."""
    parts = [scan_ids([*landed(raw_dir)]), _rejected_ids(dead_letter_dir), scan_pruned(raw_dir)]
    places = pl.concat(part.select("_id", place=pl.lit(place)) for place, part in enumerate(parts))
    counts = [0, 0, 0]
    with scanning(raw_dir):
        passes = _passes(places)
        for number in range(passes):
            part = places.filter(pl.col("_id").hash() % passes == number)
            first = part.group_by("_id").agg(pl.col("place").min()).group_by("place").len().collect()
            for place, count in first.iter_rows():
                counts[place] += count
    landed_only, rejected, pruned = counts
    return landed_only, rejected, pruned


def count_by_second(ids: pl.LazyFrame) -> pl.DataFrame:
    """Count ids, repeated ones too, by `SECOND`, ascending: of columns ``second`` and ``documents``."""
    return ids.group_by(second=SECOND).agg(documents=pl.len()).sort("second").collect(engine="streaming")
