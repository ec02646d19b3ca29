"""``clogs import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from clogs.commands.output import imported
from clogs.commands.session import Flag, Given
from clogs.pipeline import steps
from clogs.terminal.text import duration


def import_(
    *paths: Annotated[Path, Parameter(name="PATH")],
    json: Flag = False,
    session: Given,
) -> None:
    """Put Claude Code's own JSONL files into the MongoDB collection, each line once.

    Run it as often as you like: files are read on from where they ended.

    Args:
        paths: Claude Code's folder, its projects folder, one project or one file. [default: ~/.claude]
        json: Print the result as one JSON document.
    """
    settings, terminal = session.settings, session.terminal
    with terminal.progress("import") as progress:
        result = steps.import_files(settings, paths or (Path("~/.claude"),), on_progress=progress)
    terminal.summarize(result, f"{imported(result)} · {duration(result.seconds)}")
    if result.rejected:
        terminal.say("The rejected lines, with file and line number: clogs dead-letters list --stage import")
