"""The stages with the settings given to them, and all four in a row."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from clogs import __version__
from clogs.errors import ClogsError, DataError
from clogs.lock import run_lock
from clogs.resources import bundled

if TYPE_CHECKING:
    from clogs.extract import ExtractResult, Scope
    from clogs.importer import ImportResult
    from clogs.load import LoadResult
    from clogs.settings import Settings
    from clogs.transform import TransformResult
    from clogs.validate import ValidateResult
    from clogs.warehouse import Connection

Progress = Callable[[int, int | None], None]
Status = Literal["done", "unchanged", "skipped", "failed"]

STEPS = ("extract", "load", "transform", "validate")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """How one step of a pipeline ended.

    Attributes:
        name: One of `STEPS`.
        status: ``unchanged``: there was nothing new for it. ``skipped``: by request, or after a failure.
        seconds: Wall time.
        result: What the stage returned; None where it did not run or failed.
        error: Why it failed.
    """

    name: str
    status: Status
    seconds: float = 0.0
    result: Any = None
    error: ClogsError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineResult:
    """How a pipeline ended.

    Attributes:
        run: The run's id.
        started_at: In UTC.
        seconds: Wall time.
        steps: In the order they ran.
    """

    run: str
    started_at: datetime
    seconds: float
    steps: tuple[StepResult, ...]

    @property
    def error(self) -> ClogsError | None:
        """The first error of a step, if any: it decides the exit code."""
        return next((step.error for step in self.steps if step.error), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a pipeline is to do.

    Attributes:
        full_backfill: Extract the whole collection again.
        full_refresh: Rebuild ``raw.conversations`` and all models.
        skip: Steps to leave out.
        select: Models to build; none for all.
    """

    full_backfill: bool = False
    full_refresh: bool = False
    skip: frozenset[str] = frozenset()
    select: tuple[str, ...] = ()


def _silent(_done: int, _total: int | None) -> None:
    """Show no progress."""


def new_run() -> str:
    """A run's id: when it began, in UTC, and enough chance to tell it from any other."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def import_files(settings: Settings, paths: Sequence[Path], *, on_progress: Progress = _silent) -> ImportResult:
    """Put Claude Code's own files into the collection. See `clogs.importer.import_transcripts`."""
    from clogs import mongo
    from clogs.importer import import_transcripts
    from clogs.transcripts import find

    transcripts = find(paths)
    source = mongo.connect(settings.mongo.uri, db=settings.mongo.db, collection=settings.mongo.collection)
    with run_lock(settings.data.state_dir, command="import"), source as collection:
        return import_transcripts(
            collection,
            transcripts,
            state_dir=settings.data.state_dir,
            dead_letter_dir=settings.data.dead_letter_dir,
            run=new_run(),
            on_progress=on_progress,
        )


def extract(settings: Settings, scope: Scope, *, run: str, on_progress: Progress = _silent) -> ExtractResult:
    """Land what is new. See `clogs.extract.extract`; the caller holds the run lock."""
    from clogs import extract as stage
    from clogs import mongo

    how = stage.Settings(
        raw_dir=settings.data.raw_dir,
        dead_letter_dir=settings.data.dead_letter_dir,
        state_dir=settings.data.state_dir,
        exclude=settings.mongo.exclude,
        batch_size=settings.pipeline.batch_size,
        watermark_field=settings.pipeline.watermark_field,
        lookback=settings.pipeline.lookback,
        retry_delays=_waits(settings),
        max_rejected=settings.quality.max_rejected,
    )
    source = mongo.connect(settings.mongo.uri, db=settings.mongo.db, collection=settings.mongo.collection)
    with source as collection:
        return stage.extract(collection, how, scope, run=run, on_progress=on_progress)


def load(settings: Settings, *, run: str, full_refresh: bool = False) -> LoadResult:
    """Load the landing files that are new. See `clogs.load.load`; the caller holds the run lock."""
    from clogs.load import load as stage

    with open_warehouse(settings) as connection:
        return stage(
            connection,
            raw_dir=settings.data.raw_dir,
            dead_letter_dir=settings.data.dead_letter_dir,
            run=run,
            full_refresh=full_refresh,
        )


def transform(
    settings: Settings,
    *,
    select: Sequence[str] = (),
    full_refresh: bool = False,
    on_model: Callable[[str, int, int], None] | None = None,
) -> TransformResult:
    """Build the models. See `clogs.transform.transform`; the caller holds the run lock.

    Raises:
        WarehouseError: Nothing has been loaded yet, or another program holds the warehouse.
    """
    from clogs.transform import transform as stage

    result = stage(
        settings.duckdb.path,
        models_dir=bundled("transforms"),
        cache_dir=settings.data.state_dir / "sqlmesh",
        timezone=settings.transform.timezone,
        threads=settings.duckdb.threads,
        memory_limit=settings.duckdb.memory_limit,
        select=select,
        full_refresh=full_refresh,
        on_model=on_model,
    )
    if not select:
        _mark_passed(settings, "transform")
    return result


def validate(settings: Settings, *, layers: Sequence[str] = ()) -> ValidateResult:
    """Check the warehouse. See `clogs.validate.validate`.

    Raises:
        WarehouseError: There is no warehouse yet.
    """
    from clogs.validate import validate as stage

    with open_warehouse(settings, read_only=True) as connection:
        return stage(connection, layers=layers)


@contextmanager
def open_warehouse(settings: Settings, *, read_only: bool = False) -> Iterator[Connection]:
    """Open the warehouse that the settings name. See `clogs.warehouse.connect`."""
    from clogs import warehouse

    with warehouse.connect(
        settings.duckdb.path,
        read_only=read_only,
        threads=settings.duckdb.threads,
        memory_limit=settings.duckdb.memory_limit,
    ) as connection:
        yield connection


def run_pipeline(
    settings: Settings,
    plan: Plan,
    *,
    on_step: Callable[[str], None] = lambda _name: None,
    on_progress: Progress = _silent,
) -> PipelineResult:
    """Run all four steps under one lock.

    A step whose data failed its checks does not stop the next ones, for the good data is in place; any
    other failure does.

    Args:
        settings: The settings.
        plan: What to do.
        on_step: Called with a step's name when it begins.
        on_progress: Called as the step proceeds, with what is done and, where known, how much there is.

    Raises:
        LockedError: Another run holds the lock.
    """
    run, started_at, started = new_run(), datetime.now(UTC), time.perf_counter()
    steps: list[StepResult] = []
    with run_lock(settings.data.state_dir, command="pipeline"):
        for name, step in _steps(settings, plan, run, on_progress).items():
            failed = any(step.error and not isinstance(step.error, DataError) for step in steps)
            if failed or name in plan.skip:
                steps.append(StepResult(name=name, status="skipped"))
                continue
            on_step(name)
            steps.append(_step(name, step))
    return PipelineResult(
        run=run, started_at=started_at, seconds=time.perf_counter() - started, steps=tuple(steps)
    )


def _steps(
    settings: Settings, plan: Plan, run: str, on_progress: Progress
) -> dict[str, Callable[[], Any]]:
    """The steps by name; one that returns None had nothing to do."""
    always = plan.full_refresh or bool(plan.select)

    def extract_new() -> ExtractResult:
        from clogs.extract import Scope

        return extract(settings, Scope(full_backfill=plan.full_backfill), run=run, on_progress=on_progress)

    def transform_new() -> TransformResult | None:
        if not always and _has_passed(settings, "transform"):
            return None
        return transform(
            settings,
            select=plan.select,
            full_refresh=plan.full_refresh,
            on_model=lambda _name, done, total: on_progress(done, total),
        )

    def validate_new() -> ValidateResult | None:
        if not always and _has_passed(settings, "validate"):
            return None
        result = validate(settings)
        result.raise_for_failures()
        _mark_passed(settings, "validate")
        return result

    return {
        "extract": extract_new,
        "load": lambda: load(settings, run=run, full_refresh=plan.full_refresh),
        "transform": transform_new,
        "validate": validate_new,
    }


def _step(name: str, step: Callable[[], Any]) -> StepResult:
    started = time.perf_counter()
    try:
        result = step()
    except ClogsError as error:
        return StepResult(name=name, status="failed", seconds=time.perf_counter() - started, error=error)
    status: Status = "unchanged" if result is None else "done"
    return StepResult(name=name, status=status, seconds=time.perf_counter() - started, result=result)


def _waits(settings: Settings) -> list[timedelta]:
    """How long to wait before each retry: the last delay stands for all after it."""
    delays = settings.pipeline.retry_delays
    return [delays[min(retry, len(delays) - 1)] for retry in range(settings.pipeline.retries)]


def _has_passed(settings: Settings, stage: str) -> bool:
    from clogs import warehouse

    if not settings.duckdb.path.exists():
        return False
    with open_warehouse(settings) as connection:
        return warehouse.has_passed(connection, stage, _fingerprint(settings, connection))


def _mark_passed(settings: Settings, stage: str) -> None:
    from clogs import warehouse

    with open_warehouse(settings) as connection:
        warehouse.mark_passed(connection, stage, _fingerprint(settings, connection))


def _fingerprint(settings: Settings, connection: Connection) -> str:
    """All that a stage's outcome depends on: the loads, the models, the time zone and this version."""
    from clogs import warehouse

    models = hashlib.blake2b(digest_size=8)
    for path in sorted(bundled("transforms").rglob("*.*")):
        models.update(path.read_bytes())
    parts = (__version__, settings.transform.timezone, models.hexdigest(), warehouse.loaded(connection))
    return " | ".join(parts)
