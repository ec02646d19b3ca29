"""One line on what each stage did. The stages themselves are not imported: most commands need one of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from clogs.terminal.text import count, join_limited, printable, size

if TYPE_CHECKING:
    from clogs.extract import ExtractResult
    from clogs.landing.compact import CompactResult
    from clogs.load import LoadResult
    from clogs.transcripts.importer import ImportResult
    from clogs.transform import TransformResult
    from clogs.validate import ValidateResult


def extracted(result: ExtractResult) -> str:
    """Say in a line what an extraction did."""
    documents = count(result.documents, "document")
    if result.dry_run:
        return f"{documents} would be read"
    if not result.documents:
        return "nothing new"
    parts = [f"{documents} read"]
    if result.landed:
        parts.append(f"{result.landed:,} landed in {count(result.files, 'file')} ({size(result.bytes)})")
    if result.unchanged:
        parts.append(f"{result.unchanged:,} known already")
    if result.rejected:
        parts.append(f"{result.rejected:,} rejected")
    return " · ".join(parts)


def loaded(result: LoadResult) -> str:
    """Say in a line what a load did."""
    rows = f"{count(result.total, 'row')} in raw.conversations"
    if not result.files:
        return f"nothing new · {rows}"
    return f"{count(result.files, 'file')} · {result.inserted:,} new · {result.updated:,} updated · {rows}"


def compacted(result: CompactResult) -> str:
    """Say in a line what a compaction did."""
    if not result.merged:
        return "nothing to merge"
    merged = f"{count(result.merged, 'file')} of {count(result.days, 'day')} merged into {result.files:,}"
    return f"{merged} ({size(result.bytes_before)} → {size(result.bytes_after)})"


def transformed(result: TransformResult) -> str:
    """Say in a line what a transformation did."""
    return f"{count(len(result.models), 'model')} built"


def validated(result: ValidateResult) -> str:
    """Say in a line how a validation ended, and which checks warn: an error names those that failed."""
    failed, warned = (result.ended(outcome) for outcome in ("failed", "warned"))
    checks = count(len(result.checks), "check")
    outcome = f"{len(failed)} of {checks} failed" if failed else f"{checks} passed"
    if warned and not failed:
        outcome = f"{len(result.checks) - len(warned)} of {checks} passed"
    if warned:
        outcome += f", {len(warned)} warned ({join_limited([each.check for each in warned], most=2)})"
    return f"{outcome} on {count(result.rows, 'row')}"


def imported(result: ImportResult) -> str:
    """Say in a line what an import did."""
    parts = [f"{count(result.files, 'file')}", f"{count(result.imported, 'document')} imported"]
    if result.known:
        parts.append(f"{result.known:,} there already")
    if result.rejected:
        parts.append(f"{count(result.rejected, 'line')} rejected")
    return " · ".join(parts)


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
