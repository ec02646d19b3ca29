"""Tables as commands print them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal

from rich.table import Table
from rich.text import Text

from clogs.wording import printable


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Collection[str] = (),
    whole: Collection[str] = (),
) -> Table:
    """Lay out rows of text, without the control characters they may hold.

    Args:
        head: The columns' names.
        rows: As many cells each as there are columns.
        right: The columns whose cells stand to the right, as numbers do.
        whole: The columns whose cells are not broken into lines, as names are not.
    """
    plain = Table(box=None, pad_edge=False, header_style="bold")
    for name in head:
        justify: Literal["right", "left"] = "right" if name in right else "left"
        plain.add_column(Text(printable(name)), justify=justify, overflow="fold", no_wrap=name in whole)
    for row in rows:
        plain.add_row(*(Text(printable(cell)) for cell in row))
    return plain
