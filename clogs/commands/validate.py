"""``clogs validate``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.text import Text

from clogs.commands.output import table, validated
from clogs.commands.session import Flag, Given
from clogs.errors import UsageError
from clogs.pipeline import steps
from clogs.runs.lock import run_lock
from clogs.runs.records import new_run
from clogs.terminal.text import count, did_you_mean, duration, instant, percent, sparkline

if TYPE_CHECKING:
    from rich.table import Table

    from clogs.checks.results import CheckResult, PastResult
    from clogs.commands.session import Session
    from clogs.validate import ValidateResult


MARKS = {"failed": "✗", "warned": "!", "passed": "✓"}
"""The worst first."""

WIDE = 140
"""Columns with which a line has room for what a check says."""

SHOWN = 10
"""So many of the last validations are told one by one."""


def validate(
    *,
    layer: Annotated[list[str] | None, Parameter(negative="")] = None,
    build_docs: Annotated[Path | bool, Parameter(negative="", show_default=False, metavar="[DIR]")] = False,
    history: Annotated[str | None, Parameter(metavar="CHECK")] = None,
    json: Flag = False,
    session: Given,
) -> None:
    """Check the data in the warehouse, and keep how each check ended.

    A check that fails ends with 65, unless it is a warning; [quality.checks] in
    clogs.toml may make it one.

    Args:
        layer: Check only this layer, bronze, silver or gold; repeatable.
        build_docs: Also write a page about all tables and checks: DIR/index.html. [default: docs in data.dir]
        history: Check nothing, and show how this check ended before.
        json: Print the result as one JSON document.
    """
    if history is not None:
        if layer or build_docs:
            raise UsageError("--history checks nothing.", hint="Leave out --layer and --build-docs.")
        _show_course(history, session)
        return
    if layer and build_docs:
        raise UsageError("A page shows all layers.", hint="Leave out --layer, or --build-docs.")
    settings, terminal = session.settings, session.terminal
    with run_lock(settings.data.state_dir, command="validate"), terminal.progress("validate") as progress:
        result = steps.validate(settings, run=new_run(), layers=tuple(layer or ()), on_progress=progress)
    terminal.summarize(result, Group(*_shown(result, terminal.width)))
    if build_docs:
        folder = settings.data.dir / "docs" if build_docs is True else Path(build_docs)
        terminal.say(f"The page is {steps.build_docs(settings, folder.absolute(), result.checks)}")
    result.raise_for_failures()


def _shown(result: ValidateResult, width: int) -> Iterator[RenderableType]:
    yield _tables(result.checks)
    failing = [check for check in result.checks if check.failing]
    if failing:
        yield Text()
        yield _failing(failing, is_wide=width >= WIDE)
    yield Text(f"\n{validated(result)} · {duration(result.seconds)}")


def _tables(checks: Sequence[CheckResult]) -> Table:
    """A line for each table, marked by the worst that was found in it."""
    by_table: dict[str, list[CheckResult]] = {}
    for check in checks:
        by_table.setdefault(check.table, []).append(check)
    rows = (
        (_mark(each), each[0].layer, name, f"{len(each)}", f"{each[0].rows:,}")
        for name, each in by_table.items()
    )
    return table(("", "layer", "table", "checks", "rows"), rows, right={"checks", "rows"})


def _mark(checks: Sequence[CheckResult]) -> str:
    outcomes = {check.outcome for check in checks}
    return next(mark for outcome, mark in MARKS.items() if outcome in outcomes)


def _failing(checks: Sequence[CheckResult], *, is_wide: bool) -> Table:
    """A line for each check that rows fail; where that is narrow, its name has to say what must hold."""
    rows = (
        (
            MARKS[check.outcome],
            check.check,
            check.layer,
            *([check.description] if is_wide else []),
            f"{check.failing:,}",
            percent(check.share),
            ", ".join(check.examples),
        )
        for check in checks
    )
    said = ["what must hold"] if is_wide else []
    head = ("", "check", "layer", *said, "failing", "share", "such as")
    return table(head, rows, right={"failing", "share"}, whole={"check", "layer", "failing", "share"})


def _show_course(name: str, session: Session) -> None:
    from clogs.checks.suites import CHECKS

    if name not in CHECKS:
        raise UsageError(
            f"There is no check {name}{did_you_mean(name, CHECKS)}.",
            hint="The checks: clogs validate --json",
        )
    past = steps.check_history(session.settings).get(name, [])
    terminal = session.terminal
    if terminal.stdout_json:
        terminal.write_json({"check": name, "results": past})
    else:
        terminal.write(f"{name}: {CHECKS[name].description}")
        for part in _course(past):
            terminal.write(part)


def _course(past: Sequence[PastResult]) -> Iterator[RenderableType]:
    if not past:
        yield "It has not been checked yet: clogs validate"
        return
    shares = [each.share for each in past]
    yield f"{sparkline(shares)}  {count(len(past), 'validation')}, up to {percent(max(shares))} failing\n"
    rows = (
        (MARKS[each.outcome], instant(each.at), f"{each.rows:,}", f"{each.failing:,}", percent(each.share))
        for each in reversed(past[-SHOWN:])
    )
    head = ("", "validated", "rows", "failing", "share")
    yield table(head, rows, right={"rows", "failing", "share"})
