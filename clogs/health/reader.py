"""How things stand: reads every part and changes nothing. All moments are in UTC."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from clogs import dead_letters, mongo, warehouse
from clogs.errors import ClogsError, UnavailableError, UsageError
from clogs.extract.changes import mode_in_force
from clogs.extract.watermark import Comparison, extract_state_path, read_extract_state
from clogs.files import reading
from clogs.health.findings import UNREADABLE
from clogs.landing.files import identity, landed
from clogs.landing.place import Place, size_of
from clogs.landing.views import connect
from clogs.runs.lock import holder
from clogs.runs.records import Run, read
from clogs.schedule import next_scheduled
from clogs.transcripts.find import find

RUNS_SHOWN = 5

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


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """The collection, or transcripts in its place; with a fault, only its name is known."""

    name: str  # database, collection and hosts, without user and password
    fault: ClogsError | None = None
    exists: bool | None = None
    documents: int | None = None  # by the collection's metadata: about right
    newest: datetime | None = None  # Date in the watermark field that is not after now
    undated: int | None = None  # documents without a Date there, which no watermark finds
    transcripts: int | None = None  # files
    found_by: str | None = None  # change_stream or watermark: what finds new documents
    found_by_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """How far the source was read."""

    watermark_field: str
    watermark: datetime | None  # None before the first run
    behind_seconds: float | None  # from the watermark to the source's newest Date
    extracted_at: datetime | None
    compared: Comparison | None = None  # None before the first reconciliation


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """The landing files, and the folder or URL where they are."""

    folder: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetters:
    """The dead letters, each counted once."""

    folder: Path
    fault: ClogsError | None = None
    count: int | None = None
    newest: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one run loaded."""

    run: str
    loaded_at: datetime  # the last of its files
    files: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Warehouse:
    """The warehouse, and what is in it."""

    path: Path
    fault: ClogsError | None = None
    bytes: int | None = None  # on disk; None where it does not exist yet
    rows: dict[str, int] = field(default_factory=dict)  # of raw.conversations and every gold table, by name
    newest_ingested_at: datetime | None = None
    newest_timestamp: datetime | None = None
    last_loads: tuple[Load, ...] = ()  # `RUNS_SHOWN` at most, the last one first


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How things stand: what ``clogs status --json`` prints."""

    at: datetime
    source: SourceStatus
    extraction: Extraction
    landing: Landing
    dead_letters: DeadLetters
    warehouse: Warehouse
    runs: tuple[Run, ...]  # `RUNS_SHOWN` at most, the last one first
    running: str | None  # the process that holds the run lock
    next_run: datetime | None  # by the schedule


def read_status(
    address: mongo.Address,
    paths: Sequence[Path],
    *,
    watermark_field: str,
    source_mode: str,
    raw_dir: Place,
    dead_letter_dir: Path,
    state_dir: Path,
    extraction_dir: Place,
    warehouse_path: Path,
) -> Status:
    """Read how things stand; the source is the collection, or transcripts where ``paths`` has some.

    MongoDB, the warehouse and the dead letters may be out of reach: each says why.

    Raises:
        SettingsError: The URI is malformed.
        ClogsError: The landing or the state cannot be read.
    """
    try:
        if paths:
            source = read_transcripts(paths)
        else:
            with mongo.connect(address) as collection:
                source = read_source(collection, watermark_field, source_mode)
    except UnavailableError as error:
        source = SourceStatus(name=address.name, fault=error)
    return Status(
        at=datetime.now(UTC),
        source=source,
        extraction=_read_extraction(source, address.namespace, watermark_field, raw_dir, extraction_dir),
        landing=read_landing(raw_dir),
        dead_letters=read_dead_letters(dead_letter_dir),
        warehouse=read_warehouse(warehouse_path),
        runs=tuple(islice(read(state_dir), RUNS_SHOWN)),
        running=holder(state_dir),
        next_run=next_scheduled(),
    )


def read_source(collection: mongo.Source, watermark_field: str, source_mode: str) -> SourceStatus:
    """Ask the server about a collection.

    Raises:
        SourceError: It no longer answers, or refuses, or lacks the change stream that the settings ask for.
    """
    if not collection.exists():
        return SourceStatus(name=collection.name, exists=False, documents=0, undated=0)
    found_by, reason = mode_in_force(collection, source_mode)
    return SourceStatus(
        name=collection.name,
        exists=True,
        found_by=found_by,
        found_by_reason=reason,
        documents=collection.estimated_count(),
        newest=collection.newest(watermark_field),
        undated=collection.count_undated(watermark_field),
    )


def read_transcripts(paths: Sequence[Path]) -> SourceStatus:
    """Count the transcripts in files and folders."""
    name = ", ".join(map(str, paths))
    try:
        return SourceStatus(name=name, transcripts=len(find(paths)))
    except UsageError as error:
        return SourceStatus(name=name, fault=error)


def _read_extraction(
    source: SourceStatus, namespace: str, watermark_field: str, raw_dir: Place, extraction_dir: Place
) -> Extraction:
    with reading(str(raw_dir), hint=UNREADABLE):
        landing = identity(raw_dir, create=False)
    named = ("transcripts", "") if source.transcripts else (namespace, watermark_field)
    path = extract_state_path(extraction_dir, source=named[0], watermark_field=named[1], landing=landing)
    with reading(str(path), hint=UNREADABLE):
        state = read_extract_state(path)
    behind = source.newest - state.watermark if source.newest and state.watermark else None
    return Extraction(
        watermark_field=watermark_field,
        watermark=state.watermark,
        behind_seconds=None if behind is None else max(0.0, behind.total_seconds()),
        extracted_at=state.extracted_at,
        compared=state.compared,
    )


def read_landing(raw_dir: Place) -> Landing:
    """Count the landing files."""
    with reading(str(raw_dir), hint=UNREADABLE):
        sizes = [_bytes(path) for path in landed(raw_dir)]
    return Landing(folder=str(raw_dir), files=len(sizes), bytes=sum(sizes))


def read_dead_letters(folder: Path) -> DeadLetters:
    """Count the dead letters; what keeps them from being read is their fault."""
    try:
        moments = [letter.at for letter in dead_letters.read(folder)]
    except ClogsError as error:
        return DeadLetters(folder=folder, fault=error)
    return DeadLetters(folder=folder, count=len(moments), newest=max(moments, default=None))


def read_warehouse(path: Path) -> Warehouse:
    """Count the rows of a warehouse; what keeps it from being read is its fault."""
    found = Warehouse(path=path)
    try:
        with reading(path, hint=UNREADABLE):
            if not path.exists():
                return found
            # what DuckDB has still to write into the file stands in its log
            size = _bytes(path) + _bytes(path.with_name(f"{path.name}.wal"))
        found = replace(found, bytes=size)
        with connect(path, read_only=True) as connection:
            return _with_rows(found, connection) if warehouse.has_tables(connection) else found
    except ClogsError as error:
        return replace(found, fault=error)


def _with_rows(found: Warehouse, connection: warehouse.Connection) -> Warehouse:
    rows, newest_ingested_at, newest_timestamp = connection.execute(_FRESHNESS).fetchall()[0]
    counts = {"raw.conversations": rows}
    for (table,) in connection.execute(_GOLD).fetchall():
        # Tables of a user's own models may have any name.
        _, counted = warehouse.query(connection, f"SELECT count(*) FROM gold.{warehouse.identifier(table)}")
        counts[f"gold.{table}"] = int(counted[0][0])
    return replace(
        found,
        rows=counts,
        newest_ingested_at=newest_ingested_at,
        newest_timestamp=newest_timestamp,
        last_loads=tuple(
            Load(run=run, loaded_at=loaded_at, files=files, rows=loaded)
            for run, loaded_at, files, loaded in connection.execute(_LOADS).fetchall()
        ),
    )


def _bytes(path: Place) -> int:
    with suppress(FileNotFoundError, NotADirectoryError):  # a run may have moved it just now
        return size_of(path)
    return 0
