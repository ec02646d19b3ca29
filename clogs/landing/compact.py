"""Many small landing files of a day → one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

from clogs import warehouse
from clogs.errors import DataError
from clogs.files import sweep_temporary, write_named
from clogs.landing.compare import compare, record
from clogs.landing.files import FORMAT, FORMAT_KEY, ZSTD_LEVEL, day_of, file_name, landed, sha256_of
from clogs.landing.ledger import Known, enter_merged, ledger_name, read_ledger, set_status
from clogs.landing.newest import LANDED, open_files
from clogs.landing.verify import DamagedError, check
from clogs.schema import COLUMNS
from clogs.warehouse import Connection

SMALL_BYTES = 32 * 1024 * 1024
"""Files of at least this size are left alone."""

MERGED_BYTES = 256 * 1024 * 1024
"""So many bytes, at most, are merged into one file."""

PAYS_FROM = 16
"""So many small files of one day make it worth while. A day of hourly runs leaves 24 or more."""

_COLUMNS = ", ".join(f'"{column.name}"' for column in COLUMNS if column.name != "date")
_COPY = f"""
    COPY (
        SELECT {_COLUMNS} FROM {LANDED} AS landed
        SEMI JOIN newest ON landed.file_index = newest.file AND landed.file_row_number = newest.place
    )
    TO '{{aside}}' (
        FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {ZSTD_LEVEL}, USE_TMP_FILE false,
        KV_METADATA {{{{'{FORMAT_KEY}': '{FORMAT}'}}}}
    )
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactResult:
    """What a compaction did.

    Attributes:
        days: Partitions with fewer files than before.
        merged: Files that were merged, and are gone.
        files: Files that hold their rows now.
        bytes_before: Size of the merged files.
        bytes_after: Size of those that hold their rows.
        seconds: Wall time.
    """

    days: int
    merged: int
    files: int
    bytes_before: int
    bytes_after: int
    seconds: float


def compact(
    connection: Connection,
    *,
    raw_dir: Path,
    run: str,
    today: date,
    least: int = 2,
    on_progress: Callable[[int, int | None], None] = lambda _done, _total: None,
) -> CompactResult:
    """Merge the small loaded files of days that are over, as `candidates` finds them.

    A merged file holds the newest of its versions of each document. It is durable before the ledger names
    it, and the ledger names it before any of the old files is removed. After a crash in between, the next
    load finds in it what is loaded already, or removes the old files that are left.

    Args:
        connection: The warehouse, writable.
        raw_dir: The landing folder.
        run: The run's id, part of the files' names.
        today: The day from which on partitions are left alone, in UTC.
        least: How many small files a day must have.
        on_progress: Called with how many days are done, and how many there are.

    Raises:
        DataError: A file is damaged.
        ClogsError: A file cannot be read or written.
    """
    started = time.perf_counter()
    warehouse.create_tables(connection)
    sweep_temporary(raw_dir)
    found = compare(connection, raw_dir)
    record(connection, found)
    ledger = read_ledger(connection)
    days = candidates(raw_dir, today=today, least=least, among=set(found.loaded))
    merges: list[tuple[list[Path], Path]] = []
    before = after = 0
    with warehouse.bounded(connection):
        for done, files in enumerate(days, start=1):
            for number, chunk in enumerate(each for each in _chunks(files) if len(each) > 1):
                _require_intact(chunk, raw_dir, ledger)
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


def candidates(raw_dir: Path, *, today: date, least: int, among: set[Path] | None = None) -> list[list[Path]]:
    """Find the days before ``today`` that have at least ``least`` small files, and these files, in order.

    Args:
        raw_dir: The landing folder.
        today: In UTC.
        least: How many.
        among: Leave out all other files; None for none.
    """
    small = (
        path
        for path in landed(raw_dir)
        if (among is None or path in among)
        and (day := day_of(path)) is not None
        and day < today
        and path.stat().st_size < SMALL_BYTES
    )
    days = (list(files) for _, files in groupby(small, key=lambda path: path.parent))
    return [files for files in days if len(files) >= least]


def _chunks(files: Sequence[Path]) -> Iterator[list[Path]]:
    """Files that together are small enough for one."""
    chunk: list[Path] = []
    size = 0
    for path in files:
        size += _size([path])
        if size > MERGED_BYTES:
            yield chunk
            chunk, size = [], _size([path])
        chunk.append(path)
    yield chunk


def _merge(connection: Connection, files: Sequence[Path], raw_dir: Path, run: str, number: int) -> Path:
    """Write the file, tell the ledger, and remove what it replaces, in this order."""
    open_files(connection, files)
    rows = 0

    def copy(aside: Path) -> None:
        nonlocal rows
        quoted = str(aside).replace("'", "''")
        rows = connection.execute(_COPY.format(aside=quoted)).fetchall()[0][0]

    path = write_named(
        files[0].parent, copy, lambda aside: file_name(f"{run}_merged_{number:04}", sha256_of(aside))
    )
    with warehouse.transaction(connection):
        merged = check(path, raw_dir)
        enter_merged(connection, merged, rows=rows, run=run)
        names = [ledger_name(each, raw_dir) for each in files]
        set_status(connection, names, "compacted", merged_into=merged.name)
    for each in files:
        each.unlink()
    return path


def _require_intact(files: Sequence[Path], raw_dir: Path, ledger: Mapping[str, Known]) -> None:
    for path in files:
        try:
            is_intact = check(path, raw_dir).sha256 == ledger[ledger_name(path, raw_dir)].sha256
        except DamagedError:
            is_intact = False
        if not is_intact:
            raise DataError(
                f"{path} is not what was loaded from it: it is not merged.",
                hint="Put it back from a backup, or move it away: the warehouse keeps its rows.",
            )


def _size(files: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in files)
