"""Extract, load, transform and validate in a row, under one lock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from clogs.errors import ClogsError, DataError
from clogs.pipeline import checkpoints, steps
from clogs.pipeline.engines import engine_of
from clogs.runs.recorder import recorded_run
from clogs.runs.records import Failure, Step, StepStatus, Trigger, new_run
from clogs.runs.signals import was_stopped
from clogs.terminal.progress import Progress, ProgressDisplay

if TYPE_CHECKING:
    from clogs.extract import ExtractResult
    from clogs.load import LoadResult
    from clogs.pipeline.checkpoints import Stage
    from clogs.settings import Settings
    from clogs.transform import TransformResult
    from clogs.validate import ValidateResult
    from clogs.warehouse import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """How one step of a pipeline ended; `result` is None where the stage did not run, or failed."""

    name: str
    status: StepStatus
    seconds: float = 0.0
    result: Any = None
    error: ClogsError | None = None

    def to_record(self) -> Step:
        """Return what the history keeps: of the result only its counts."""
        names = [each.name for each in fields(self.result)] if self.result else []
        counts = {name: getattr(self.result, name) for name in names}
        return Step(
            name=self.name,
            status=self.status,
            seconds=self.seconds,
            # not isinstance: a bool is an int, but no count
            counts={name: number for name, number in counts.items() if type(number) is int},
            failure=Failure.of(self.error) if self.error else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineResult:
    """How a pipeline ended; `run` is its id, `started_at` in UTC, `seconds` wall time."""

    run: str
    started_at: datetime
    seconds: float
    steps: tuple[StepResult, ...]

    @property
    def errors(self) -> tuple[ClogsError, ...]:
        """Why steps failed, in their order; the first error decides the exit code."""
        return tuple(step.error for step in self.steps if step.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a pipeline is to do; `select` names the models to build, all if it is empty."""

    full_backfill: bool = False
    full_refresh: bool = False
    reconcile: bool = False
    skip: frozenset[str] = frozenset()
    select: tuple[str, ...] = ()


def run_pipeline(
    settings: Settings,
    plan: Plan,
    progress: ProgressDisplay,
    *,
    trigger: Trigger = "hand",
    confirm: Callable[[str], bool] | None = None,
    on_end: Callable[[StepResult], None],
) -> PipelineResult:
    """Run the steps under one lock; for `confirm` see `clogs.extract.same_source.state_of`.

    A step whose data failed its checks does not stop the next ones, for the good data is in place; any
    other failure does. Where past days have many small landing files, a fifth step, ``compact``, merges them.
    `on_end` is called after each step.

    Raises:
        LockedError: Another run holds the lock.
        ClogsError: The record of the run, or the log, cannot be written.
    """
    started = time.perf_counter()
    results: list[StepResult] = []
    with recorded_run(
        settings.data.state_dir, run=new_run(), trigger=trigger, webhook_url=settings.alerting.webhook_url
    ) as recorder:
        run = recorder.run.run

        def add(result: StepResult) -> None:
            results.append(result)
            recorder.add(result.to_record())
            on_end(result)

        planned = _Steps(settings, plan, run, progress, trigger, confirm)
        for step in (planned.extract, planned.load, planned.transform, planned.validate):
            name = step.__name__
            if _has_failed(results) or name in plan.skip:
                add(StepResult(name=name, status="skipped"))
            else:
                progress.begin(name)
                add(_timed(name, step))
        if not _has_failed(results) and "load" not in plan.skip and engine_of(settings).compacting_pays():
            progress.begin("compact")
            add(_timed("compact", partial(engine_of(settings).compact, run=run, on_progress=progress)))
    seconds = time.perf_counter() - started
    return PipelineResult(run=run, started_at=recorder.run.started_at, seconds=seconds, steps=tuple(results))


def _has_failed(results: list[StepResult]) -> bool:
    return any(step.error and not isinstance(step.error, DataError) for step in results)


@dataclass(slots=True)
class _Steps:
    """The steps of one run; one that returns None had nothing to do."""

    settings: Settings
    plan: Plan
    run: str
    on_progress: Progress
    trigger: Trigger
    confirm: Callable[[str], bool] | None
    _current: set[Stage] | None = None
    """The stages that have nothing to do; None until that is looked up."""

    def extract(self) -> ExtractResult:
        return steps.extract(
            self.settings,
            run=self.run,
            full_backfill=self.plan.full_backfill,
            reconcile=self.plan.reconcile,
            retry_connect=self.trigger != "hand",
            confirm=self.confirm,
            on_progress=self.on_progress,
        )

    def load(self) -> LoadResult:
        return engine_of(self.settings).load(
            run=self.run,
            full_refresh=self.plan.full_refresh,
            on_end=self._look_up,
            on_progress=self.on_progress,
        )

    def transform(self) -> TransformResult | None:
        if not (self.plan.full_refresh or self.plan.select) and self._is_current("transform"):
            return None
        return engine_of(self.settings).transform(
            select=self.plan.select,
            full_refresh=self.plan.full_refresh,
            on_progress=self.on_progress,
        )

    def validate(self) -> ValidateResult | None:
        is_daily = self.plan.full_refresh or self.plan.reconcile
        if not (is_daily or self.plan.select) and self._is_current("validate"):
            return None
        result = steps.validate(
            self.settings, run=self.run, only_changed=not is_daily, on_progress=self.on_progress
        )
        result.raise_for_failures()
        return result

    def _look_up(self, connection: Connection) -> None:
        self._current = checkpoints.current(self.settings, connection)

    def _is_current(self, stage: Stage) -> bool:
        if self._current is None:
            self._current = engine_of(self.settings).current()
        return stage in self._current


def _timed(name: str, step: Callable[[], Any]) -> StepResult:
    started = time.perf_counter()
    try:
        result = step()
    except ClogsError as error:
        if was_stopped():
            raise KeyboardInterrupt from error
        return StepResult(name=name, status="failed", seconds=time.perf_counter() - started, error=error)
    status: StepStatus = "unchanged" if result is None else "done"
    return StepResult(name=name, status=status, seconds=time.perf_counter() - started, result=result)
