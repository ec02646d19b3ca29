"""``clogs compact``."""

from __future__ import annotations

from clogs.commands.output import compacted
from clogs.commands.session import Flag, Given
from clogs.pipeline import steps
from clogs.runs.lock import run_lock
from clogs.runs.records import new_run
from clogs.terminal.text import duration


def compact(*, json: Flag = False, session: Given) -> None:
    """Merge the small landing files of past days that are loaded, one for each day.

    Runs by the hour leave many. The pipeline merges them, too, where a day has
    enough of them for it to pay. Only the newest version of a document is kept.

    Args:
        json: Print the result as one JSON document.
    """
    settings, terminal = session.settings, session.terminal
    with run_lock(settings.data.state_dir, command="compact"), terminal.progress("compact") as progress:
        result = steps.compact(settings, run=new_run(), on_progress=progress)
    terminal.summarize(result, f"{compacted(result)} · {duration(result.seconds)}")
