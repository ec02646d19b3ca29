"""Landing files to load: all documents, several times as many, and changes to them."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import polars as pl
from conftest import landed_in

from bench.extraction import command
from bench.measure import served
from clogs.landing.files import day_of, land


def extracted(count: int, place: Path) -> Path:
    """Land made-up documents, as clogs does."""
    with served(count) as (uri, _):
        command(uri, str(place), watch_memory=False)
    return place / "landing"


def part(landing: Path, share: float, place: Path) -> Path:
    """The first files of a landing folder."""
    files = landed_in(landing)
    for path in files[: max(1, round(len(files) * share))]:
        link(path, landing, place)
    return place


def multiplied(landing: Path, times: int, place: Path) -> Path:
    """So many times as many documents: the same ones, under other ids."""
    for number, path in enumerate(landed_in(landing)):
        link(path, landing, place)
        rows = pl.read_parquet(path, hive_partitioning=False).with_columns(date=pl.lit(day_of(path)))
        for copy in range(times - 1):
            land(rows.with_columns(other_id(f"{copy:x}")), place, name=f"copy_{copy}_{number:05}")
    return place


def prolonged(landing: Path, times: int, place: Path) -> Path:
    """So many times as many documents: others of as many days each, one after the other, the last these."""
    rows = pl.scan_parquet(landing / "date=*" / "*.parquet", hive_partitioning=True).collect()
    (days,) = rows.select((pl.col("date").max() - pl.col("date").min()).dt.total_days() + 1)["date"]
    for number in range(times):
        by = timedelta(days=days * (times - 1 - number))
        land(rows.with_columns(_of_other(f"{number:02}", by)), place, name=f"of_{number}")
    return place


def _of_other(mark: str, by: timedelta) -> list[pl.Expr]:
    """Earlier times, and ids of their own that ascend with the mark."""
    own = pl.col("session_id", "source_file", "uuid", "parent_uuid")
    raw = pl.col("message_raw", "entry_raw", "request_id")
    raw = raw.str.replace_all(r"\b(msg|toolu|req)_01", f"${{1}}_{mark}")
    return [
        pl.col("timestamp", "ingested_at", "date") - by,
        pl.col("_id").str.replace("^..", mark),
        own.str.replace("^..", mark),
        raw.str.replace_all(r'"(uuid|leafUuid)":"..', f'"${{1}}":"{mark}'),
    ]


def changes(landing: Path, count: int, place: Path, *, number: int, batches: int) -> Path:
    """Half of them new documents, half of them later versions of documents anywhere among the others.

    Args:
        landing: The others.
        count: How many changes.
        place: The landing folder to make.
        number: Which changes, up to 5: each makes new documents of its own.
        batches: They are landed in so many, each of which has files of its own.
    """
    rows = pl.scan_parquet(landing / "date=*" / "*.parquet", hive_partitioning=True).with_row_index()
    known = rows.select(pl.len()).collect().item()
    chosen = Random(number).sample(range(known), count)  # noqa: S311  # the same ones each time
    found = rows.filter(pl.col("index").is_in(chosen)).collect().drop("index")
    is_new = pl.int_range(pl.len()).shuffle(number) % 2 == 0
    changed = found.with_columns(
        pl.when(is_new).then(other_id("abcdef"[number])).otherwise("_id").alias("_id"),
        message_content=pl.col("message_content") + " Changed.",
        extracted_at=pl.lit(datetime.now(UTC)).cast(found.schema["extracted_at"]),
    )
    for batch in range(batches):
        land(changed.gather_every(batches, batch), place, name=f"changes_{number}_{batch}")
    return place


def hollow(landing: Path, place: Path) -> Path:
    """Landing files that are known: nothing but their sizes and times, so none can be read."""
    for path in landed_in(landing):
        empty = below(place, path, landing)
        empty.touch()
        found = path.stat()
        os.truncate(empty, found.st_size)
        os.utime(empty, ns=(found.st_atime_ns, found.st_mtime_ns))
    return place


def add(landing: Path, place: Path) -> None:
    """Let all landing files stand in another landing folder, too."""
    for path in landed_in(landing):
        link(path, landing, place)


def link(path: Path, landing: Path, place: Path) -> None:
    """Let a landing file stand in another landing folder, too."""
    below(place, path, landing).hardlink_to(path)


def below(place: Path, path: Path, landing: Path) -> Path:
    """Where a landing file would stand in another folder."""
    found = place / path.relative_to(landing)
    found.parent.mkdir(parents=True, exist_ok=True)
    return found


def other_id(digit: str) -> pl.Expr:
    """Ids that no other document has: those of this century begin with a 6 for some years yet."""
    return (pl.lit(digit) + pl.col("_id").str.slice(1)).alias("_id")
