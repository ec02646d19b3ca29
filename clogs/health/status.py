"""Looking how things stand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from clogs import dead_letters, warehouse
from clogs.errors import ClogsError, UnavailableError
from clogs.extract.watermark import ExtractState, extract_state_path, read_extract_state
from clogs.health.model import (
    RUNS_SHOWN,
    DeadLetterStatus,
    ExtractionStatus,
    LandingStatus,
    Load,
    SourceStatus,
    Status,
    WarehouseStatus,
)
from clogs.landing.files import identity, landed
from clogs.mongo import Address, connect
from clogs.runs.lock import holder
from clogs.runs.records import read
from clogs.warehouse import Connection

_FRESHNESS = """
    SELECT count(*), max(ingested_at) FILTER (ingested_at <= now()), max(timestamp) FROM raw.conversations
"""
_GOLD = """
    SELECT table_name FROM information_schema.tables
    WHERE table_schema = 'gold' AND table_catalog = current_database() ORDER BY table_name
"""
_LOADS = f"""
    SELECT run, max(loaded_at), count(*), sum(rows)::BIGINT
    FROM raw.ledger GROUP BY run ORDER BY max(loaded_at) DESC, run DESC LIMIT {RUNS_SHOWN}
"""


def status(
    address: Address,
    *,
    watermark_field: str,
    raw_dir: Path,
    dead_letter_dir: Path,
    state_dir: Path,
    warehouse_path: Path,
    next_run: datetime | None,
) -> Status:
    """Look how things stand, and change nothing.

    What cannot be read just now is told in its part, and the rest is there; run records are passed over.

    Args:
        address: The collection.
        watermark_field: The Date field that grows as documents arrive.
        raw_dir: The landing folder.
        dead_letter_dir: Where rejected documents are.
        state_dir: Where the watermark is kept.
        warehouse_path: The DuckDB file.
        next_run: When the next scheduled run comes, in UTC; None where none does.

    Raises:
        SettingsError: The URI is malformed.
        ClogsError: A folder cannot be read.
    """
    with _readable():
        source = _source(address, watermark_field)
        state = _state(address, watermark_field, raw_dir, state_dir)
        return Status(
            at=datetime.now(UTC),
            source=source,
            extraction=ExtractionStatus(
                watermark_field=watermark_field,
                watermark=state.watermark,
                behind_seconds=_ahead(source.newest, state.watermark),
                extracted_at=state.extracted_at,
            ),
            landing=landing(raw_dir),
            dead_letters=_dead_letters(dead_letter_dir),
            warehouse=_warehouse(warehouse_path),
            runs=tuple(islice(read(state_dir), RUNS_SHOWN)),
            running=holder(state_dir),
            next_run=next_run,
        )


def landing(raw_dir: Path) -> LandingStatus:
    """Count the landing files and their bytes."""
    sizes = [_bytes(path) for path in landed(raw_dir)]
    return LandingStatus(folder=raw_dir, files=len(sizes), bytes=sum(sizes))


def bytes_on_disk(warehouse_path: Path) -> int:
    """The size of a warehouse with what DuckDB has still to write into it; 0 where there is none."""
    return _bytes(warehouse_path) + _bytes(warehouse_path.with_name(f"{warehouse_path.name}.wal"))


def _source(address: Address, watermark_field: str) -> SourceStatus:
    try:
        with connect(address) as source:
            if not source.exists():
                return SourceStatus(name=source.name, exists=False, documents=0, undated=0)
            return SourceStatus(
                name=source.name,
                exists=True,
                documents=source.estimated_count(),
                newest=source.newest(watermark_field),
                undated=source.count_undated(watermark_field),
            )
    except UnavailableError as error:
        return SourceStatus(name=address.name, fault=error.message)


def _state(address: Address, watermark_field: str, raw_dir: Path, state_dir: Path) -> ExtractState:
    path = extract_state_path(
        state_dir,
        source=address.name,
        watermark_field=watermark_field,
        landing=identity(raw_dir, create=False),
    )
    return read_extract_state(path)


def _ahead(newest: datetime | None, watermark: datetime | None) -> float | None:
    if newest is None or watermark is None:
        return None
    return max(0.0, (newest - watermark).total_seconds())


def _dead_letters(folder: Path) -> DeadLetterStatus:
    try:
        moments = [letter.at for letter in dead_letters.read(folder)]
    except ClogsError as error:
        return DeadLetterStatus(folder=folder, fault=error.message)
    return DeadLetterStatus(folder=folder, count=len(moments), newest=max(moments, default=None))


def _warehouse(path: Path) -> WarehouseStatus:
    if not path.exists():
        return WarehouseStatus(path=path)
    try:
        with warehouse.connect(path, read_only=True) as connection:
            return _inside(connection, path)
    except ClogsError as error:
        return WarehouseStatus(path=path, fault=error.message, bytes=bytes_on_disk(path))


def _inside(connection: Connection, path: Path) -> WarehouseStatus:
    if not warehouse.has_tables(connection):
        return WarehouseStatus(path=path, bytes=bytes_on_disk(path))
    rows, newest_ingested_at, newest_timestamp = connection.execute(_FRESHNESS).fetchall()[0]
    tables = [name for (name,) in connection.execute(_GOLD).fetchall()]
    gold = {f"gold.{name}": _count(connection, name) for name in tables}
    loads = (
        Load(run=run, loaded_at=loaded_at, files=files, rows=loaded)
        for run, loaded_at, files, loaded in connection.execute(_LOADS).fetchall()
    )
    return WarehouseStatus(
        path=path,
        bytes=bytes_on_disk(path),
        rows={"raw.conversations": rows} | gold,
        newest_ingested_at=newest_ingested_at,
        newest_timestamp=newest_timestamp,
        last_loads=tuple(loads),
    )


def _count(connection: Connection, gold_table: str) -> int:
    quoted = gold_table.replace('"', '""')
    _, rows = warehouse.query(connection, f'SELECT count(*) FROM gold."{quoted}"')
    return int(rows[0][0])


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):  # a run may have moved it just now
        return 0


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise ClogsError(
            f"Cannot read {exc.filename}: {exc.strerror}.", hint="Look for the cause with: clogs doctor"
        ) from exc
