"""``clogs query``."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from clogs.commands import rows as as_text
from clogs.commands.session import Flag, Session
from clogs.errors import UsageError
from clogs.files import write_atomic
from clogs.pipeline.wiring import open_warehouse
from clogs.terminal.console import Terminal, is_quiet
from clogs.terminal.text import count
from clogs.warehouse import Connection, query_to_parquet, search_in
from clogs.warehouse import query as run_query

Format = Literal["table", "csv", "json", "jsonl", "parquet"]

LINES = {
    "table": as_text.plain_lines,
    "csv": as_text.csv_lines,
    "json": as_text.json_lines,
    "jsonl": as_text.jsonl_lines,
}
STDIN = "-"


def query(
    sql: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    /,
    *,
    file: Path | None = None,
    format: Annotated[Format, Parameter(name=["--format", "-f"])] = "table",  # noqa: A002  # the option's name
    output: Path | None = None,
    all: Flag = False,  # noqa: A002  # likewise
    session: Session,
) -> None:
    """Ask the warehouse a question in SQL; it is opened read-only.

    Gold's tables need no schema: "FROM dim_tools". On a terminal, a table that is too
    wide loses columns in the middle, and a single row stands one column per line.

    CSV is for spreadsheets: a text that a spreadsheet could run as a formula gets a '
    before it. JSON has every value as it is, jsonl each row on a line, and Parquet has
    DuckDB's types.

    Args:
        sql: One statement in DuckDB's SQL, such as "SELECT * FROM agg_daily_summary"; - or
            nothing reads it from standard input.
        file: Read the statement from this file.
        format: How to print the rows.
        output: Write the rows to this file, in place of what it held.
        all: Show all columns on a terminal, too.
    """
    terminal = session.terminal
    asked = _asked(sql, file)
    target = _target(output, format)
    with open_warehouse(session.settings, read_only=True) as connection:
        search_in(connection, "gold")
        if format == "parquet":
            _write_parquet(connection, asked, target)
            return
        names, rows = run_query(connection, asked)
    if target:
        _fill(target, lambda path: path.write_bytes("".join(LINES[format](names, rows)).encode()))
    elif format == "table" and terminal.has_width:
        _show(terminal, names, rows, is_whole=all)
    else:
        _print(LINES[format](names, rows), is_json=format.startswith("json"))


def _asked(sql: str | None, file: Path | None) -> str:
    """The statement, from where the command line says it is."""
    if file:
        if sql is not None:
            raise UsageError("--file and SQL contradict each other.", hint="Give one of them.")
        try:
            return _decoded(file.read_bytes())
        except OSError as exc:
            raise UsageError(f"Cannot read {file}: {exc.strerror}.", hint="Name a file of SQL.") from exc
    if sql not in {None, STDIN}:
        if str(sql).startswith("-") and "\n" not in str(sql):
            raise UsageError(f"Unknown option: {sql}.", hint="The options: clogs query --help")
        return str(sql)
    if not sys.stdin or (sql is None and sys.stdin.isatty()):
        raise UsageError("There is no query.", hint="For example: clogs query 'FROM dim_tools'")
    return _decoded(sys.stdin.buffer.read())


def _decoded(content: bytes) -> str:
    return content.decode("utf-8-sig", errors="surrogateescape")  # what is no text is refused later


def _target(output: Path | None, format: Format) -> Path | None:  # noqa: A002  # as above
    """The file to write, followed through links; None for standard output."""
    if not output:
        if format == "parquet" and sys.stdout.isatty():
            raise UsageError("Parquet is no text for a terminal.", hint="Name a file: --output FILE")
        return None
    if output.exists() and not output.is_file():
        raise UsageError(f"Cannot write {output}: it is not a file.", hint="Name a file: --output FILE")
    if not output.parent.is_dir():
        raise UsageError(f"The folder {output.parent} does not exist.", hint="Create it, or name another.")
    return output.resolve()


def _fill(target: Path, write: Callable[[Path], object]) -> None:
    write_atomic(target, write, hint="Free space, or write elsewhere: --output FILE")


def _write_parquet(connection: Connection, sql: str, target: Path | None) -> None:
    if target:
        _fill(target, lambda path: query_to_parquet(connection, sql, path))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.parquet")
        query_to_parquet(connection, sql, path)
        with path.open("rb") as content:
            shutil.copyfileobj(content, sys.stdout.buffer)


def _print(lines: Iterable[str], *, is_json: bool) -> None:
    if is_json:  # it is UTF-8, whatever the locale says
        sys.stdout.buffer.writelines(line.encode() for line in lines)
    else:
        sys.stdout.writelines(lines)


def _show(
    terminal: Terminal, names: Sequence[str], rows: Sequence[Sequence[object]], *, is_whole: bool
) -> None:
    """Print a table as people read it, and below it how much it holds."""
    said = [count(len(rows), "row")]
    if len(rows) == 1:
        terminal.write(as_text.upright(names, rows[0]))
    else:
        laid_out, lacking = as_text.fitted(names, rows, width=None if is_whole else terminal.width)
        terminal.write(laid_out, whole=is_whole)
        if lacking:
            said.append(f"… {count(lacking, 'more column')}, --all shows {'them' if lacking > 1 else 'it'}")
    if not is_quiet():
        terminal.write(f"({' · '.join(said)})")
