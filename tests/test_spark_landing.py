"""The landing beside Iceberg's tables: what is loaded, and how days leave both; run by ``nox -s spark``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from conftest import landed_in
from engines import IGNORED
from test_load import DAY, SCHEMA, of_newer_clogs, row

from clogs.errors import ClogsError
from clogs.landing import prune as shared
from clogs.landing.files import land
from clogs.spark import prune as own
from clogs.spark.extract import ATTEMPTS
from clogs.spark.lens import Lens
from clogs.spark.load import load

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.filterwarnings(IGNORED), pytest.mark.slow]

ROWS = "SELECT _id FROM raw.conversations ORDER BY _id"
LEDGER = "SELECT left(file, 15), status FROM raw.ledger ORDER BY file"
DAYS = "SELECT DISTINCT concat('date=', date) FROM raw.conversations ORDER BY 1"
LOADED = "SELECT DISTINCT left(file, 15) FROM raw.ledger WHERE status = 'landed' ORDER BY 1"
Line = tuple[str, int]


class KilledError(BaseException):
    """What ends a prune between two lines."""


class SparkLanding:
    """A landing, the tables of it, and the lens to read them by."""

    def __init__(self, spark: SparkSession, root: Path) -> None:
        self.spark, self.root, self.landing = spark, root, root / "landing"
        self.lens = Lens(path=root / "lens.duckdb", lock_timeout=timedelta(0))
        for table in ("conversations", "ledger"):
            spark.sql(f"DROP TABLE IF EXISTS raw.{table}")

    def land(self, *rows: dict[str, Any]) -> None:
        land(pl.DataFrame(rows, SCHEMA), self.landing, name="1")

    def load(self, **options: Any) -> int:  # noqa: ANN401  # what `load` takes
        letters = self.root / "dead_letters"
        return load(
            self.spark, self.lens, raw_dir=self.landing, dead_letter_dir=letters, run="run", **options
        ).files

    def prune(self, before: date = DAY) -> shared.PruneResult:
        return own.prune(self.spark, self.lens, raw_dir=self.landing, before=before)

    def ask(self, query: str) -> list[Any]:
        with self.lens.opened() as connection:
            return [row if len(row) > 1 else row[0] for row in connection.execute(query).fetchall()]

    def days(self) -> list[str]:
        return [path.parent.name for path in landed_in(self.landing)]


@pytest.fixture
def place(spark: SparkSession, tmp_path: Path) -> SparkLanding:
    return SparkLanding(spark, tmp_path)


def test_a_file_that_cannot_be_read_just_now_does_not_stop_the_others(place: SparkLanding) -> None:
    place.land(row("newer"))
    (path,) = landed_in(place.landing)
    of_newer_clogs(path)
    place.land(row("a"))
    with pytest.raises(ClogsError, match="was written by a newer clogs") as failure:
        place.load()
    assert str(failure.value.hint).startswith("Upgrade clogs")
    assert place.ask(ROWS) == ["a"]


def test_days_before_are_gone_and_no_load_brings_them_back(place: SparkLanding) -> None:
    place.land(row("old", day=date(2025, 12, 31)), row("eve", day=DAY - timedelta(days=1)), row("day"))
    place.load()
    place.land(row("new", day=date(2025, 12, 31)))
    (place.landing / ATTEMPTS / "of_a_killed_run").mkdir(parents=True)
    found = place.prune()
    assert (found.days, found.rows, found.files) == (2, 2, 3)
    assert not (place.landing / ATTEMPTS).exists()
    (kept,) = map(pl.read_parquet, (place.landing / "pruned").iterdir())
    assert set(kept["_id"]) == {"old", "eve", "new"}
    left = ["day"], [("date=2025-12-31", "pruned"), ("date=2026-03-03", "pruned"), (f"date={DAY}", "landed")]
    for full_refresh in (False, True):
        assert (place.ask(ROWS), place.ask(LEDGER), place.days()) == (*left, [f"date={DAY}"])
        assert place.load(full_refresh=full_refresh) == full_refresh
    place.land(row("old", 1, day=date(2025, 12, 31)))
    assert place.load() == 1
    assert place.ask(ROWS) == ["day", "old"]
    assert place.load() == 0
    assert place.ask(ROWS) == ["day", "old"]


def test_a_copy_of_the_rows_is_written_and_no_file_of_deletions(place: SparkLanding) -> None:
    place.land(row("a", day=DAY - timedelta(days=1)), row("b"))
    place.load()
    place.prune()
    assert {row.content for row in place.spark.table("raw.conversations.all_files").collect()} == {0}


def test_killed_before_any_line_the_next_load_ends_it(place: SparkLanding) -> None:
    day, lines = DAY, set[Line]()
    is_killed = True
    place.land(row("stays", day=date(2028, 1, 1)))
    while is_killed:
        place.land(row(f"of {day}", day=day))
        place.load(full_refresh=len(lines) % 2 == 1)
        days = sorted({*place.days()})
        assert (place.ask(DAYS), place.ask(LOADED)) == (days, days), lines
        place.land(row(f"late of {day}", day=day))
        day += timedelta(days=1)
        with killed_at_a_new_line(lines) as killed:
            place.prune(day)
        is_killed = killed[0]
    place.load()
    assert (place.ask(ROWS), place.days()) == (["stays"], ["date=2028-01-01"])
    assert len(lines) > 12


@contextmanager
def killed_at_a_new_line(done: set[Line]) -> Iterator[list[bool]]:
    """End a prune before the first line that is not done yet, and add it; say whether there was one.

    The lines count from where it keeps the ids of what goes: until then it changes nothing.
    """
    killed, begun = [False], False

    def trace(frame: FrameType, event: str, _: object) -> Any:  # noqa: ANN401  # as `sys.settrace` has it
        nonlocal begun
        line = frame.f_code.co_filename, frame.f_lineno
        if line[0] not in {own.__file__, shared.__file__}:
            return None
        begun = begun or frame.f_code.co_name == "_keep_ids"
        if begun and event == "line" and line not in done:
            done.add(line)
            raise KilledError
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield killed
    except KilledError:
        killed[:] = [True]
    finally:
        sys.settrace(before)
