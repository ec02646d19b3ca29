"""Tables as commands print them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Literal

from rich.cells import cell_len
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


def lines(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Collection[str] = ()
) -> Iterator[str]:
    """Lay out the same for a pipe, which has no width: without wrapping, any number of rows is soon done.

    Args:
        head: The columns' names.
        rows: As many cells each as there are columns.
        right: The columns whose cells stand to the right.
    """
    cells = [[printable(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        gaps = [" " * (width - cell_len(cell)) for width, cell in zip(widths, row, strict=True)]
        aligned = (
            gap + cell if name in right else cell + gap
            for name, cell, gap in zip(head, row, gaps, strict=True)
        )
        yield "  ".join(aligned).rstrip()
