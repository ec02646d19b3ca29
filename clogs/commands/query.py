"""``clogs query``."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from clogs.commands.output import lines, table
from clogs.commands.session import Given
from clogs.pipeline.wiring import open_warehouse
from clogs.warehouse import query as read

NUMBERS = (int, float, Decimal, type(None))

FORMULA = re.compile(r"[=+@\t\r\n＝＋＠－]|-(?![\w.-]*\Z)")  # noqa: RUF001  # spreadsheets take wide ones, too
"""How a text begins that a spreadsheet may run. A folder's name may begin with a minus, and does nothing."""

Format = Literal["table", "csv", "json"]


def query(sql: str, /, *, format: Format = "table", session: Given) -> None:  # noqa: A002  # the option's name
    """Ask the warehouse a question in SQL; it is opened for reading only.

    CSV is for spreadsheets: a text that one would take for a formula has a ' before
    it there. JSON has every value as it is.

    Args:
        sql: One statement in DuckDB's SQL, such as "SELECT * FROM gold.agg_daily_summary".
        format: How to print the rows.
    """
    with open_warehouse(session.settings, read_only=True) as connection:
        names, rows = read(connection, sql)
    if format == "csv":
        csv.writer(_Lines(), lineterminator="\r\n").writerows(map(_cells, (names, *rows)))
    elif format == "json":
        session.terminal.write_json([dict(zip(names, map(_plain, row), strict=True)) for row in rows])
    else:
        texts = ([_text(value) for value in row] for row in rows)
        right = _numbers(names, rows)
        if session.terminal.has_width:
            session.terminal.write(table(names, texts, right=right))
        else:
            sys.stdout.writelines(f"{line}\n" for line in lines(names, texts, right=right))


class _Lines:
    """Lines that end as Unix has them; csv quotes a carriage return only where lines end with one."""

    def write(self, line: str) -> None:
        sys.stdout.write(line.removesuffix("\r\n") + "\n")


def _numbers(names: Sequence[str], rows: Sequence[Sequence[object]]) -> set[str]:
    """The columns that hold numbers and nothing else."""
    columns = zip(names, zip(*rows, strict=True), strict=True) if rows else ()
    return {name for name, values in columns if all(type(value) in NUMBERS for value in values)}


def _cells(row: Sequence[object]) -> Iterator[str]:
    """A row for CSV, in which no text is a formula: transcripts are hostile input."""
    for value in row:
        is_formula = isinstance(value, str) and FORMULA.match(value)
        yield f"'{value}" if is_formula else _text(value)


def _text(value: object) -> str:
    """A value as JSON has it, but text without quotes and NULL as nothing; bytes as DuckDB writes them."""
    if value is None:
        return ""
    if isinstance(value, (bool, list, tuple, dict)):
        return msgspec.json.encode(_plain(value), enc_hook=str).decode()
    if isinstance(value, bytes):
        return re.sub(r"[^ -~]|[\\'\"]", lambda found: f"\\x{ord(found[0]):02X}", value.decode("latin-1"))
    return str(value)


def _plain(value: object) -> object:
    """A value whose dictionaries have keys that JSON has, too: a MAP may have any."""
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {_key(key): _plain(each) for key, each in value.items()}
    return value


def _key(value: object) -> object:
    """A key that JSON can have, as `msgspec` writes it where it can."""
    return _text(value) if isinstance(value, (bool, bytes, list, tuple, dict, Decimal)) else value
