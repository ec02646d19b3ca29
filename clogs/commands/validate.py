"""``clogs validate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from clogs import stages
from clogs.commands.options import Flag, Given
from clogs.commands.summaries import summary
from clogs.terminal import printable
from clogs.wording import duration

if TYPE_CHECKING:
    from rich.table import Table

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
    terminal = session.terminal
    if not terminal.stdout_json:
        terminal.write(_table(result))
    terminal.summarize(result, f"{summary(result)} · {duration(result.seconds)}")
    result.raise_for_failures()


def _table(result: ValidateResult) -> Table:
    from rich import box
    from rich.table import Table

    table = Table("", "layer", "check", box=box.SIMPLE_HEAD)
    table.add_column("failing", justify="right")
    table.add_column("examples")
    for check in result.checks:
        examples = printable(", ".join(check.examples))
        mark = "✗" if check.failing else "✓"
        table.add_row(mark, check.layer, check.name, f"{check.failing:,}", examples)
    return table
