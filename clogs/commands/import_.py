"""``clogs import``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from clogs.commands.session import Flag, Session
from clogs.pipeline import steps
from clogs.terminal.text import count, duration

if TYPE_CHECKING:
    from clogs.transcripts.importer import ImportResult


Name = Annotated[str | None, Parameter(show_default=False)]


def import_(
    *paths: Annotated[Path, Parameter(name="PATH")],
    user: Name = None,
    machine: Name = None,
    json: Flag = False,
    session: Session,
) -> None:
    """Put Claude Code's own JSONL files into the MongoDB collection, each line once.

    Run it as often as you like: it continues where the files ended last time. What
    is in the collection keeps the names it came with.

    Args:
        paths: Claude Code's folder, its projects folder, one project or one file. [default: ~/.claude]
        user: Whose transcripts they are; "" to leave it out. [default: your login name]
        machine: Which machine they are from; "" to leave it out. [default: the host name]
        json: Print the result as one JSON document.
    """
    terminal = session.terminal
    with session.leaving_to_next(), terminal.progress("import") as progress:
        result = steps.import_files(
            session.settings,
            paths or (Path("~/.claude"),),
            user=user,
            machine=machine,
            retry_connect=session.trigger != "hand",
            on_progress=progress,
        )
    terminal.summarize(result, f"{summary(result)} · {duration(result.seconds)}")
    if result.index_created:
        terminal.say(f"Created the index on {session.settings.pipeline.watermark_field}.")


def summary(result: ImportResult) -> str:
    """An import in a line."""
    parts = [count(result.files, "file"), f"{count(result.imported, 'document')} imported"]
    if result.known:
        parts.append(f"{result.known:,} already there")
    if result.rejected:
        parts.append(f"{count(result.rejected, 'line')} rejected")
    return " · ".join(parts)
