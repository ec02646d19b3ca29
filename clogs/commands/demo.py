"""``clogs demo``."""

from __future__ import annotations

import shlex
import sys
import tempfile
from pathlib import Path
from shutil import which

from clogs.commands.demo_server import mongo_server
from clogs.commands.import_ import summary
from clogs.commands.output import table
from clogs.commands.pipeline import raise_errors, run
from clogs.commands.session import Session
from clogs.errors import UsageError
from clogs.files import bundled, make_private_dir, write_content
from clogs.pipeline import steps
from clogs.pipeline.run import Plan
from clogs.pipeline.wiring import open_warehouse
from clogs.report import questions
from clogs.schedule.entries import clogs_words
from clogs.terminal.text import money

QUERY = "SELECT tool_name, calls, errors FROM gold.dim_tools ORDER BY errors DESC"


def demo(*, keep: Path | None = None, session: Session) -> None:
    """Run the whole pipeline on bundled sample transcripts, and show what it finds.

    It starts a MongoDB-compatible server in memory, imports the samples, runs the
    pipeline, and stops the server. Your own settings, database and warehouse are
    left alone.

    Args:
        keep: The folder for the demo's warehouse; it must be empty. [default: a new temporary folder]
    """
    folder = _folder(keep)
    terminal = session.terminal
    with mongo_server() as uri:
        # The demo's own settings, whatever the user's file and environment say.
        settings_file = folder / "clogs.toml"
        write_content(settings_file, f'[mongo]\nuri = "{uri}"\n\n[data]\ndir = "."\n'.encode())
        own = Session(config=settings_file, verbose=False, quiet=False, terminal=terminal, environ={})
        terminal.write("1. Import the sample transcripts into a MongoDB-compatible server")
        terminal.write(f"   {summary(steps.import_files(own.settings, [bundled('samples')]))}")
        terminal.write("   (two lines are broken on purpose)\n")
        terminal.write("2. Run the pipeline")
        result = run(own, Plan())
    raise_errors(result, own)
    _show_answers(own)
    words = clogs_words(program=sys.argv[0], config=None)
    clogs = "clogs" if words == (which("clogs"),) else shlex.join(words)
    of_demo = f"{clogs} -c {shlex.quote(str(settings_file))}"
    terminal.write(
        f"\nThe warehouse is {folder / 'clogs.duckdb'}; any DuckDB 1.5 opens it."
        " As long as its folder exists, this works:\n\n"
        f"  {of_demo} report --last all\n"
        f'  {of_demo} query "{QUERY}"\n\n'
        "Your own transcripts need no server, either:\n\n"
        f"  {clogs} pipeline --from ~/.claude\n"
        f"  {clogs} report\n\n"
        "For a MongoDB of your own, write a settings file:\n\n"
        f"  {clogs} init"
    )


def _folder(keep: Path | None) -> Path:
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="clogs-demo-"))
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise UsageError(
            f"{keep} is not an empty folder.", hint="Name one that is empty or does not exist yet."
        )
    return make_private_dir(keep.absolute())


def _show_answers(session: Session) -> None:
    with open_warehouse(session.settings, read_only=True) as connection:
        tools = questions.top_tools(connection)
        projects = questions.top_projects(connection)
    write = session.terminal.write
    write("\n3. Ask it something\n")
    calls = [(name, f"{calls:,}", f"{errors:,}") for name, calls, errors in tools]
    write(table(("tool", "calls", "failed"), calls, right={"calls", "failed"}))
    write("")
    costs = [(name, f"{sessions:,}", money(cost)) for name, sessions, cost in projects]
    write(table(("project", "sessions", "cost"), costs, right={"sessions", "cost"}))
