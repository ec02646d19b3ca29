"""Extract, load, transform and validate in a row, under one lock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from clogs.errors import ClogsError, DataError
from clogs.pipeline import steps
from clogs.pipeline.checkpoints import mark_passed, passed
from clogs.pipeline.export import remember
from clogs.pipeline.steps import Progress, silent
from clogs.runs.lock import run_lock
from clogs.runs.log import scheduled_log
from clogs.runs.recorder import Recording, recorded, told_of_faults
from clogs.runs.records import Failure, Step, Trigger
from clogs.runs.signals import was_stopped

if TYPE_CHECKING:
    from clogs.extract import ExtractResult
    from clogs.settings import Settings
    from clogs.transform import TransformResult
    from clogs.validate import ValidateResult

Status = Literal["done", "unchanged", "skipped", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """How one step of a pipeline ended.

    Attributes:
        name: ``extract``, ``load``, ``transform``, ``validate`` or ``compact``.
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
        log: Its log, which is kept where a step failed.
    """

    run: str
    started_at: datetime
    seconds: float
    steps: tuple[StepResult, ...]
    log: Path | None

    @property
    def errors(self) -> tuple[ClogsError, ...]:
        """Why steps failed, in their order; the first error decides the exit code."""
        return tuple(step.error for step in self.steps if step.error)


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


def run_pipeline(
    settings: Settings,
    plan: Plan,
    *,
    trigger: Trigger = "hand",
    on_step: Callable[[str], None] = lambda _name: None,
    on_progress: Progress = silent,
) -> PipelineResult:
    """Run the steps under one lock.

    A step whose data failed its checks does not stop the next ones, for the good data is in place; any
    other failure does. Where past days have many small landing files, a fifth step, ``compact``, merges them.

    Args:
        settings: The settings.
        plan: What to do.
        trigger: Who started it; of scheduled runs that fail, somebody is told.
        on_step: Called with a step's name when it begins.
        on_progress: Called as the step proceeds, with what is done and, where known, how much there is.

    Raises:
        LockedError: Another run holds the lock.
        ClogsError: The record of the run cannot be written.
    """
    run, started_at, started = steps.new_run(), datetime.now(UTC), time.perf_counter()
    state_dir, tell = settings.data.state_dir, settings.alerting.webhook_url
    with told_of_faults(run, trigger=trigger, tell=tell):
        if trigger != "hand":
            scheduled_log(state_dir)
        with run_lock(state_dir, command="pipeline"):
            with recorded(state_dir, run=run, trigger=trigger, tell=tell) as recording:
                results = _run_steps(settings, plan, recording, on_step=on_step, on_progress=on_progress)
            if not _was_idle(results):
                remember(settings)
    return PipelineResult(
        run=run,
        started_at=started_at,
        seconds=time.perf_counter() - started,
        steps=tuple(results),
        log=recording.run.log,
    )


def _run_steps(
    settings: Settings,
    plan: Plan,
    recording: Recording,
    *,
    on_step: Callable[[str], None],
    on_progress: Progress,
) -> list[StepResult]:
    run = recording.run.run
    results: list[StepResult] = []
    for name, step in _steps(settings, plan, run, on_progress).items():
        if _has_failed(results) or name in plan.skip:
            results.append(StepResult(name=name, status="skipped"))
        else:
            on_step(name)
            results.append(_step(name, step))
        recording.add(_recorded(results[-1]))
    if not _has_failed(results) and "load" not in plan.skip and steps.compacting_pays(settings):
        on_step("compact")
        compact = partial(steps.compact, settings, run=run, on_progress=on_progress)
        results.append(_step("compact", compact))
        recording.add(_recorded(results[-1]))
    return results


def _was_idle(results: list[StepResult]) -> bool:
    """Tell whether there was nothing new: such a run leaves the warehouse as it is."""
    _extract, _load, *others = results
    return not any(step.error for step in results) and all(step.status != "done" for step in others)


def _has_failed(results: list[StepResult]) -> bool:
    return any(step.error and not isinstance(step.error, DataError) for step in results)


def _steps(settings: Settings, plan: Plan, run: str, on_progress: Progress) -> dict[str, Callable[[], Any]]:
    """The steps by name; one that returns None had nothing to do."""
    always = plan.full_refresh or bool(plan.select)
    passed_before = cache(lambda: frozenset() if always else passed(settings))

    def extract_new() -> ExtractResult:
        return steps.extract(
            settings,
            run=run,
            full_backfill=plan.full_backfill,
            retry_connect=True,
            on_progress=on_progress,
        )

    def transform_new() -> TransformResult | None:
        if "transform" in passed_before():
            return None
        passed_before.cache_clear()
        return steps.transform(
            settings,
            select=plan.select,
            full_refresh=plan.full_refresh,
            on_progress=on_progress,
        )

    def validate_new() -> ValidateResult | None:
        if "validate" in passed_before():
            return None
        result = steps.validate(settings, run=run, on_progress=on_progress)
        result.raise_for_failures()
        if "transform" in passed(settings):  # else the models were older than what is loaded
            mark_passed(settings, "validate")
        return result

    return {
        "extract": extract_new,
        "load": lambda: steps.load(
            settings, run=run, full_refresh=plan.full_refresh, on_progress=on_progress
        ),
        "transform": transform_new,
        "validate": validate_new,
    }


def _step(name: str, step: Callable[[], Any]) -> StepResult:
    started = time.perf_counter()
    try:
        result = step()
    except ClogsError as error:
        if was_stopped():
            raise KeyboardInterrupt from error
        return StepResult(name=name, status="failed", seconds=time.perf_counter() - started, error=error)
    status: Status = "unchanged" if result is None else "done"
    return StepResult(name=name, status=status, seconds=time.perf_counter() - started, result=result)


def _recorded(result: StepResult) -> Step:
    """What the history keeps of a step."""
    counted, error = result.result, result.error
    counts = {each.name: getattr(counted, each.name) for each in fields(counted)} if counted else {}
    return Step(
        name=result.name,
        status=result.status,
        seconds=result.seconds,
        counts={name: number for name, number in counts.items() if type(number) is int},
        failure=Failure.of(error) if error else None,
    )
