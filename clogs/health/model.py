"""The facts that tell how things stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from clogs.runs.records import Run

RUNS_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """The collection; all but its name is None while MongoDB cannot be reached.

    Attributes:
        name: Database, collection and hosts, without user and password.
        fault: Why it cannot be reached; None where it can.
        exists: Whether the collection is there.
        documents: How many it holds, about.
        newest: The newest Date in the watermark field that is not after now, in UTC.
        undated: Documents without a Date in that field, which no watermark can find.
    """

    name: str
    fault: str | None = None
    exists: bool | None = None
    documents: int | None = None
    newest: datetime | None = None
    undated: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractionStatus:
    """Where extraction stands with the source.

    Attributes:
        watermark_field: The Date field that grows as documents arrive.
        watermark: The largest Date of it that is durable, in UTC; None before the first run.
        behind_seconds: How far the newest document is ahead of the watermark; None where either is unknown.
        extracted_at: When the newest batch was read, in UTC.
    """

    watermark_field: str
    watermark: datetime | None
    behind_seconds: float | None
    extracted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LandingStatus:
    """The landing folder.

    Attributes:
        folder: Where it is.
        files: Landing files in it.
        bytes: Their size.
    """

    folder: Path
    files: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterStatus:
    """The dead letters.

    Attributes:
        folder: Where they are.
        fault: Why they cannot be read; None where they can.
        count: Rejected documents, lines and landing files, each once; None where they cannot be read.
        newest: When the last of them was rejected, in UTC.
    """

    folder: Path
    fault: str | None = None
    count: int | None = None
    newest: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A run that loaded something.

    Attributes:
        run: Its id.
        loaded_at: When it loaded the last of its files, in UTC.
        files: Landing files it loaded.
        rows: Rows in them.
    """

    run: str
    loaded_at: datetime
    files: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WarehouseStatus:
    """The warehouse.

    Attributes:
        path: The DuckDB file.
        fault: Why it cannot be read; None where it can, or is not there yet.
        bytes: Its size on disk; None where it is not there.
        rows: Rows of ``raw.conversations`` and of every gold table, by name.
        newest_ingested_at: The latest ``ingested_at`` in it, in UTC.
        newest_timestamp: The latest ``timestamp`` in it, in UTC.
        last_loads: Runs that loaded something, the last one first; `RUNS_SHOWN` at most.
    """

    path: Path
    fault: str | None = None
    bytes: int | None = None
    rows: dict[str, int] = field(default_factory=dict)
    newest_ingested_at: datetime | None = None
    newest_timestamp: datetime | None = None
    last_loads: tuple[Load, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How things stand.

    Attributes:
        at: At what moment, in UTC.
        source: The collection.
        extraction: How far it was read.
        landing: What was landed.
        dead_letters: What was rejected.
        warehouse: What was loaded and built.
        runs: The last runs of the pipeline, the last one first; `RUNS_SHOWN` at most.
        running: The process that holds the run lock; None where none does.
        next_run: When the next scheduled run comes, in UTC; None where none does.
    """

    at: datetime
    source: SourceStatus
    extraction: ExtractionStatus
    landing: LandingStatus
    dead_letters: DeadLetterStatus
    warehouse: WarehouseStatus
    runs: tuple[Run, ...]
    running: str | None
    next_run: datetime | None
