"""The catalog goes away in the middle, and what was left is removed; run by ``nox -s spark``."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from built import SAMPLES, build_rows
from empty import config_in
from engines import IGNORED, different
from following import rows_of
from test_load import row
from test_spark_landing import SparkLanding

from clogs.errors import ClogsError, SilentBucketError, UnavailableError, WarehouseError
from clogs.landing.files import land
from clogs.spark.catalog import drop
from clogs.spark.checkup import checkup
from clogs.spark.compact import compact
from clogs.spark.faults import as_text, from_text, naming
from clogs.spark.lens import RAW
from clogs.spark.table import ModelTable
from clogs.spark.transform import transform
from clogs.terminal.progress import Progress
from clogs.transform import translate
from clogs.transform.portable import PortableModel, source

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.filterwarnings(IGNORED), pytest.mark.slow]

COPIES = PortableModel(
    name="mine.copies",
    kind="by_change",
    query=f"SELECT _id, message_content FROM {source('raw.conversations')}",
    plain="",
    is_by_row=False,
    key="_id",
    grain=["_id"],
    parents={"raw.conversations": "_id"},
    reads=frozenset({"raw.conversations"}),
    audits=[],
    definition="1",
    description="",
    columns={},
)
OUTCOMES = "SELECT inserted, updated, unchanged FROM raw.ledger"
Fault = Callable[[Path], AbstractContextManager[None]]
LONG_AGO = time.time() - 3 * 24 * 3600


@contextmanager
def locked(catalog: Path) -> Iterator[None]:
    """Another program writes to the catalog."""
    with closing(sqlite3.connect(catalog)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def moved(catalog: Path) -> Iterator[None]:
    """The catalog is not where it was."""
    away = catalog.rename(catalog.with_suffix(".away"))
    try:
        yield
    finally:
        assert not catalog.exists()
        away.rename(catalog)


FAULTS = {locked: r": \[SQLITE_BUSY\]", moved: r": \[SQLITE_READONLY_DBMOVED\]"}


@contextmanager
def when_reached(step: int, fault: Fault, catalog: Path) -> Iterator[Progress]:
    """A progress at a step of which the fault begins; it is over at the end."""
    with ExitStack() as faults, naming("Spark failed"):

        def begin(done: int, _: int | None) -> None:
            if done == step:
                faults.enter_context(fault(catalog))

        yield begin


@pytest.mark.parametrize("kind", [ClogsError, SilentBucketError])
def test_an_error_of_a_task_stays_what_it_is(kind: type[ClogsError]) -> None:
    error = from_text(as_text(kind("What?", hint="Do")))
    assert (type(error), error.message, error.hint) == (kind, "What?", "Do")


def test_the_catalog_goes_away_and_the_next_run_ends_right(
    spark: SparkSession, spark_place: Path, tmp_path: Path
) -> None:
    catalog, rows = spark_place / "catalog.db", rows_of(SAMPLES, tmp_path)
    place, config = SparkLanding(spark.newSession(), tmp_path), config_in(tmp_path)
    documents = pl.read_parquet(rows)
    land(documents, place.landing, name="1")
    for fault, reason in FAULTS.items():
        with pytest.raises(UnavailableError, match=reason), when_reached(0, fault, catalog) as progress:
            place.load(on_progress=progress)
        place.spark = spark.newSession()  # as another command has it
    place.load()
    assert place.ask("SELECT count(*), count(DISTINCT _id) FROM raw.conversations") == [(len(documents),) * 2]
    assert place.ask("SELECT sum(rows), sum(inserted) FROM raw.ledger") == [(len(documents),) * 2]
    for step, (fault, reason) in zip((3, 12), FAULTS.items(), strict=True):
        with pytest.raises(UnavailableError, match=reason), when_reached(step, fault, catalog) as progress:
            transform(place.spark, place.lens, config, on_progress=progress)
        place.spark = spark.newSession()
    transform(place.spark, place.lens, config)
    (tmp_path / "anew").mkdir()
    names = [model.name for model in translate(config)[0]]
    assert dict(different(place.spark, build_rows(rows, tmp_path / "anew"), names)) == {}
    assert transform(place.spark, place.lens, config).unchanged


def test_compact_removes_old_files_of_no_table_and_no_other(
    spark: SparkSession, spark_place: Path, tmp_path: Path
) -> None:
    place = SparkLanding(spark.newSession(), tmp_path)
    for day in ("2026-03-04", "2026-03-05"):
        place.land(row("a", day=date.fromisoformat(day)), row(day, day=date.fromisoformat(day)))
        place.load()
    folder = spark_place / "iceberg" / "raw" / "conversations"
    for path in folder.rglob("*.*"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    live = {path for path in folder.rglob("*.parquet") if path.name in files_of(place.spark)}
    left, writing = folder / "data" / "left.parquet", folder / "data" / "writing.parquet"
    for path in (left, writing):
        path.write_bytes(b"PAR1")
    os.utime(left, (LONG_AGO, LONG_AGO))
    compact(place.spark, place.lens, raw_dir=place.landing)
    assert {path for path in live if path.exists()} == live
    assert (left.exists(), writing.exists()) == (False, True)
    assert place.ask("SELECT _id FROM raw.conversations ORDER BY _id") == ["2026-03-04", "2026-03-05", "a"]


def test_a_file_that_is_gone_is_found_and_tables_are_built_again(
    spark: SparkSession, spark_place: Path, tmp_path: Path
) -> None:
    place = SparkLanding(spark.newSession(), tmp_path)
    assert place.lens.unreadable() == {}
    place.land(row("a", day=date(2026, 3, 4)))
    place.load()
    assert place.lens.unreadable() == {}
    for name in files_of(place.spark):
        next((spark_place / "iceberg" / "raw").rglob(name)).unlink()
    looked = checkup(place.spark, place.lens, raw_dir=place.landing, address=None)
    found = {finding.check: finding for finding in looked}["tables"]
    assert found.state == "error"
    assert found.message.startswith("1 table cannot be read, raw.conversations for one. ")
    with pytest.raises(WarehouseError, match="No files found"):
        place.load()
    for name in RAW:
        drop(place.spark, name)
    place.load()
    assert place.ask("SELECT _id FROM raw.conversations") == ["a"]


def test_a_version_that_says_the_same_is_unchanged_and_nothing_follows_it(
    spark: SparkSession, tmp_path: Path
) -> None:
    place = SparkLanding(spark.newSession(), tmp_path)
    table = ModelTable(place.spark, COPIES)
    place.spark.sql("CREATE NAMESPACE IF NOT EXISTS mine")
    place.land(row("a", 1, message_content="same"), row("b", 1))
    place.load()
    table.update(full_refresh=False)
    assert table.touched_keys() == 0
    place.land(row("a", 3, message_content="same"), row("b", 3), row("c", 3))
    place.load()
    assert place.ask(f"{OUTCOMES} ORDER BY loaded_at DESC LIMIT 1") == [(1, 1, 1)]
    assert table.touched_keys() == 2
    place.land(row("a", 2, message_content="read in between"))
    place.load()
    assert place.ask(f"{OUTCOMES} ORDER BY loaded_at DESC LIMIT 1") == [(0, 0, 1)]
    assert place.ask("SELECT message_content FROM raw.conversations WHERE _id = 'a'") == ["same"]
    place.load(full_refresh=True)
    assert place.ask(f"SELECT sum(inserted), sum(updated), sum(unchanged) FROM ({OUTCOMES})") == [(0, 0, 6)]
    assert table.touched_keys() == 2


def files_of(spark: SparkSession) -> set[str]:
    """The names of the files of all snapshots of the documents."""
    files = spark.table("raw.conversations.all_files").select("file_path").collect()
    return {Path(file.file_path).name for file in files}
