"""Upkeep of Iceberg's tables, by Iceberg's own procedures."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from clogs.landing.compact import CompactResult
from clogs.landing.place import Place
from clogs.spark.catalog import is_table, properties_of
from clogs.spark.lens import Lens
from clogs.spark.load import recover
from clogs.terminal.progress import Progress, no_progress

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

KEPT = timedelta(days=1)
"""How long a snapshot is kept: a model that has not followed its parents for longer is built as a whole."""


def compact(
    spark: SparkSession, lens: Lens, *, raw_dir: Place, on_progress: Progress = no_progress
) -> CompactResult:
    """Merge small files of all tables, and remove snapshots of before `KEPT` with what only they read.

    Rows stay in their table's order. Readers go on with the files they had: these stay until the next
    compaction after a day.
    """
    started = time.perf_counter()
    before = (datetime.now(UTC) - KEPT).strftime("%Y-%m-%d %H:%M:%S")
    recover(spark, lens, raw_dir)
    names = sorted(name for name in lens.names() if is_table(spark, name))
    lens.publish(spark, names)  # a run that was killed has left it with snapshots that may go now
    merged = files = bytes_before = 0
    sizes = _bytes(spark, names)
    # first, so that what is rewritten now stays for those who read it
    for name in names:
        old = f"table => '{name}', older_than => TIMESTAMP '{before}'"
        spark.sql(f"CALL system.expire_snapshots({old})")
        # by prefix, as Iceberg itself can list them in a bucket, for which Spark may have no file system
        spark.sql(f"CALL system.remove_orphan_files({old}, prefix_listing => true)")
    for done, name in enumerate(names):
        on_progress(done, len(names))
        strategy = "sort" if "sort-order" in properties_of(spark, name) else "binpack"
        asked = f"CALL system.rewrite_data_files(table => '{name}', strategy => '{strategy}')"
        (row,) = spark.sql(asked).collect()
        merged += row.rewritten_data_files_count
        files += row.added_data_files_count
        bytes_before += row.rewritten_bytes_count
    lens.publish(spark, names)
    on_progress(len(names), len(names))
    return CompactResult(
        days=0,
        merged=merged,
        files=files,
        bytes_before=bytes_before,
        bytes_after=bytes_before - sizes + _bytes(spark, names),
        seconds=time.perf_counter() - started,
    )


def _bytes(spark: SparkSession, names: list[str]) -> int:
    """The bytes of all files of the current snapshots."""
    return sum(
        row.bytes or 0
        for name in names
        for row in spark.sql(f"SELECT sum(file_size_in_bytes) AS bytes FROM {name}.files").collect()
    )
