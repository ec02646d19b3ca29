"""Rows of a query as lines of text: a table, CSV or JSON, and a table that fits a terminal."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, time
from decimal import Decimal
from itertools import chain

import msgspec
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from clogs.commands.output import GAP, table, table_lines
from clogs.terminal.console import json_text
from clogs.terminal.text import printable

NUMBERS = (int, float, Decimal, type(None))

NOT_JSON_KEYS = (bool, bytes, list, tuple, dict, Decimal)
"""What a DuckDB MAP may have as keys, and msgspec cannot write as one."""

FORMULA = re.compile(r"[=+@\t\r\n＝＋＠－]|-(?![\w.-]*\Z)")  # noqa: RUF001  # spreadsheets take wide ones, too
"""How a text begins that a spreadsheet may run. A folder's name may begin with a minus, and is harmless."""

READABLE = 36
"""Columns of a terminal that a longer cell must have, to be broken into lines: an id fits whole."""

ELLIPSIS = "…"

Rows = Sequence[Sequence[object]]


def plain_lines(names: Sequence[str], rows: Rows) -> Iterator[str]:
    """Lay out a table as wide as it needs to be."""
    texts = ([_text(value) for value in row] for row in rows)
    return (f"{line}\n" for line in table_lines(names, texts, right=_numbers(names, rows)))


def csv_lines(names: Sequence[str], rows: Rows) -> Iterator[str]:
    """Write CSV for spreadsheets."""
    lines: list[str] = []
    writer = csv.writer(_UnixLines(lines.append), lineterminator="\r\n")
    for row in chain([names], rows):
        writer.writerow(_cells(row))
        yield lines.pop()


def json_lines(names: Sequence[str], rows: Rows) -> Iterator[str]:
    """Write one JSON document: an array with an object for each row."""
    yield f"{json_text([_object(names, row) for row in rows], indent=2)}\n"


def jsonl_lines(names: Sequence[str], rows: Rows) -> Iterator[str]:
    """Write a JSON object for each row, on a line of its own."""
    return (f"{json_text(_object(names, row))}\n" for row in rows)


def fitted(names: Sequence[str], rows: Rows, *, width: int | None) -> tuple[Table, int]:
    """Lay out a table for a terminal; columns in the middle that do not fit its width are left out.

    Returns:
        The table, and how many columns it lacks.
    """
    texts = [[_shown(name, value) for name, value in zip(names, row, strict=True)] for row in rows]
    right = _numbers(names, rows)
    head = [printable(name) for name in names]
    widths = [max(cell_len(str(cell)) for cell in column) for column in zip(head, *texts, strict=True)]
    first, last = (len(names), 0) if width is None else _outer(widths, width)
    lacking = len(names) - first - last
    if lacking:
        end = len(names) - last
        names = [*names[:first], ELLIPSIS, *names[end:]]
        texts = [[*row[:first], Text(ELLIPSIS, style="dim"), *row[end:]] for row in texts]
    return table(names, texts, right=right), lacking


def upright(names: Sequence[str], row: Sequence[object]) -> Table:
    """Lay out one row for a terminal, each column on a line of its own."""
    grid = Table.grid(padding=(0, GAP))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in zip(names, row, strict=True):
        grid.add_row(Text(printable(name)), _shown(name, value))
    return grid


def _outer(widths: Sequence[int], width: int) -> tuple[int, int]:
    """Return how many columns fit at the left and at the right, at least the first."""
    needs = [min(each, READABLE) + GAP for each in widths]
    if sum(needs) <= width + GAP:
        return len(needs), 0
    room = width - len(ELLIPSIS) - needs[0]
    first, last = 1, 0
    while first + last < len(needs):
        is_left = first <= last
        room -= needs[first] if is_left else needs[-1 - last]
        if room < 0:
            break
        first, last = (first + 1, last) if is_left else (first, last + 1)
    return first, last


def _shown(name: str, value: object) -> Text:
    """A value for people: NULL is told from empty, times are to the second and money to the cent."""
    if value is None:
        return Text("NULL", style="dim")
    if isinstance(value, (datetime, time)):
        value = value.replace(microsecond=0)
    elif name.endswith("_usd") and isinstance(value, (int, float, Decimal)):
        return Text(f"{value:.2f}")
    return Text(printable(_text(value)))


def _numbers(names: Sequence[str], rows: Rows) -> Collection[str]:
    """The columns that hold nothing but numbers."""
    columns = zip(names, zip(*rows, strict=True), strict=True) if rows else ()
    return {name for name, values in columns if all(type(value) in NUMBERS for value in values)}


class _UnixLines:
    """Lines that end in a line feed: csv quotes a carriage return only if lines end with one."""

    def __init__(self, add: Callable[[str], object]) -> None:
        self._add = add

    def write(self, line: str) -> None:
        self._add(line.removesuffix("\r\n") + "\n")


def _object(names: Sequence[str], row: Sequence[object]) -> dict[str, object]:
    return dict(zip(names, map(_jsonable, row), strict=True))


def _cells(row: Sequence[object]) -> Iterator[str]:
    """A row for CSV, in which no text is a formula: transcripts are hostile input."""
    for value in row:
        is_formula = isinstance(value, str) and FORMULA.match(value)
        yield f"'{value}" if is_formula else _text(value)


def _text(value: object) -> str:
    """A value as in JSON, but text without quotes and NULL as nothing; bytes as DuckDB writes them."""
    if value is None:
        return ""
    if isinstance(value, (bool, list, tuple, dict)):
        return msgspec.json.encode(_jsonable(value), enc_hook=str).decode()
    if isinstance(value, bytes):
        return re.sub(r"[^ -~]|[\\'\"]", lambda found: f"\\x{ord(found[0]):02X}", value.decode("latin-1"))
    return str(value)


def _jsonable(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return [_jsonable(each) for each in value]
    if isinstance(value, dict):
        return {
            _text(key) if isinstance(key, NOT_JSON_KEYS) else key: _jsonable(each)
            for key, each in value.items()
        }
    return value
