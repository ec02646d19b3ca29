"""``clogs pipeline``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from clogs.commands import compact, extract, load, transform, validate
from clogs.commands.follow import Follower, require_alone
from clogs.commands.session import Flag, Session
from clogs.errors import WarehouseError
from clogs.pipeline import steps
from clogs.pipeline.run import PipelineResult, Plan, StepResult, run_pipeline
from clogs.pipeline.wiring import open_warehouse
from clogs.report import questions
from clogs.report.questions import Totals
from clogs.runs.log import log_path
from clogs.terminal.console import is_quiet
from clogs.terminal.text import count, duration, money, si_number, size

SUMMARIES: dict[str, Callable[[Any], str]] = {
    "extract": extract.summary,
    "load": load.summary,
    "transform": transform.summary,
    "validate": validate.summary,
    "compact": compact.summary,
}
BUILD_EVERY = timedelta(minutes=1)
MARKS = {"done": ("✓", "green"), "unchanged": ("✓", "green"), "skipped": ("–", "dim"), "failed": ("✗", "red")}


def pipeline(
    *,
    from_: extract.From = (),
    full_backfill: Flag = False,
    full_refresh: Flag = False,
    reconcile: Flag = False,
    skip_extract: Flag = False,
    skip_load: Flag = False,
    skip_transform: Flag = False,
    skip_validate: Flag = False,
    models: transform.Models = None,
    follow: Flag = False,
    every: Annotated[timedelta | None, Parameter(metavar="LENGTH")] = None,
    json: Flag = False,
    session: Session,
) -> None:
    """Extract, load, transform and validate what is new: the command for your crontab.

    Args:
        from_: Read transcripts in place of MongoDB: Claude Code's folder (~/.claude), a project or a file.
        full_backfill: Read the whole collection again.
        full_refresh: Rebuild raw.conversations and all models.
        reconcile: Compare the collection with what has landed, too: see clogs extract --help.
        skip_extract: Leave out extract.
        skip_load: Leave out load.
        skip_transform: Leave out transform.
        skip_validate: Leave out validate.
        models: Build only this model; repeatable. +NAME: also what it reads from; NAME+: what reads from it.
        follow: Stay until Ctrl-C: land what is new every few seconds, and build at an interval.
        every: The interval of --follow, such as 30s, 1m (the default) or 1h.
        json: Print the result as one JSON document.
    """
    alone = {
        "--full-backfill": full_backfill,
        "--full-refresh": full_refresh,
        "--reconcile": reconcile,
        "--skip-extract": skip_extract,
    }
    require_alone(follow=follow, every=every, options={**alone, "--json": json})
    session.read_from(from_)
    skips = {
        "extract": skip_extract,
        "load": skip_load,
        "transform": skip_transform,
        "validate": skip_validate,
    }
    plan = Plan(
        full_backfill=full_backfill,
        full_refresh=full_refresh,
        reconcile=reconcile,
        skip=frozenset(name for name, skip in skips.items() if skip),
        select=tuple(models or ()),
    )
    if follow:
        options = [word for path in from_ for word in ("--from", str(path))]
        options += [f"--skip-{name}" for name in sorted(plan.skip)]
        options += [word for model in plan.select for word in ("--models", model)]
        Follower(session, extract.summary).run(every or BUILD_EVERY, ["pipeline", *options])
    result = run(session, plan)
    if skip_extract and not skip_load and not steps.has_landed(session.settings):
        session.terminal.say("Nothing has landed yet: leave out --skip-extract.")
    raise_errors(result, session)


def raise_errors(result: PipelineResult, session: Session) -> None:
    """Show the error of every step that failed; the first one is raised, and decides the exit code."""
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
    settings, terminal = session.settings, session.terminal
    with session.leaving_to_next(), terminal.progress("clogs") as progress:
        result = run_pipeline(
            settings,
            plan,
            progress,
            trigger=session.trigger,
            confirm=session.confirm_reading,
            on_end=lambda step: progress.end(_steps([step])),
        )
    shown = not (is_quiet() or terminal.stdout_json)
    terminal.summarize(result, Group(_steps(result.steps), _warehouse(session)) if shown else "")
    return result


def _steps(steps: Iterable[StepResult]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column()
    table.add_column(min_width=max(map(len, SUMMARIES)))
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True)
    for step in steps:
        mark, style = MARKS[step.status]
        if step.result:
            what = SUMMARIES[step.name](step.result)
        else:
            what = "nothing new" if step.status == "unchanged" else step.status
        seconds = duration(step.seconds) if step.status in {"done", "failed"} else ""
        table.add_row(Text(mark, style), step.name, Text(what), Text(seconds, "dim"))
    return table


def _warehouse(session: Session) -> RenderableType:
    """What the warehouse holds now, and where it is."""
    path = session.settings.duckdb.path
    try:
        with open_warehouse(session.settings, read_only=True, lock_timeout=timedelta(0)) as connection:
            found = questions.totals(connection)
    except WarehouseError:  # a step has failed with it, too
        return Text()
    lines = [*(totals_lines(found) if found else ()), f"{path} ({size(path.stat().st_size)})"]
    return Padding(Text("\n".join(lines)), (1, 0, 0, 1), expand=False)


def totals_lines(found: Totals) -> Iterator[str]:
    """The totals in a line, and what the cost leaves out."""
    failed = f" ({found.tool_errors / found.tool_calls:.1%} failed)" if found.tool_calls else ""
    automated = f", {found.automated:,} of them automated," if found.automated else ""
    parts = (
        f"{count(found.sessions, 'session')}{automated} in {count(found.projects, 'project')}",
        count(found.prompts, "prompt"),
        f"{count(found.tool_calls, 'tool call')}{failed}",
        f"{si_number(found.tokens)} tokens",
        money(found.cost_usd),
    )
    yield " · ".join(parts)
    yield from transform.unpriced_lines(found.unpriced_models)
