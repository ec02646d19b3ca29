"""Parquet → ``raw.conversations``: the newest version of each document, and a ledger of what was loaded."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import polars as pl

from clogs import dead_letters, warehouse
from clogs.columns import POLARS_TYPES
from clogs.dead_letters import DeadLetter
from clogs.errors import ClogsError, DataError
from clogs.files import write_atomic
from clogs.landing import landed
from clogs.schemas import COLUMNS
from clogs.warehouse import Connection
from clogs.wording import count

BATCH_BYTES = 256 * 1024 * 1024
"""Landing files are upserted together up to this size in memory: enough to spread the cost of a MERGE."""

_SCHEMA = pl.Schema({column.name: POLARS_TYPES[column.kind] for column in COLUMNS})
_NAMES = ", ".join(f'"{column.name}"' for column in COLUMNS)
_UPSERT = f"""
    MERGE INTO raw.conversations AS known USING incoming ON known._id = incoming._id
    WHEN MATCHED AND incoming.extracted_at > known.extracted_at THEN
        UPDATE SET {", ".join(f'"{column.name}" = incoming."{column.name}"' for column in COLUMNS[1:])}
    WHEN NOT MATCHED THEN
        INSERT ({_NAMES}) VALUES ({", ".join(f'incoming."{column.name}"' for column in COLUMNS)})
    RETURNING merge_action
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What a load did.

    Attributes:
        files: Landing files loaded; those in the ledger are not read again.
        rows: Rows in them.
        inserted: Documents that were not in the table.
        updated: Documents whose row was replaced by a newer version.
        total: Rows in ``raw.conversations`` afterwards.
        seconds: Wall time.
    """

    files: int
    rows: int
    inserted: int
    updated: int
    total: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What ``raw.conversations`` holds.

    Attributes:
        rows: Documents.
        first_day: The earliest date; None in an empty table.
        last_day: The latest.
        days: Dates with documents.
        types: Rows per entry type, most first.
        projects: Rows per project, most first.
    """

    rows: int
    first_day: date | None
    last_day: date | None
    days: int
    types: dict[str, int]
    projects: dict[str, int]


class _DamagedError(Exception):
    """A file in the landing folder is no landing file, or no longer."""


def load(
    connection: Connection, *, raw_dir: Path, dead_letter_dir: Path, run: str, full_refresh: bool = False
) -> LoadResult:
    """Load the landing files that the ledger does not know.

    Rows and ledger are written in one transaction per batch of files, or in one for all of them under
    `full_refresh`, so that readers see the old table or the new one. Loading is done in the order of
    partitions; the newest version of a document wins in whatever order its versions come.

    Args:
        connection: The warehouse, writable.
        raw_dir: The landing folder.
        dead_letter_dir: Where damaged files are set aside.
        run: The run's id, for the ledger.
        full_refresh: Rebuild the table from all landing files.

    Raises:
        DataError: A file is damaged, and set aside, or was changed after it was loaded; under
            `full_refresh` also if rows would be lost, and then the table stays as it was.
        ClogsError: A file cannot be read or moved just now.
    """
    started = time.perf_counter()
    warehouse.create_tables(connection)
    damaged: dict[Path, str] = {}
    changed: list[Path] = []
    files = rows = inserted = updated = 0
    with ExitStack() as stack:
        if full_refresh:
            stack.enter_context(warehouse.transaction(connection))
            before = _ledger(connection)
            connection.execute("DELETE FROM raw.conversations; DELETE FROM raw.ledger")
        for batch in _batches(_unknown(connection, raw_dir, changed), damaged):
            with ExitStack() if full_refresh else warehouse.transaction(connection):
                new, newer = _upsert(connection, batch)
                _enter(connection, batch, raw_dir, run)
            files, rows = files + len(batch), rows + sum(frame.height for frame in batch.values())
            inserted, updated = inserted + new, updated + newer
        if full_refresh:
            _require_all(before.keys() - _ledger(connection).keys())
    _set_aside(damaged, raw_dir, dead_letter_dir, run)
    _refuse(changed)
    return LoadResult(
        files=files,
        rows=rows,
        inserted=inserted,
        updated=updated,
        total=_one(connection, "SELECT count(*) FROM raw.conversations"),
        seconds=time.perf_counter() - started,
    )


def stats(connection: Connection) -> Stats:
    """Count what ``raw.conversations`` holds."""
    rows, first, last, days = connection.execute(
        "SELECT count(*), min(date), max(date), count(DISTINCT date) FROM raw.conversations"
    ).fetchall()[0]
    return Stats(
        rows=rows,
        first_day=first,
        last_day=last,
        days=days,
        types=_counts(connection, "type"),
        projects=_counts(connection, "project_id"),
    )


def _unknown(connection: Connection, raw_dir: Path, changed: list[Path]) -> Iterator[Path]:
    """The files that the ledger does not know; those it knows otherwise are noted in ``changed``."""
    ledger = _ledger(connection)
    for path in landed(raw_dir):
        size = ledger.get(_ledger_name(path, raw_dir))
        if size is None:
            yield path
        elif size != path.stat().st_size:
            changed.append(path)


def _ledger(connection: Connection) -> dict[str, int]:
    """The bytes of every file that was loaded."""
    return dict(connection.execute("SELECT file, bytes FROM raw.ledger").fetchall())


def _require_all(lost: Collection[str]) -> None:
    if lost:
        raise DataError(
            f"{count(len(lost), 'landing file')} that the table was loaded from cannot be read any more:"
            f" {', '.join(sorted(lost))}. The table is as it was.",
            hint="To rebuild it from what is left, move the warehouse away, then: clogs load",
        )


def _batches(files: Iterable[Path], damaged: dict[Path, str]) -> Iterator[dict[Path, pl.DataFrame]]:
    """Read files until they fill `BATCH_BYTES`; those that cannot be read are noted in ``damaged``."""
    batch: dict[Path, pl.DataFrame] = {}
    size = 0
    for path in files:
        try:
            frame = _read(path)
        except _DamagedError as exc:
            damaged[path] = str(exc)
            continue
        batch[path] = frame
        size += int(frame.estimated_size())
        if size > BATCH_BYTES:
            yield batch
            batch, size = {}, 0
    if batch:
        yield batch


def _read(path: Path) -> pl.DataFrame:
    try:
        day = date.fromisoformat(path.parent.name.removeprefix("date="))
        frame = pl.read_parquet(path, hive_partitioning=False)
        frame = frame.with_columns(date=day).select(_SCHEMA.names())
    except OSError as exc:
        raise ClogsError(
            f"Cannot read {path}: {exc.strerror or exc}.", hint="Fix it, then: clogs load"
        ) from exc
    except (ValueError, pl.exceptions.PolarsError) as exc:
        raise _DamagedError(f"cannot be read: {str(exc).partition(chr(10))[0]}") from exc
    wrong = [name for name, kind in _SCHEMA.items() if frame.schema[name] != kind]
    if wrong:
        raise _DamagedError(f"has another type in {', '.join(wrong)}")
    if frame["_id"].null_count():
        raise _DamagedError("has rows without _id")
    return frame


def _upsert(connection: Connection, batch: dict[Path, pl.DataFrame]) -> tuple[int, int]:
    """Insert or replace, and count the documents that were new and those that changed."""
    newest = pl.concat(batch.values()).sort("extracted_at", maintain_order=True).unique("_id", keep="last")
    connection.register("incoming", newest)
    try:
        actions = connection.execute(_UPSERT).pl()["merge_action"]
    finally:
        connection.unregister("incoming")
    return actions.to_list().count("INSERT"), actions.to_list().count("UPDATE")


def _enter(connection: Connection, batch: dict[Path, pl.DataFrame], raw_dir: Path, run: str) -> None:
    now = datetime.now(UTC)
    entries = [
        (_ledger_name(path, raw_dir), path.stat().st_size, frame.height, run, now)
        for path, frame in batch.items()
    ]
    connection.executemany("INSERT INTO raw.ledger VALUES (?, ?, ?, ?, ?)", entries)


def _ledger_name(path: Path, raw_dir: Path) -> str:
    return path.relative_to(raw_dir).as_posix()


def _set_aside(damaged: dict[Path, str], raw_dir: Path, dead_letter_dir: Path, run: str) -> None:
    """Move damaged files to the dead letters, and say so."""
    if not damaged:
        return
    letters = [
        DeadLetter(
            stage="load",
            source=_ledger_name(path, raw_dir),
            reasons=(reason,),
            document=f"landing/{_ledger_name(path, raw_dir)}",
            run=run,
            at=datetime.now(UTC),
        )
        for path, reason in damaged.items()
    ]
    dead_letters.write(dead_letter_dir, letters)
    for path in damaged:
        aside = dead_letter_dir / "landing" / path.relative_to(raw_dir)
        write_atomic(aside, partial(shutil.copyfile, path))
        path.unlink()
    faults = "; ".join(f"{_ledger_name(path, raw_dir)} {reason}" for path, reason in damaged.items())
    raise DataError(
        f"{count(len(damaged), 'damaged landing file')} set aside in {dead_letter_dir / 'landing'}: {faults}."
        " All others are loaded.",
        hint="Read again from MongoDB what they held: clogs extract --full-backfill",
    )


def _refuse(changed: Sequence[Path]) -> None:
    if changed:
        names = ", ".join(map(str, changed))
        raise DataError(
            f"{count(len(changed), 'landing file')} changed after being loaded: {names}."
            " All others are loaded.",
            hint="Put them back as they were, or move them away: the table keeps their rows.",
        )


def _counts(connection: Connection, column: str) -> dict[str, int]:
    rows: Sequence[tuple[str, int]] = connection.execute(
        f"SELECT coalesce({column}, '(none)'), count(*) FROM raw.conversations GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    return dict(rows)


def _one(connection: Connection, sql: str) -> int:
    return int(connection.execute(sql).fetchall()[0][0])
