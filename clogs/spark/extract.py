"""Ranges of a collection as a job of Spark: each task reads one from MongoDB, and lands it.

A task may run twice, or in two copies, one of which may have read an older version of a document. Each
attempt lands in a folder of its own, from where the driver moves what belongs to the result that it takes.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import polars as pl

from clogs import dead_letters
from clogs.dead_letters import DeadLetter
from clogs.errors import ClogsError
from clogs.extract.range import ExtractCounts, ExtractJob, Landed, land_range
from clogs.extract.scan import Read
from clogs.extract.watermark import ExtractState, write_extract_state
from clogs.landing.files import landed
from clogs.landing.place import Place, delete_folder, move
from clogs.terminal.text import count

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

RANGES = 100
"""How many ranges a job of Spark lands, or two per core if that is more. Progress is reported after each."""

ATTEMPTS = ".attempts"
"""The part of the landing that attempts write to, and no load reads."""


class _Result(NamedTuple):
    """What became of a range: where its files are, and all that the driver has to write.

    `letters` is compressed, as Spark allows few bytes for all results of a job.
    """

    folder: Place
    counts: ExtractCounts
    window: pl.DataFrame
    letters: bytes


def land_ranges(
    session: AbstractContextManager[SparkSession],
    ranges: Sequence[Read],
    job: ExtractJob,
    before: ExtractState,
) -> Generator[Landed]:
    """Land ranges by Spark's executors, which have to reach MongoDB and the landing.

    Yields:
        What became of a range; of its documents, those that the next run may read again.

    Raises:
        SourceError: The source cannot be read.
        ClogsError: A file cannot be written, or is not seen by the driver, or Spark fails.
    """
    write_extract_state(before.begun(job.started))
    delete_folder(job.raw_dir / ATTEMPTS)  # of a run that was killed
    numbered = list(enumerate(ranges))
    with session as spark:
        context = spark.sparkContext
        size = max(RANGES, 2 * context.defaultParallelism)
        for first in range(0, len(numbered), size):
            some = numbered[first : first + size]
            tasks = context.parallelize(some, len(some))
            for result in tasks.mapPartitions(partial(_land, job, before)).collect():
                letters = msgspec.json.decode(zlib.decompress(result.letters), type=list[DeadLetter])
                dead_letters.write(job.dead_letter_dir, letters)
                _take(result, job.raw_dir)
                yield result.counts, result.window
    delete_folder(job.raw_dir / ATTEMPTS)


def _land(job: ExtractJob, before: ExtractState, ranges: Iterable[tuple[int, Read]]) -> Iterator[_Result]:
    """Land ranges, in a task."""
    from pyspark import TaskContext

    context = TaskContext.get()
    attempt = context.taskAttemptId() if context else 0
    for number, read in ranges:
        part, counts, state = f"{number:03}", ExtractCounts(), ExtractState(before.path)
        folder = job.raw_dir / ATTEMPTS / f"{job.run}_{part}_{attempt}"
        with TemporaryDirectory() as letter_dir:
            here = replace(job, raw_dir=folder, dead_letter_dir=Path(letter_dir))
            for each, documents in land_range(read, here, before, part=part, is_begun=True):
                counts += each
                state = state.plus(documents, until=job.started, lookback=job.lookback, undated=False)
            letters = zlib.compress(msgspec.json.encode(list(dead_letters.read(here.dead_letter_dir))))
        yield _Result(folder, counts, state.pruned(job.lookback, undated=False).window, letters)


def _take(result: _Result, raw_dir: Place) -> None:
    """Move what an attempt has landed to where it counts.

    Raises:
        ClogsError: The driver does not see all of it.
    """
    files = list(landed(result.folder))
    if len(files) != (written := result.counts.files):
        seen = f"the driver sees {len(files):,}"
        raise ClogsError(
            f"An executor wrote {count(written, 'file')} to {result.folder}, but {seen}.",
            hint="Set data.raw_dir to a place that all machines reach. The next run reads all of it again.",
        )
    with ThreadPoolExecutor() as threads:  # as a bucket copies it, and answers late
        for _ in threads.map(lambda path: move(path, raw_dir / path.parent.name / path.name), files):
            pass
