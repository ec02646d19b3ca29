"""Merge the many small landing files of a day into a few large ones."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from clogs import warehouse
from clogs.errors import DataError
from clogs.files import write_named
from clogs.landing.files import FORMAT, FORMAT_KEY, ZSTD_LEVEL, by_size, day_of, file_name, sha256_of
from clogs.landing.ledger import compare, enter_merged, ledger_name, record, remove, set_status
from clogs.landing.newest import arrow_rows, find_newest, reading_rows
from clogs.landing.place import Place, put, size_of, sweep
from clogs.landing.verify import DamagedError, verified
from clogs.schema import COLUMNS
from clogs.terminal.progress import Progress, no_progress
from clogs.warehouse import Connection

SMALL_BYTES = 32 * 1024 * 1024  # files of at least this size are left alone
MERGED_BYTES = 256 * 1024 * 1024  # at most, into one file
MERGED_OBJECT_BYTES = 64 * 1024 * 1024  # at most, into one object: their rows are in memory
PAYS_FROM = 16  # small files of one day from which on the pipeline compacts: hourly runs leave 24 or more

_COLUMNS = ", ".join(f'"{column.name}"' for column in COLUMNS if column.name != "date")
_COPY = f"""
    COPY (
        SELECT {_COLUMNS} FROM landed
        SEMI JOIN newest ON landed.file_index = newest.file AND landed.file_row_number = newest.row_number
    )
    TO {{temporary}} (
        FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {ZSTD_LEVEL}, USE_TMP_FILE false,
        KV_METADATA {{{{'{FORMAT_KEY}': '{FORMAT}'}}}}
    )
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactResult:
    """What a compaction did: it merged so many files of so many days, 0 if not by day, into `files`."""

    days: int
    merged: int
    files: int
    bytes_before: int
    bytes_after: int
    seconds: float


def compact(
    connection: Connection, *, raw_dir: Place, run: str, today: date, on_progress: Progress = no_progress
) -> CompactResult:
    """Merge the small loaded files of days before ``today``, in UTC; ``run`` is in the merged files' names.

    A merged file holds the newest of its versions of each document. It is durable before it is entered in
    the ledger, and entered before any of the old files is removed. After a crash in between, the next
    load finds in it only rows that are loaded already, or removes the remaining old files.

    Raises:
        DataError: A file is damaged.
        ClogsError: A file cannot be read or written.
    """
    started = time.perf_counter()
    warehouse.create_tables(connection)
    sweep(raw_dir)
    diff = compare(connection, raw_dir)
    record(connection, diff)
    days = candidates(diff.loaded, today=today, least=2)
    merges: list[tuple[list[Place], Place]] = []
    most = MERGED_BYTES if isinstance(raw_dir, Path) else MERGED_OBJECT_BYTES
    before = after = 0
    with warehouse.bounded(connection):
        for done, files in enumerate(days, start=1):
            for number, chunk in enumerate(each for each in by_size(files, most) if len(each) > 1):
                before += _size(chunk)
                merges.append((chunk, _merge(connection, chunk, raw_dir, run, number)))
                after += _size([merges[-1][1]])
            on_progress(done, len(days))
    return CompactResult(
        days=len({path.parent for _, path in merges}),
        merged=sum(len(chunk) for chunk, _ in merges),
        files=len(merges),
        bytes_before=before,
        bytes_after=after,
        seconds=time.perf_counter() - started,
    )


def candidates(files: Iterable[Place], *, today: date, least: int) -> list[list[Place]]:
    """Return the small files of each day before ``today``, in UTC, that has at least ``least`` of them.

    The files are ordered by partition, before and after.
    """
    small = (path for path in files if (day := day_of(path)) and day < today and size_of(path) < SMALL_BYTES)
    days = (list(files) for _, files in groupby(small, key=lambda path: path.parent))
    return [files for files in days if len(files) >= least]


def _merge(connection: Connection, files: Sequence[Place], raw_dir: Place, run: str, number: int) -> Place:
    """Write the merged file, enter it in the ledger, and remove the old ones, in this order."""
    frames = [frame for path in files if (frame := _verified(path)) is not None]
    in_memory = arrow_rows(frames) if frames else None
    rows = 0

    def copy(temporary: Path) -> None:
        nonlocal rows
        with reading_rows(connection, in_memory):
            find_newest(connection, files, in_memory)
            found = connection.execute(_COPY.format(temporary=warehouse.literal(str(temporary)))).fetchall()
            rows = found[0][0]

    def name(temporary: Path) -> str:
        return file_name(f"{run}_merged_{number:04}", sha256_of(temporary))

    folder = files[0].parent
    if isinstance(folder, Path):
        merged: Place = write_named(folder, copy, name)
    else:
        with TemporaryDirectory() as scratch:
            temporary = Path(scratch) / "merged"
            copy(temporary)
            merged = put(folder / name(temporary), temporary.read_bytes())
    with warehouse.transaction(connection):
        enter_merged(connection, merged, raw_dir=raw_dir, rows=rows, run=run)
        old = [ledger_name(path, raw_dir) for path in files]
        set_status(connection.execute, old, "compacted", merged_into=ledger_name(merged, raw_dir))
    remove(files)
    return merged


def _verified(path: Place) -> pl.DataFrame | None:
    """The rows of an object; a file is only verified, since DuckDB reads it."""
    try:
        with verified(path) as file:
            return None if isinstance(path, Path) else pl.read_parquet(file)
    except DamagedError as exc:
        raise DataError(
            f"{path} is not what was loaded from it: it is not merged.",
            hint="Put it back from a backup, or move it away: the warehouse keeps its rows.",
        ) from exc


def _size(files: Sequence[Place]) -> int:
    return sum(map(size_of, files))
