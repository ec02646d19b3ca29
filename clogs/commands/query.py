"""``clogs query``."""

from __future__ import annotations

import sys
from typing import Literal

from rich import box
from rich.table import Table

from clogs import stages
from clogs.commands.options import Given
from clogs.terminal import printable
from clogs.warehouse import query as read

Format = Literal["table", "csv", "json"]


def query(sql: str, /, *, format: Format = "table", session: Given) -> None:  # noqa: A002  # the option's name
    """Ask the warehouse a question in SQL; it is opened for reading only.

    Args:
        sql: One statement in DuckDB's SQL, such as "SELECT * FROM gold.agg_daily_summary".
        format: How to print the rows.
    """
    with stages.open_warehouse(session.settings, read_only=True) as connection:
        frame = read(connection, sql)
    if format == "csv":
        frame.write_csv(sys.stdout.buffer)
    elif format == "json":
        session.terminal.write_json(frame.to_dicts())
    else:
        table = Table(*map(printable, frame.columns), box=box.SIMPLE_HEAD)
        for row in frame.iter_rows():
            table.add_row(*("" if value is None else printable(value) for value in row))
        session.terminal.write(table)
