"""``clogs load``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clogs.commands.output import table
from clogs.commands.session import Flag, Session
from clogs.errors import UsageError
from clogs.pipeline.engines import engine_of
from clogs.pipeline.wiring import open_warehouse
from clogs.runs.records import new_run
from clogs.terminal.text import count, duration

if TYPE_CHECKING:
    from clogs.load import LoadResult


def load(
    *,
    init_only: Flag = False,
    full_refresh: Flag = False,
    stats: Flag = False,
    json: Flag = False,
    session: Session,
) -> None:
    """Load new Parquet files into raw.conversations, keeping the newest version of each document.

    Args:
        init_only: Create the warehouse and its tables, and load nothing.
        full_refresh: Rebuild raw.conversations from all Parquet files, in one transaction.
        stats: Show what raw.conversations holds, and load nothing.
        json: Print the result as one JSON document.
    """
    if init_only + full_refresh + stats > 1:
        raise UsageError(
            "--init-only, --full-refresh and --stats exclude one another.", hint="Give one of them."
        )
    if stats:
        _show_stats(session)
    elif init_only:
        from clogs.warehouse import create_tables

        with session.lock("load"), open_warehouse(session.settings) as connection:
            create_tables(connection)
        path = session.settings.duckdb.path
        session.terminal.summarize({"warehouse": path}, f"The warehouse {path} is ready.")
    else:
        with session.run("load") as progress:
            result = engine_of(session.settings).load(
                run=new_run(), full_refresh=full_refresh, on_progress=progress
            )
        session.terminal.summarize(result, f"{summary(result)} · {duration(result.seconds)}")


def summary(result: LoadResult) -> str:
    """A load in a line."""
    rows = f"{count(result.total, 'row')} in raw.conversations"
    if not result.files:
        return f"nothing new · {rows}"
    counts = f"{result.inserted:,} new · {result.updated:,} updated"
    unchanged = f" · {result.unchanged:,} unchanged" if result.unchanged else ""
    return f"{count(result.files, 'file')} · {counts}{unchanged} · {rows}"


def _show_stats(session: Session) -> None:
    from clogs.load import stats

    with open_warehouse(session.settings, read_only=True) as connection:
        found = stats(connection)
    terminal = session.terminal
    if terminal.stdout_json:
        terminal.write_json(found)
        return
    days = f"{found.first_day} to {found.last_day}, {count(found.days, 'day')}" if found.rows else "empty"
    terminal.write(f"{count(found.rows, 'row')} · {days}\n")
    for title, counts in (("type", found.types), ("project", found.projects)):
        rows = ((name, f"{number:,}") for name, number in counts.items())
        terminal.write(table((title, "rows"), rows, right={"rows"}))
        terminal.write("")
