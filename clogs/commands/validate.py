"""``clogs validate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import Group
from rich.text import Text

from clogs import stages
from clogs.commands.options import Flag, Given
from clogs.commands.summaries import validated
from clogs.commands.tables import table
from clogs.wording import duration

if TYPE_CHECKING:
    from rich.table import Table

    from clogs.validate import ValidateResult


MARKS = {True: "✓", False: "✗"}


def validate(
    *,
    layer: Annotated[list[str] | None, Parameter(negative="")] = None,
    json: Flag = False,
    session: Given,
) -> None:
    """Check the data in the warehouse.

    Args:
        layer: Check only this layer; repeatable.
        json: Print the result as one JSON document.
    """
    result = stages.validate(session.settings, layers=tuple(layer or ()))
    outcome = Text(f"{validated(result)} · {duration(result.seconds)}")
    session.terminal.summarize(result, Group(_table(result), outcome))
    result.raise_for_failures()


def _table(result: ValidateResult) -> Table:
    rows = (
        (MARKS[not check.failing], check.table, check.name, f"{check.failing:,}", ", ".join(check.examples))
        for check in result.checks
    )
    return table(("", "table", "check", "failing", "examples"), rows, right={"failing"})
