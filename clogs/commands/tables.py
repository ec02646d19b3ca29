"""``clogs tables``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter

from clogs.commands.output import table, table_lines
from clogs.commands.session import Flag, Session
from clogs.commands.transform import ModelName
from clogs.errors import UsageError
from clogs.pipeline.wiring import open_warehouse
from clogs.terminal.console import Terminal
from clogs.terminal.text import count, nearest, printable
from clogs.warehouse import ColumnInfo, Connection, TableInfo, describe_table, list_tables, table_names

GOLD = "gold."


def tables(
    name: Annotated[ModelName | None, Parameter(show_choices=False, metavar="NAME")] = None,
    /,
    *,
    all: Flag = False,  # noqa: A002  # the option's name
    json: Flag = False,
    session: Session,
) -> None:
    """Show the tables that you can query, or the columns of one.

    These are gold's and those of your own models. The others are what gold is made of.

    Args:
        name: A table, such as dim_tools or gold.dim_tools.
        all: Show the tables of silver, bronze and raw, too.
        json: Print one JSON document.
    """
    terminal = session.terminal
    with open_warehouse(session.settings, read_only=True) as connection:
        if name is not None:
            described, columns = describe_table(connection, _known(connection, name))
        else:
            found = list_tables(connection, every_layer=all)
    if name is not None and json:
        terminal.write_json({**asdict(described), "columns": columns})
    elif name is not None:
        _show_columns(terminal, described, columns)
    elif json:
        terminal.write_json({"tables": found})
    elif found:
        rows = (
            (each.name if all else _short(each.name), f"{each.rows:,}", each.description) for each in found
        )
        _show(terminal, ("table", "rows", "description"), rows, right={"rows"})
    else:
        terminal.say("There are no tables to query yet. Build them: clogs transform")


def _known(connection: Connection, name: str) -> str:
    """The table that is meant, with its schema: gold's where several have the name."""
    known = table_names(connection)
    for each in known:
        if name.lower() in {each.lower(), each.partition(".")[2].lower()}:
            return each
    bare = {each.partition(".")[2]: each for each in reversed(known)}
    found = nearest(name.rpartition(".")[2], bare)
    near = f", the nearest is {bare[found] if '.' in name else _short(bare[found])}" if found else ""
    raise UsageError(f"The table {name} does not exist{near}.", hint="The tables: clogs tables --all")


def _show_columns(terminal: Terminal, described: TableInfo, columns: Sequence[ColumnInfo]) -> None:
    said = f": {described.description}" if described.description else ""
    terminal.write(printable(f"{described.name}, {count(described.rows, 'row')}{said}"))
    terminal.write("")
    rows = ((each.name, each.type, each.description) for each in columns)
    _show(terminal, ("column", "type", "description"), rows)


def _show(
    terminal: Terminal, head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Collection[str] = ()
) -> None:
    """Print a table; only descriptions are broken into lines."""
    if terminal.has_width:
        terminal.write(table(head, rows, right=right, whole=set(head) - {"description"}))
    else:
        for line in table_lines(head, rows, right=right):
            terminal.write(line)


def _short(name: str) -> str:
    """The name as a query may say it: gold's tables need no schema."""
    return name.removeprefix(GOLD)
