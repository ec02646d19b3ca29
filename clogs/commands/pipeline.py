"""``clogs pipeline``."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Group
from rich.table import Table
from rich.text import Text

from clogs.commands.output import compacted, extracted, loaded, transformed, validated
from clogs.commands.session import Flag, Given, Session
from clogs.errors import LockedError, WarehouseError
from clogs.pipeline.run import PipelineResult, Plan, StepResult, run_pipeline
from clogs.pipeline.wiring import open_warehouse
from clogs.report import questions
from clogs.runs.log import log_path
from clogs.runs.records import TRIGGER_VARIABLE, Trigger
from clogs.terminal.console import is_quiet
from clogs.terminal.text import duration, size

SUMMARIES: dict[str, Callable[[Any], str]] = {
    "extract": extracted,
    "load": loaded,
    "transform": transformed,
    "validate": validated,
    "compact": compacted,
}
MARKS = {"done": ("✓", "green"), "unchanged": ("✓", "green"), "skipped": ("–", "dim"), "failed": ("✗", "red")}


def pipeline(
    *,
    full_backfill: Flag = False,
    full_refresh: Flag = False,
    skip_extract: Flag = False,
    skip_load: Flag = False,
    skip_transform: Flag = False,
    skip_validate: Flag = False,
    models: Annotated[list[str] | None, Parameter(negative="")] = None,
    json: Flag = False,
    session: Given,
) -> None:
    """Extract, load, transform and validate what is new: the command for your crontab.

    Args:
        full_backfill: Read the whole collection again.
        full_refresh: Rebuild raw.conversations and all models.
        skip_extract: Leave out extract.
        skip_load: Leave out load.
        skip_transform: Leave out transform.
        skip_validate: Leave out validate.
        models: Build only this model; repeatable. +NAME: also what it reads from; NAME+: what reads from it.
        json: Print the result as one JSON document.
    """
    asked = {
        "extract": skip_extract,
        "load": skip_load,
        "transform": skip_transform,
        "validate": skip_validate,
    }
    plan = Plan(
        full_backfill=full_backfill,
        full_refresh=full_refresh,
        skip=frozenset(name for name, skip in asked.items() if skip),
        select=tuple(models or ()),
    )
    result = run(session, plan)
    raise_errors(result, session)


def raise_errors(result: PipelineResult, session: Session) -> None:
    """Tell of every step that failed, and let the first one decide the exit code."""
    if not result.errors:
        return
    first, *others = result.errors
    for error in others:
        session.terminal.fail(error)
    log = log_path(session.settings.data.state_dir)
    first.hint = "\n".join(filter(None, (first.hint, f"The log of this run: {log} (look for {result.run})")))
    raise first


def run(session: Session, plan: Plan) -> PipelineResult:
    """Run the pipeline with progress on the terminal, and show how it ended."""
    settings, terminal, trigger = session.settings, session.terminal, _trigger()
    try:
        with terminal.progress("clogs") as progress:
            result = run_pipeline(settings, plan, progress, trigger=trigger)
    except LockedError as error:
        if trigger == "hand":
            raise
        terminal.say(error.message)  # needs nobody: the next one does it, and cron mails no more than must be
        raise SystemExit(error.exit_code) from None
    shown = not (is_quiet() or terminal.stdout_json)
    terminal.summarize(result, Group(_steps(result), _found(session)) if shown else "")
    return result


def _trigger() -> Trigger:
    """Who started this: the entries that `clogs schedule` makes say so."""
    schedulers: dict[str, Trigger] = {"cron": "cron", "systemd": "systemd"}
    return schedulers.get(os.environ.get(TRIGGER_VARIABLE, ""), "hand")


def _steps(result: PipelineResult) -> Table:
    table = Table(box=None, show_header=False, title_justify="left", padding=(0, 1))
    for step in result.steps:
        mark, style = MARKS[step.status]
        table.add_row(Text(mark, style), step.name, _what(step), Text(_seconds(step), "dim"))
    return table


def _what(step: StepResult) -> str:
    if step.error:
        return "failed"
    if step.result:
        return SUMMARIES[step.name](step.result)
    return "nothing new" if step.status == "unchanged" else step.status


def _seconds(step: StepResult) -> str:
    return duration(step.seconds) if step.status in {"done", "failed"} else ""


def _found(session: Session) -> Text:
    """What the warehouse holds now, and where it lies."""
    path = session.settings.duckdb.path
    try:
        with open_warehouse(session.settings, read_only=True, lock_timeout=timedelta(0)) as connection:
            found = questions.read(connection)
    except WarehouseError:  # a step has met it before, and says so
        return Text()
    said = (found.sentence(), found.remark()) if found else ()
    lines = (*said, f"{path} ({size(path.stat().st_size)})")
    return Text("".join(f"\n {line}" for line in lines if line))
