"""``clogs validate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from clogs import stages
from clogs.commands.options import Flag, Given
from clogs.commands.summaries import validated
from clogs.terminal import printable
from clogs.wording import duration

if TYPE_CHECKING:
    from clogs.validate import ValidateResult


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
    table = Table("", "layer", "check", box=box.SIMPLE_HEAD)
    table.add_column("failing", justify="right")
    table.add_column("examples")
    for check in result.checks:
        examples = printable(", ".join(check.examples))
        mark = "✗" if check.failing else "✓"
        table.add_row(mark, check.layer, check.name, f"{check.failing:,}", examples)
    return table
