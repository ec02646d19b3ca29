"""The model: every key with its type, its default and its limits.

``clogs.toml`` at the top level explains the same keys to the people who set them.
"""

from __future__ import annotations

import os
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field
from msgspec.structs import FieldInfo, fields
from platformdirs import user_data_path

from clogs.checks.overrides import CheckOverride
from clogs.landing.objects import ObjectPath
from clogs.redact import hide_uri, hide_url
from clogs.settings import values
from clogs.settings.values import Key

MAX_THREADS = MAX_WORKERS = 32
DEFAULT_WORKERS = 4

Location = Annotated[Path, Key(parse=values.path)]
Duration = Annotated[timedelta, Key(parse=values.duration)]


_HEAVY = (
    "originalFile", "originalFileContents", "file", "filenames", "content", "oldString", "newString", "edits",
    "stdout", "stderr", "result", "results", "codeText", "prompt", "plan", "task", "oldTodos", "newTodos",
)  # fmt: skip


def available_cpus() -> int:
    """Return how many CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class MongoSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the documents come from."""

    uri: Annotated[str, Key(validate=values.mongo_uri, hide=hide_uri)] = "mongodb://localhost:27017"
    db: Annotated[str, Key(validate=values.mongo_db)] = "claude_logs"
    collection: Annotated[str, Key(validate=values.mongo_collection)] = "conversations"
    exclude: Annotated[tuple[str, ...], Key(validate=values.field_paths)] = (
        # what repeats the call, the tool_result block or the file, and much of the bytes
        *(f"toolUseResult.{name}" for name in _HEAVY),
        "snapshot",  # lists files' backups on the writer's disk
        "data.prompt",  # repeats the input of the call that began the sub-agent
        "data.normalizedMessages",  # repeats the sub-agent's entries so far
        "data.fullOutput",  # grows into the tool_result of the same call
        "data.output",  # is the end of data.fullOutput
    )


class SourceSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Transcripts to read in place of MongoDB."""

    paths: Annotated[tuple[Path, ...], Key(parse=values.paths)] = ()


class DuckDBSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The warehouse: one DuckDB file."""

    path: Location
    threads: Annotated[int, Meta(ge=1, le=MAX_THREADS)] = field(
        default_factory=lambda: min(os.cpu_count() or 1, MAX_THREADS)
    )
    memory_limit: Annotated[str | None, Key(validate=values.memory_limit)] = None  # None leaves it to DuckDB
    lock_timeout: Duration = timedelta(minutes=1)  # to wait for another program that has the warehouse open


class DataSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The folders clogs writes to, made on demand; they stand in ``dir`` unless they are set.

    ``raw_dir`` may be a part of a bucket, too; the state of the extraction then stands in it.
    """

    dir: Location
    raw_dir: Annotated[Path | ObjectPath, Key(parse=values.place)]
    dead_letter_dir: Location
    state_dir: Location


class PipelineSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How documents are extracted."""

    batch_size: Annotated[int, Meta(ge=100, le=100_000)] = 10_000
    workers: Annotated[int, Meta(ge=1, le=MAX_WORKERS)] = field(
        default_factory=lambda: min(available_cpus(), DEFAULT_WORKERS)
    )
    lookback: Duration = timedelta(minutes=15)  # how far before the watermark each run reads again
    watermark_field: Annotated[str, Key(validate=values.field_path)] = "ingestedAt"
    source_mode: Annotated[
        Literal["auto", "change_stream", "watermark"],
        Key(parse=values.one_of("auto", "change_stream", "watermark")),
    ] = "auto"
    reconcile_days: Annotated[int, Meta(ge=1, le=366)] = 30  # in so many nights all is read again once
    retries: Annotated[int, Meta(ge=0)] = 3
    # The last delay holds for all retries after it.
    retry_delays: Annotated[tuple[timedelta, ...], Key(parse=values.durations), Meta(min_length=1)] = (
        timedelta(seconds=30),
        timedelta(seconds=60),
        timedelta(seconds=120),
    )


class TransformSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How gold is built: the time zone decides hours and days; users' models and prices add to ours."""

    timezone: Annotated[str, Key(validate=values.timezone)] = "UTC"
    extra_models: Annotated[Path | None, Key(parse=values.path)] = None
    prices: Annotated[Path | None, Key(parse=values.path)] = None


class EngineSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What makes tables of the landing: DuckDB on this machine, or Spark."""

    kind: Annotated[Literal["duckdb", "spark"], Key(parse=values.one_of("duckdb", "spark"))] = "duckdb"


class SparkSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where Spark runs, the Iceberg catalog that it uses, and its own properties."""

    master: Annotated[str, Key(validate=values.spark_master)] = "local[*]"
    catalog: Annotated[str, Key(validate=values.spark_catalog)] = "clogs"
    config: Annotated[dict[str, str], Key(parse=values.spark_config, hide=values.hide_secrets)] = field(
        default_factory=dict
    )


class QualitySettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What makes a run fail its checks: shares are from 0 to 1, checks are given by their full names."""

    max_rejected: Annotated[float, Key(parse=values.share), Meta(ge=0, le=1)] = 0.01
    max_age: Duration = timedelta(days=3)  # of the newest document; a validation warns beyond
    checks: Annotated[dict[str, CheckOverride], Key(parse=values.check_overrides)] = field(
        default_factory=dict
    )


class LoggingSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The messages on stderr: the lowest level shown, and lines for people or JSON lines."""

    level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        Key(parse=values.one_of("DEBUG", "INFO", "WARNING", "ERROR")),
    ] = "INFO"
    format: Annotated[Literal["text", "json"], Key(parse=values.one_of("text", "json"))] = "text"


class AlertingSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The webhook that is called when a scheduled run fails and when one works again."""

    # The path of a webhook's address is its password.
    webhook_url: Annotated[str | None, Key(validate=values.web_address, hide=hide_url)] = None


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All settings, by section."""

    mongo: MongoSettings
    source: SourceSettings
    duckdb: DuckDBSettings
    data: DataSettings
    pipeline: PipelineSettings
    transform: TransformSettings
    engine: EngineSettings
    spark: SparkSettings
    quality: QualitySettings
    logging: LoggingSettings
    alerting: AlertingSettings


@cache
def known_keys() -> dict[str, FieldInfo]:
    """Every key, such as ``mongo.uri``, with the field that declares it, in the order of the sections."""
    return {f"{section.name}.{key.name}": key for section in fields(Settings) for key in fields(section.type)}


def key_of(declared: FieldInfo) -> Key:
    """The key that a field is annotated with; an empty one where its type says everything."""
    annotations = getattr(declared.type, "__metadata__", ())
    return next((each for each in annotations if isinstance(each, Key)), Key())


def default_locations(data_dir: Path | None) -> dict[str, Path]:
    """Where files and folders stand unless they are set, by key; None is the platform's user data folder."""
    folder = data_dir or user_data_path("clogs")
    return {
        "duckdb.path": folder / "clogs.duckdb",
        "data.dir": folder,
        "data.raw_dir": folder / "landing",
        "data.dead_letter_dir": folder / "dead_letters",
        "data.state_dir": folder / "state",
    }
