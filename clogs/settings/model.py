"""The settings: every key with its type, its default and its limits.

``clogs.toml`` at the top level describes the same keys for the people who set them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from msgspec import Meta, Struct, field
from msgspec.structs import FieldInfo, fields
from platformdirs import user_data_path

from clogs.checks.overrides import CheckOverride
from clogs.redact import hide_uri, hide_url
from clogs.settings import values
from clogs.settings.checks import check_overrides
from clogs.settings.values import Check, Parse, Secret

MOST_THREADS = 32

Mark = TypeVar("Mark", Check, Parse, Secret)
Location = Annotated[Path, Parse(values.path)]


class MongoSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the documents come from.

    Attributes:
        uri: The connection string; its password is secret.
        db: The database.
        collection: The collection.
        exclude: Dotted paths of fields that are not extracted; none holds another.
    """

    uri: Annotated[str, Check(values.mongo_uri), Secret(hide_uri)] = "mongodb://localhost:27017"
    db: Annotated[str, Check(values.mongo_db)] = "claude_logs"
    collection: Annotated[str, Check(values.mongo_collection)] = "conversations"
    exclude: Annotated[tuple[str, ...], Check(values.field_paths)] = (
        "toolUseResult",  # repeats the tool_result block, and holds files as they were before an edit
        "snapshot",  # lists files' backups on the writer's disk
        "data.prompt",  # repeats the input of the call that began the sub-agent
        "data.normalizedMessages",  # repeats the sub-agent's entries so far
        "data.fullOutput",  # grows into the tool_result of the same call
        "data.output",  # is the end of data.fullOutput
    )


class DuckDBSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The warehouse.

    Attributes:
        path: The DuckDB file; ``clogs.duckdb`` in the data folder if not set.
        threads: How many threads DuckDB uses, 1 to 32.
        memory_limit: How much memory DuckDB may take, such as ``4GB``; None leaves it to DuckDB.
        lock_timeout: How long to wait for another program that has the warehouse open.
    """

    path: Location
    threads: Annotated[int, Meta(ge=1, le=MOST_THREADS)] = field(
        default_factory=lambda: min(os.cpu_count() or 1, MOST_THREADS)
    )
    memory_limit: Annotated[str | None, Check(values.memory_limit)] = None
    lock_timeout: Annotated[timedelta, Parse(values.duration)] = timedelta(minutes=1)


class DataSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The folders clogs writes to; all are made on demand.

    Attributes:
        dir: The data folder: the others stand in it if they are not set.
        raw_dir: The landing: Parquet files by date.
        dead_letter_dir: Rejected documents with their reasons.
        state_dir: The watermark, the run lock and SQLMesh's cache.
    """

    dir: Location
    raw_dir: Location
    dead_letter_dir: Location
    state_dir: Location


class PipelineSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How documents are extracted.

    Attributes:
        batch_size: How many documents a batch holds at most, 100 to 100,000.
        lookback: How far behind the watermark each run reads again.
        watermark_field: The document's field that tells when it arrived.
        retries: How often a fault that passes by itself is tried again.
        retry_delays: How long to wait before each retry; the last one stands for all after it.
    """

    batch_size: Annotated[int, Meta(ge=100, le=100_000)] = 10_000
    lookback: Annotated[timedelta, Parse(values.duration)] = timedelta(minutes=15)
    watermark_field: Annotated[str, Check(values.field_path)] = "ingestedAt"
    retries: Annotated[int, Meta(ge=0)] = 3
    retry_delays: Annotated[tuple[timedelta, ...], Parse(values.durations), Meta(min_length=1)] = (
        timedelta(seconds=30),
        timedelta(seconds=60),
        timedelta(seconds=120),
    )


class TransformSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How gold is built.

    Attributes:
        timezone: The IANA name of the time zone that decides hours and days.
        extra_models: A folder of models of one's own, laid out as SQLMesh lays it out.
    """

    timezone: Annotated[str, Check(values.timezone)] = "UTC"
    extra_models: Annotated[Path | None, Parse(values.optional_path)] = None


class QualitySettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What makes a run fail its checks.

    Attributes:
        max_rejected: The largest share of a run's documents that may be rejected, 0 to 1.
        max_age: How old the newest document may be before a validation warns.
        checks: What single checks are to be, by their names, in place of what they are by themselves.
    """

    max_rejected: Annotated[float, Parse(values.share), Meta(ge=0, le=1)] = 0.01
    max_age: Annotated[timedelta, Parse(values.duration)] = timedelta(days=3)
    checks: Annotated[dict[str, CheckOverride], Parse(check_overrides)] = field(default_factory=dict)


class LoggingSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is told on stderr.

    Attributes:
        level: The least level shown.
        format: Lines for people or JSON lines.
    """

    level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        Parse(values.one_of("DEBUG", "INFO", "WARNING", "ERROR")),
    ] = "INFO"
    format: Annotated[Literal["text", "json"], Parse(values.one_of("text", "json"))] = "text"


class AlertingSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who is told when a scheduled run fails.

    Attributes:
        webhook_url: The address to call when one fails, and when one works again; its path is secret.
    """

    webhook_url: Annotated[str | None, Check(values.web_address), Secret(hide_url)] = None


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All settings, by section."""

    mongo: MongoSettings
    duckdb: DuckDBSettings
    data: DataSettings
    pipeline: PipelineSettings
    transform: TransformSettings
    quality: QualitySettings
    logging: LoggingSettings
    alerting: AlertingSettings


@cache
def known_keys() -> dict[str, FieldInfo]:
    """Every key, such as ``mongo.uri``, with the field that declares it, in the order of the sections."""
    return {f"{section.name}.{key.name}": key for section in fields(Settings) for key in fields(section.type)}


def section_names() -> tuple[str, ...]:
    """Name the sections, in their order."""
    return Settings.__struct_fields__


def marks(declared: FieldInfo, kind: type[Mark]) -> Iterator[Mark]:
    """Pick the marks of one kind that a key is declared with."""
    return (mark for mark in getattr(declared.type, "__metadata__", ()) if isinstance(mark, kind))


def default_locations(data_dir: Path | None) -> dict[str, Path]:
    """Say where things stand that are not set, by key: all in the data folder, the platform's if None."""
    folder = data_dir or user_data_path("clogs")
    return {
        "duckdb.path": folder / "clogs.duckdb",
        "data.dir": folder,
        "data.raw_dir": folder / "landing",
        "data.dead_letter_dir": folder / "dead_letters",
        "data.state_dir": folder / "state",
    }
