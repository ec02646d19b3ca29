"""Landing files into ``raw.conversations`` of Iceberg: the newest version of each document."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import structs

from clogs.errors import ClogsError
from clogs.landing.ledger import LandingDiff, compare, ledger_name, report, set_status
from clogs.landing.place import Place, delete_folder, etag_of, size_of
from clogs.load import LoadCounts, LoadResult, raise_for_files
from clogs.schema import COLUMNS
from clogs.spark.catalog import DEFINITION, as_sql, make_room
from clogs.spark.extract import ATTEMPTS
from clogs.spark.faults import from_text
from clogs.spark.landing import TYPES, rows_of
from clogs.spark.lens import RAW, Lens
from clogs.spark.merge import PROPERTIES, kept, merge, ranges, same
from clogs.terminal.progress import Progress, no_progress

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

FILES = 2_000
"""How many landing files are loaded in one commit, whose properties name them."""

_LEDGER = """
    file STRING, bytes BIGINT, rows BIGINT, run STRING, loaded_at TIMESTAMP, inserted BIGINT, updated BIGINT,
    unchanged BIGINT, status STRING, merged_into STRING, etag STRING
"""
_ENTRIES = "clogs.files"
"""The property of a commit that holds the entries of the files whose rows it brought."""


class _Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger has of a file that was just loaded."""

    file: str
    bytes: int
    rows: int
    run: str
    loaded_at: datetime
    inserted: int
    updated: int
    etag: str | None

    @property
    def unchanged(self) -> int:
        """Rows that the table had, or newer ones; they may yet move its `extracted_at`."""
        return self.rows - self.inserted - self.updated


_COMPARED = [column.name for column in COLUMNS if column.name != "extracted_at"]
_NEWEST = """
    SELECT ranked.*, old._id IS NOT NULL AS is_update
    FROM (
        SELECT
            *,
            row_number() OVER (
                PARTITION BY _id ORDER BY extracted_at DESC, number DESC, row_number DESC
            ) AS rank
        FROM landed WHERE _id IS NOT NULL
    ) AS ranked
    LEFT JOIN raw.conversations AS old ON old._id = ranked._id AND {within}
    WHERE rank = 1 AND (old._id IS NULL OR ranked.extracted_at {newer} old.extracted_at)
"""


def load(
    spark: SparkSession,
    lens: Lens,
    *,
    raw_dir: Place,
    dead_letter_dir: Path,
    run: str,
    full_refresh: bool = False,
    on_progress: Progress = no_progress,
) -> LoadResult:
    """Load the landing files that are not in the ledger; the executors have to reach the landing.

    A row is in the table if and only if its file is in the ledger: a commit names its files in a property,
    from which the next load enters what a crash kept from the ledger. Under `full_refresh` all files are
    loaded again. The rows of files that are gone stay.

    Raises:
        DataError: A file is damaged, and now in quarantine, or was changed after it was loaded. All others
            are loaded.
        ClogsError: A file cannot be read just now, or was written by a newer clogs. All others are loaded.
        SilentBucketError: The landing's bucket does not answer for a file. All others are loaded.
    """
    started = time.perf_counter()
    recover(spark, lens, raw_dir)
    diff = _compare(spark, lens, raw_dir)
    files = sorted(diff.loaded + diff.new) if full_refresh else diff.new
    counts, damaged, done = LoadCounts(), dict[Place, str](), 0
    unreadable: list[ClogsError] = []
    newer = ">=" if full_refresh else ">"
    for batch in (files[first : first + FILES] for first in range(0, len(files), FILES)):
        on_progress(done, len(files))
        read = kept(rows_of(spark, batch), "landed")
        for row in read.where("_id IS NULL").collect():
            if row.damage:
                damaged[batch[row.number]] = row.damage
            else:
                unreadable.append(from_text(row.fault))
        counts += _load(spark, read, batch, raw_dir=raw_dir, run=run, newer=newer)
        done += len(batch)
    on_progress(done, len(files))
    lens.publish(spark)
    raise_for_files(damaged, unreadable, diff, raw_dir=raw_dir, dead_letter_dir=dead_letter_dir, run=run)
    return LoadResult(
        files=done - len(damaged) - len(unreadable),
        **asdict(counts),
        missing=diff.missing,
        total=spark.table("raw.conversations").count(),
        seconds=time.perf_counter() - started,
    )


def _compare(spark: SparkSession, lens: Lens, raw_dir: Place) -> LandingDiff:
    """Compare the landing with the ledger, and enter there what is gone or back."""
    with lens.opened() as connection:
        diff = compare(connection, raw_dir)
    set_status(spark.sql, diff.vanished, "vanished")
    set_status(spark.sql, diff.returned, "landed")
    report(diff)
    return diff


def recover(spark: SparkSession, lens: Lens, raw_dir: Place) -> None:
    """Create what is loaded into, where it is missing, and end what a crash left half done there.

    Raises:
        ClogsError: The catalog has a table of that name that clogs did not make.
        WarehouseError: The lens's file is a warehouse of DuckDB's own.
    """
    delete_folder(raw_dir / ATTEMPTS)
    create_tables(spark)
    _enter_last(spark)
    _delete_pruned(spark)
    lens.publish(spark)


def create_tables(spark: SparkSession) -> None:
    """Create what is loaded into, where it is missing; raises as `recover` does."""
    spark.sql("CREATE NAMESPACE IF NOT EXISTS raw")
    columns = ", ".join(
        f"`{column.name}` {TYPES[column.kind]} COMMENT {_text(column.description)}" for column in COLUMNS
    )
    properties = as_sql(PROPERTIES | {DEFINITION: "raw"})
    for name, types in zip(RAW, (columns, _LEDGER), strict=True):
        make_room(spark, name, kind="TABLE")
        spark.sql(f"CREATE TABLE IF NOT EXISTS {name} ({types}) USING iceberg TBLPROPERTIES ({properties})")


def _enter_last(spark: SparkSession) -> None:
    """Enter the files of the last commit in the ledger, if a crash kept them from it."""
    asked = f"""
        SELECT summary['{_ENTRIES}'] AS entries FROM raw.conversations.snapshots
        WHERE summary['{_ENTRIES}'] IS NOT NULL ORDER BY committed_at DESC LIMIT 1
    """
    for row in spark.sql(asked).collect():
        entries = msgspec.json.decode(row.entries, type=list[_Entry])
        entered = {row.file for row in spark.table("raw.ledger").select("file").collect()}
        _enter(spark, [entry for entry in entries if entry.file not in entered])


def _delete_pruned(spark: SparkSession) -> None:
    """Delete the rows of days whose files were all pruned, if a crash kept them."""
    asked = "SELECT substr(file, 6, 10) AS day FROM raw.ledger GROUP BY 1 HAVING every(status = 'pruned')"
    if pruned := [f"DATE '{row.day}'" for row in spark.sql(asked).collect()]:
        # the last day is said, too, for Iceberg skips no files by a list of more than 200
        rows = f"raw.conversations WHERE date <= {max(pruned)} AND date IN ({', '.join(pruned)})"
        if not spark.sql(f"SELECT 1 FROM {rows} LIMIT 1").isEmpty():
            spark.sql(f"DELETE FROM {rows}")


def _load(
    spark: SparkSession, read: DataFrame, batch: Sequence[Place], *, raw_dir: Place, run: str, newer: str
) -> LoadCounts:
    """Load the rows of files that could be read, in one commit."""
    rows = {
        row.number: row["count"] for row in read.where("_id IS NOT NULL").groupBy("number").count().collect()
    }
    ids = ranges(read.where("_id IS NOT NULL"), ["_id"]).get("_id")
    within = ids.holds("old._id") if ids else "true"
    newest = kept(spark.sql(_NEWEST.format(newer=newer, within=within)), "newest")
    brought = newest.groupBy("number", "is_update").count().collect()
    new = Counter({(row.number, row.is_update): row["count"] for row in brought})
    if any(row.is_update for row in brought):
        # what says the same was ingested when it was, by which Iceberg skips files
        within = " AND ".join(
            each.holds(f"old.{column}")
            for column, each in ranges(newest.where("is_update"), ["_id", "ingested_at"]).items()
        )
        asked = f"""
            SELECT number, count(*) AS count FROM newest JOIN raw.conversations AS old
            ON {within} AND {same("newest", "old", _COMPARED)}
            WHERE is_update GROUP BY number
        """
        new.subtract({(row.number, True): row["count"] for row in spark.sql(asked).collect()})
    entries = [
        _Entry(
            file=ledger_name(path, raw_dir),
            bytes=size_of(path),
            rows=rows[number],
            run=run,
            loaded_at=datetime.now(UTC),
            inserted=new[number, False],
            updated=new[number, True],
            etag=etag_of(path),
        )
        for number, path in enumerate(batch)
        if number in rows
    ]
    _commit(spark, newest, entries)
    counts = (LoadCounts(each.rows, each.inserted, each.updated, each.unchanged) for each in entries)
    return sum(counts, LoadCounts())


def _commit(spark: SparkSession, newest: DataFrame, entries: Sequence[_Entry]) -> None:
    property_ = f"spark.sql.iceberg.snapshot-property.{_ENTRIES}"
    spark.conf.set(property_, msgspec.json.encode(entries).decode())
    try:
        columns = [column.name for column in COLUMNS]
        merge(newest, "raw.conversations", columns, on=["_id"], order="ingested_at")
    finally:
        spark.conf.unset(property_)
    _enter(spark, entries)


def _enter(spark: SparkSession, entries: Sequence[_Entry]) -> None:
    """Put files into the ledger, each once."""
    rows = [
        {**structs.asdict(each), "unchanged": each.unchanged, "status": "landed", "merged_into": None}
        for each in entries
    ]
    if rows:
        spark.createDataFrame(rows, _LEDGER).createOrReplaceTempView("entries")
        spark.sql("""
            MERGE INTO raw.ledger AS old USING entries AS new ON old.file = new.file
            WHEN MATCHED AND new.loaded_at > old.loaded_at THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *
        """)


def _text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
