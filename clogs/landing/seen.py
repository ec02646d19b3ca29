"""Which documents have been seen: landed, rejected or pruned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from clogs import dead_letters
from clogs.errors import DataError
from clogs.files import reading
from clogs.landing import objects
from clogs.landing.files import landed
from clogs.landing.objects import ObjectPath
from clogs.landing.place import Place, listed
from clogs.terminal.text import first_line

IDS_AT_ONCE = 1_000_000
"""How many ids are in memory at a time, some 100 MB."""

SECOND = pl.when(pl.col("_id").str.contains("^[0-9a-f]{24}$")).then(
    pl.col("_id").str.head(8).str.to_integer(base=16, strict=False)
)
"""When an ObjectId was made, in seconds since 1970, UTC; null for other ids: strings like it are quoted."""


def scan_ids(files: Sequence[Place]) -> pl.LazyFrame:
    """The ``_id`` of every row of Parquet files."""
    if not files:
        return pl.LazyFrame(schema={"_id": pl.String()})
    is_object = isinstance(files[0], ObjectPath)
    options = {"timeout": objects.timeout_of(str(files[0]))} if is_object else None  # Polars has none
    paths = [str(each) for each in files]
    return pl.scan_parquet(paths, glob=False, hive_partitioning=False, storage_options=options).select("_id")


@contextmanager
def scanning(folder: Place) -> Iterator[None]:
    """Map the errors of a query on what `scan_ids` returns.

    Raises:
        DataError: A file is damaged, or none of ours.
        ClogsError: A file cannot be read.
    """
    try:
        with objects.errors(folder) if isinstance(folder, ObjectPath) else reading(folder):
            yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as exc:
        raise DataError(
            f"A landing file in {folder} cannot be read: {first_line(exc)}",
            hint="Put damaged ones in quarantine: clogs load --full-refresh",
        ) from exc


def pruned_ids(raw_dir: Place) -> Place:
    """The folder of the ids that `clogs.landing.prune` removed: they are not missing."""
    return raw_dir / "pruned"


def scan_pruned(raw_dir: Place) -> pl.LazyFrame:
    """The ``_id`` of every document that was pruned."""
    return scan_ids(listed(pruned_ids(raw_dir), "*.parquet"))


def seen_ids(raw_dir: Place, dead_letter_dir: Path) -> pl.LazyFrame:
    """The ``_id`` of every document seen, as `clogs.mongo.id_text` writes it, some of them repeatedly."""
    return pl.concat(_by_status(raw_dir, dead_letter_dir))


def _by_status(raw_dir: Place, dead_letter_dir: Path) -> tuple[pl.LazyFrame, ...]:
    """The documents that are landed, those rejected, and those pruned."""
    rejected = [each.source for each in dead_letters.headers(dead_letter_dir) if each.stage == "extract"]
    ids = pl.LazyFrame({"_id": rejected}, schema={"_id": pl.String()})
    return scan_ids([*landed(raw_dir)]), ids, scan_pruned(raw_dir)


def _passes(ids: pl.LazyFrame) -> int:
    """Over how many passes ids are spread by their hash, each `IDS_AT_ONCE` at most."""
    return int(ids.select(pl.len()).collect().item()) // IDS_AT_ONCE + 1


def count_seen(raw_dir: Place, dead_letter_dir: Path) -> tuple[int, int, int]:
    """Count the documents that are landed, those of the others that were rejected, and those pruned."""
    statuses = _by_status(raw_dir, dead_letter_dir)
    ids = pl.concat(some.select("_id", status=pl.lit(status)) for status, some in enumerate(statuses))
    counts = [0, 0, 0]
    with scanning(raw_dir):
        passes = _passes(ids)
        for number in range(passes):
            part = ids.filter(pl.col("_id").hash() % passes == number)
            first = part.group_by("_id").agg(pl.col("status").min()).group_by("status").len().collect()
            for status, count in first.iter_rows():
                counts[status] += count
    landed_only, rejected, pruned = counts
    return landed_only, rejected, pruned


def count_by_second(ids: pl.LazyFrame) -> pl.DataFrame:
    """Count ids, repeated ones too, by `SECOND`, ascending: of columns ``second`` and ``documents``."""
    return ids.group_by(second=SECOND).agg(documents=pl.len()).sort("second").collect(engine="streaming")
