"""From settings to plain values: the collection, the warehouse and the settings of each stage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from clogs.files import bundled

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from clogs.extract import ExtractJob
    from clogs.landing.place import Place
    from clogs.mongo import Address, Source
    from clogs.settings import Settings
    from clogs.spark.lens import Lens
    from clogs.spark.session import SparkConfig
    from clogs.transform import TransformConfig
    from clogs.warehouse import Connection


def address_of(settings: Settings) -> Address:
    """Return where the collection is."""
    from clogs.mongo import Address

    return Address(settings.mongo.uri, settings.mongo.db, settings.mongo.collection)


@contextmanager
def connected(settings: Settings, *, retry_connect: bool = False) -> Iterator[Source]:
    """Connect to the collection, whose commands are then tried again after faults that pass.

    With `retry_connect`, so is the connection itself: of a scheduled run. A person would rather know at once.
    """
    from clogs import mongo

    delays = retry_delays(settings)
    with ExitStack() as stack:
        connection = partial(mongo.connect, address_of(settings), retry_delays=delays)
        connect = mongo.retrying(delays if retry_connect else ())
        yield connect(lambda: stack.enter_context(connection()))


def open_warehouse(
    settings: Settings, *, read_only: bool = False, lock_timeout: timedelta | None = None
) -> AbstractContextManager[Connection]:
    """Open the warehouse. See `clogs.warehouse.connect`; without `lock_timeout`, the setting holds."""
    from clogs.landing.views import connect

    return connect(
        settings.duckdb.path,
        read_only=read_only,
        threads=settings.duckdb.threads,
        memory_limit=settings.duckdb.memory_limit,
        lock_timeout=settings.duckdb.lock_timeout if lock_timeout is None else lock_timeout,
    )


def models_of(settings: Settings) -> TransformConfig:
    """Settings of the transform stage."""
    from clogs.transform import TransformConfig

    return TransformConfig(
        warehouse=settings.duckdb.path,
        models_dir=bundled("transforms"),
        extra_models=settings.transform.extra_models,
        prices=settings.transform.prices,
        cache_dir=settings.data.state_dir / "sqlmesh",
        timezone=settings.transform.timezone,
        threads=settings.duckdb.threads,
        memory_limit=settings.duckdb.memory_limit,
        lock_timeout=settings.duckdb.lock_timeout,
    )


def spark_of(settings: Settings) -> SparkConfig:
    """Settings of Spark."""
    from clogs.spark.session import SparkConfig

    return SparkConfig(
        master=settings.spark.master,
        catalog=settings.spark.catalog,
        config=settings.spark.config,
        data_dir=settings.data.dir,
        state_dir=settings.data.state_dir,
    )


def lens_of(settings: Settings) -> Lens:
    """DuckDB's file, through which Spark's tables are read."""
    from clogs.spark.lens import Lens

    return Lens(path=settings.duckdb.path, lock_timeout=settings.duckdb.lock_timeout)


def extract_job(settings: Settings, *, run: str) -> ExtractJob:
    """How a run extracts."""
    from clogs.checks.suites import blocking_checks
    from clogs.extract import ExtractJob

    return ExtractJob(
        run=run,
        raw_dir=settings.data.raw_dir,
        dead_letter_dir=settings.data.dead_letter_dir,
        state_dir=extraction_dir(settings),
        exclude=settings.mongo.exclude,
        batch_size=settings.pipeline.batch_size,
        workers=settings.pipeline.workers,
        source_mode=settings.pipeline.source_mode,
        watermark_field=settings.pipeline.watermark_field,
        lookback=settings.pipeline.lookback,
        retry_delays=retry_delays(settings),
        max_rejected=settings.quality.max_rejected,
        blocking_checks=blocking_checks(settings.quality.checks),
    )


def extraction_dir(settings: Settings) -> Place:
    """Where the state of the extraction is: beside the landing in a bucket, so that all machines see it."""
    landing = settings.data.raw_dir
    return settings.data.state_dir if isinstance(landing, Path) else landing / ".state"


def retry_delays(settings: Settings) -> list[timedelta]:
    """Return how long to wait before each retry; the last delay also holds for those after it."""
    delays = settings.pipeline.retry_delays
    return [delays[min(retry, len(delays) - 1)] for retry in range(settings.pipeline.retries)]
