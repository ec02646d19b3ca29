"""``clogs validate``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.text import Text

from clogs.commands.output import table
from clogs.commands.session import Flag, Session
from clogs.errors import UsageError
from clogs.pipeline import steps
from clogs.runs.records import new_run
from clogs.terminal.text import count, did_you_mean, duration, instant, join_limited, percent, sparkline

if TYPE_CHECKING:
    from rich.table import Table

    from clogs.checks.results import CheckResult
    from clogs.validate import ValidateResult


Layer = Literal["bronze", "silver", "gold"]

MARKS = {"failed": "✗", "warned": "!", "passed": "✓"}
"""The worst first."""

WIDE = 140
"""Columns that leave room for the description of a check."""

MAX_SHOWN = 10
"""Validations in a check's history."""


def validate(
    *,
    layer: Annotated[list[Layer] | None, Parameter(negative="")] = None,
    build_docs: Annotated[Path | bool, Parameter(negative="", show_default=False, metavar="[DIR]")] = False,
    history: Annotated[str | None, Parameter(metavar="CHECK")] = None,
    json: Flag = False,
    session: Session,
) -> None:
    """Check the data in the warehouse, and keep the results.

    The exit code is 65 if a check fails, unless it is a warning; [quality.checks]
    in clogs.toml can make it one.

    Args:
        layer: Check only this layer; repeatable.
        build_docs: Also write a page on all tables and checks: DIR/index.html. [default: docs in data.dir]
        history: Check nothing, and show the past results of this check.
        json: Print the result as one JSON document.
    """
    if history is not None:
        if layer or build_docs:
            raise UsageError("--history checks nothing.", hint="Leave out --layer and --build-docs.")
        _show_history(history, session)
        return
    if layer and build_docs:
        raise UsageError("The page covers all layers.", hint="Leave out --layer, or --build-docs.")
    settings, terminal = session.settings, session.terminal
    with session.run("validate") as progress:
        result = steps.validate(settings, run=new_run(), layers=tuple(layer or ()), on_progress=progress)
    terminal.summarize(result, Group(*_shown(result, terminal.width)))
    if build_docs:
        folder = settings.data.dir / "docs" if build_docs is True else Path(build_docs)
        terminal.say(f"The page is {steps.build_docs(settings, folder.absolute(), result.checks)}")
    result.raise_for_failures()


def summary(result: ValidateResult) -> str:
    """A validation in a line, with the checks that warn: an error names those that failed."""
    failed, warned = (result.ended(outcome) for outcome in ("failed", "warned"))
    checks = count(len(result.checks), "check")
    outcome = f"{len(failed)} of {checks} failed" if failed else f"{checks} passed"
    if warned and not failed:
        outcome = f"{len(result.checks) - len(warned)} of {checks} passed"
    if warned:
        outcome += f", {len(warned)} warned ({join_limited([each.check for each in warned], most=2)})"
    checked = f"{result.rows:,} of " if result.rows < result.total else ""
    return f"{outcome} on {checked}{count(result.total, 'row')}"


def _shown(result: ValidateResult, width: int) -> Iterator[RenderableType]:
    yield _tables(result.checks)
    failing = [check for check in result.checks if check.failing]
    if failing:
        yield Text()
        yield _failing(failing, is_wide=width >= WIDE)
    yield Text(f"\n{summary(result)} · {duration(result.seconds)}")


def _tables(checks: Sequence[CheckResult]) -> Table:
    """A line for each table, marked by the worst outcome of its checks."""
    by_table: dict[str, list[CheckResult]] = {}
    for check in checks:
        by_table.setdefault(check.table, []).append(check)
    rows = []
    for name, each in by_table.items():
        outcomes = {check.outcome for check in each}
        mark = next(mark for outcome, mark in MARKS.items() if outcome in outcomes)
        rows.append((mark, each[0].layer, name, f"{len(each)}", f"{each[0].rows:,}"))
    return table(("", "layer", "table", "checks", "rows"), rows, right={"checks", "rows"})


def _failing(checks: Sequence[CheckResult], *, is_wide: bool) -> Table:
    """A line for each check that rows fail; a narrow terminal has no room for its description."""
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
    description = ["what must hold"] if is_wide else []
    head = ("", "check", "layer", *description, "failing", "share", "such as")
    return table(head, rows, right={"failing", "share"}, whole={"check", "layer", "failing", "share"})


def _show_history(name: str, session: Session) -> None:
    from clogs.checks.suites import CHECKS

    if name not in CHECKS:
        raise UsageError(
            f"Check {name} does not exist{did_you_mean(name, CHECKS)}.",
            hint="The checks: clogs validate --json",
        )
    past = steps.check_history(session.settings).get(name, [])
    terminal = session.terminal
    if terminal.stdout_json:
        terminal.write_json({"check": name, "results": past})
        return
    terminal.write(f"{name}: {CHECKS[name].description}")
    if not past:
        terminal.write("It has not been checked yet: clogs validate")
        return
    shares = [each.share for each in past]
    validations = count(len(past), "validation")
    terminal.write(f"{sparkline(shares)}  {validations}, up to {percent(max(shares))} failing\n")
    rows = (
        (MARKS[each.outcome], instant(each.at), f"{each.rows:,}", f"{each.failing:,}", percent(each.share))
        for each in reversed(past[-MAX_SHOWN:])
    )
    head = ("", "validated", "rows", "failing", "share")
    terminal.write(table(head, rows, right={"rows", "failing", "share"}))
