"""``clogs query``."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from clogs.commands.output import table, table_lines
from clogs.commands.session import Session
from clogs.pipeline.wiring import open_warehouse
from clogs.warehouse import query as run_query

NUMBERS = (int, float, Decimal, type(None))

NOT_JSON_KEYS = (bool, bytes, list, tuple, dict, Decimal)
"""What a DuckDB MAP may have as keys, and msgspec cannot write as one."""

FORMULA = re.compile(r"[=+@\t\r\n＝＋＠－]|-(?![\w.-]*\Z)")  # noqa: RUF001  # spreadsheets take wide ones, too
"""How a text begins that a spreadsheet may run. A folder's name may begin with a minus, and is harmless."""

Format = Literal["table", "csv", "json"]


def query(sql: str, /, *, format: Format = "table", session: Session) -> None:  # noqa: A002  # the option's name
    """Ask the warehouse a question in SQL; it is opened read-only.

    CSV is for spreadsheets: a text that a spreadsheet could run as a formula gets a '
    before it. JSON has every value as it is.

    Args:
        sql: One statement in DuckDB's SQL, such as "SELECT * FROM gold.agg_daily_summary".
        format: How to print the rows.
    """
    with open_warehouse(session.settings, read_only=True) as connection:
        names, rows = run_query(connection, sql)
    if format == "csv":
        csv.writer(_UnixLines(), lineterminator="\r\n").writerows(map(_cells, (names, *rows)))
        return
    if format == "json":
        session.terminal.write_json([dict(zip(names, map(_jsonable, row), strict=True)) for row in rows])
        return
    columns = zip(names, zip(*rows, strict=True), strict=True) if rows else ()
    numbers = {name for name, values in columns if all(type(value) in NUMBERS for value in values)}
    texts = ([_text(value) for value in row] for row in rows)
    if session.terminal.has_width:
        session.terminal.write(table(names, texts, right=numbers))
    else:
        sys.stdout.writelines(f"{line}\n" for line in table_lines(names, texts, right=numbers))


class _UnixLines:
    """Lines that end in a line feed: csv quotes a carriage return only if lines end with one."""

    def write(self, line: str) -> None:
        sys.stdout.write(line.removesuffix("\r\n") + "\n")


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
