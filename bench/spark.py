"""The measures of Spark with tables of Iceberg: what news cost among few documents, and among many."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import duckdb
import polars as pl
from engines import JARS

from bench.arrivals import Arrivals, arrivals
from bench.landings import add, extracted, prolonged
from bench.measure import MB
from bench.rows import NO_BOUND, Row, folder
from bench.transforming import clogs
from clogs.landing.files import land

COUNTS = (100_000, 1_000_000, 5_000_000)
EXTRACTED = 130_000
"""So many documents are made up; there are more by repeating them on other days."""
NEWS = 10_000
CONFIG = {"spark.driver.memory": "4g", **({"spark.jars": JARS} if JARS else {})}

_VIEWS = "SELECT schema_name || '.' || view_name, sql FROM duckdb_views() WHERE NOT internal"

Files = Mapping[str, frozenset[Path]]
"""The files of each table."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A load and a transform.

    Attributes:
        load: The seconds of the command.
        transform: The seconds of the command.
        before: The files before.
        after: The files afterwards.
    """

    load: float
    transform: float
    before: Files
    after: Files

    @property
    def seconds(self) -> float:
        """Those of both."""
        return self.load + self.transform

    @property
    def written(self) -> Mapping[str, int]:
        """The bytes of the new files of each table."""
        return {name: size(files - self.before.get(name, frozenset())) for name, files in self.after.items()}

    @property
    def share(self) -> float:
        """The bytes of new files, of those that were there."""
        return sum(self.written.values()) / sum(map(size, self.before.values()))

    def __str__(self) -> str:
        largest = sorted(self.written.items(), key=lambda item: -item[1])[:4]
        written = ", ".join(
            f"{name} {wrote / MB:.1f} of {size(self.before.get(name, frozenset())) / MB:.1f} MB"
            for name, wrote in largest
        )
        return f"load {self.load:.0f} s, transform {self.transform:.0f} s; written: {written}"


def spark(scale: float) -> Iterator[Row]:
    """News among few documents, and among many."""
    counts = [int(count * scale) for count in COUNTS]
    with folder() as name:
        place = Path(name)
        most = counts[-1] + 2 * NEWS
        landing = prolonged(extracted(EXTRACTED, place), ceil(most / EXTRACTED), place / "prolonged")
        took = []
        for count in counts:
            found = arrivals(landing, count)
            base = filled(found, place / f"{count}")
            built = run(base)
            files = sum(map(len, built.after.values()))
            yield Row(f"a first build of {count:,}, s", f"{built}; {files} files", built.seconds)
            recent = follow(base, news(found, 0, base, edited_from=max(0, count - NEWS)))
            took.append(recent.seconds)
            yield rewritten("recent news", count, recent, "≤ 0.05" if count == COUNTS[-1] else NO_BOUND)
            anywhere = follow(base, news(found, 1, base, edited_from=0))
            yield rewritten("news with edits anywhere", count, anywhere, NO_BOUND)
    figures = f"{NEWS:,} recent news: {', '.join(f'{seconds:.0f} s' for seconds in took)}"
    yield Row("load and transform among the most / among the fewest", figures, took[-1] / took[0], "≤ 2")


def rewritten(what: str, count: int, ran: Ran, bound: str) -> Row:
    """How many bytes news made new."""
    return Row(f"bytes written / there, {what}", f"{NEWS:,} among {count:,}: {ran}", ran.share, bound)


def filled(found: Arrivals, place: Path) -> Path:
    """Make a folder for all data, with a landing of the documents that are there at first."""
    for day in sorted(found.landing.glob("date=*")):
        rows = pl.scan_parquet(day / "*.parquet", hive_partitioning=True).filter(pl.col("_id") < found.end)
        land(rows.collect(), place / "landing", name="first")
    return place


def news(found: Arrivals, number: int, place: Path, *, edited_from: int) -> Path:
    """Land the next news in a folder of their own."""
    return found.news(number, NEWS, place / f"news_{number}", edited_from=edited_from)


def follow(base: Path, landed: Path) -> Ran:
    """Load news, and let the models follow."""
    add(landed, base / "landing")
    return run(base)


def run(base: Path) -> Ran:
    """Run ``clogs load`` and ``clogs transform`` with Spark on two cores."""
    before = files_of(base)
    os.sync()
    config = re.sub(r'": "', '" = "', json.dumps(CONFIG))
    variables = {"ENGINE_KIND": "spark", "SPARK_MASTER": "local[2]", "SPARK_CONFIG": config}
    load = clogs(base, "load", watch_memory=False, **variables)
    transform = clogs(base, "transform", watch_memory=False, **variables)
    return Ran(load.seconds, transform.seconds, before, files_of(base))


def files_of(base: Path) -> Files:
    """The files of all tables, as the lens has them."""
    lens = base / "clogs.duckdb"
    if not lens.exists():
        return {}
    with duckdb.connect(lens, read_only=True) as connection:
        views = connection.execute(_VIEWS).fetchall()
    return {name: frozenset(map(Path, re.findall(r"'(/[^']+\.parquet)'", sql))) for name, sql in views}


def size(files: frozenset[Path]) -> int:
    """The bytes of some files."""
    return sum(path.stat().st_size for path in files)
