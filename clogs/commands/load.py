"""``clogs load``."""

from __future__ import annotations

from clogs.commands.output import loaded, table
from clogs.commands.session import Flag, Given
from clogs.errors import UsageError
from clogs.load import stats as count_rows
from clogs.pipeline import steps
from clogs.pipeline.wiring import open_warehouse
from clogs.runs.lock import run_lock
from clogs.runs.records import new_run
from clogs.terminal.text import count, duration
from clogs.warehouse import create_tables


def load(
    *,
    init_only: Flag = False,
    full_refresh: Flag = False,
    stats: Flag = False,
    json: Flag = False,
    session: Given,
) -> None:
    """Load new Parquet files into raw.conversations, the newest version of each document.

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
        _init(session)
    else:
        _load(session, full_refresh=full_refresh)


def _load(session: Given, *, full_refresh: bool) -> None:
    settings, terminal = session.settings, session.terminal
    with run_lock(settings.data.state_dir, command="load"), terminal.progress("load") as progress:
        result = steps.load(settings, run=new_run(), full_refresh=full_refresh, on_progress=progress)
    terminal.summarize(result, f"{loaded(result)} · {duration(result.seconds)}")


def _init(session: Given) -> None:
    settings = session.settings
    with (
        run_lock(settings.data.state_dir, command="load"),
        open_warehouse(settings) as connection,
    ):
        create_tables(connection)
    path = settings.duckdb.path
    session.terminal.summarize({"warehouse": path}, f"The warehouse {path} is ready.")


def _show_stats(session: Given) -> None:
    with open_warehouse(session.settings, read_only=True) as connection:
        found = count_rows(connection)
    if session.terminal.stdout_json:
        session.terminal.write_json(found)
        return
    days = f"{found.first_day} to {found.last_day}, {count(found.days, 'day')}" if found.rows else "empty"
    session.terminal.write(f"{count(found.rows, 'row')} · {days}\n")
    for title, counts in (("type", found.types), ("project", found.projects)):
        rows = ((name, f"{number:,}") for name, number in counts.items())
        session.terminal.write(table((title, "rows"), rows, right={"rows"}))
        session.terminal.write("")
