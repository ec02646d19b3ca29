"""Which documents have been seen: landed, rejected or pruned."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl

from clogs import dead_letters
from clogs.landing.files import landed

IDS_AT_ONCE = 1_000_000
"""So many ids are in memory at a time, some 100 MB."""

IS_OBJECT_ID = pl.col("_id").str.contains("^[0-9a-f]{24}$")
"""Whether an id is an ObjectId: a string that looks like one is quoted."""

_SECONDS = pl.col("_id").str.slice(0, 8).str.to_integer(base=16, strict=False)
_DAY = pl.when(IS_OBJECT_ID).then(_SECONDS // 86_400)


def pruned_ids(raw_dir: Path) -> Path:
    """The folder of the ids that `clogs.landing.prune` removed: they are not missing."""
    return raw_dir / "pruned"


def scan_pruned(raw_dir: Path) -> pl.LazyFrame:
    """The ``_id`` of every document that was pruned."""
    files = sorted(pruned_ids(raw_dir).glob("*.parquet"))
    return pl.scan_parquet(files, glob=False) if files else pl.LazyFrame(schema={"_id": pl.String()})


def seen_ids(raw_dir: Path, dead_letter_dir: Path) -> pl.LazyFrame:
    """The ``_id`` of every document seen, as `clogs.mongo.id_text` writes it, some of them repeatedly."""
    files = [*landed(raw_dir)]
    rejected = [each.source for each in dead_letters.headers(dead_letter_dir) if each.stage == "extract"]
    ids = [scan_pruned(raw_dir), pl.LazyFrame({"_id": rejected}, schema={"_id": pl.String()})]
    if files:
        ids.append(pl.scan_parquet(files, glob=False, hive_partitioning=False).select("_id"))
    return pl.concat(ids)


def count_by_day(ids: pl.LazyFrame) -> dict[int | None, int]:
    """Count ids, each once, by the day of an ObjectId since 1970, in UTC; None is for all others."""
    passes = ids.select(pl.len()).collect().item() // IDS_AT_ONCE + 1
    counts: Counter[int | None] = Counter()
    for number in range(passes):  # each id is in the same one
        part = ids.filter(pl.col("_id").hash() % passes == number).unique()
        days = part.select(day=_DAY).group_by("day").len().collect()
        counts.update(dict(days.iter_rows()))
    return counts
