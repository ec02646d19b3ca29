"""``clogs compact``."""

from __future__ import annotations

from clogs import stages
from clogs.commands.options import Flag, Given
from clogs.commands.summaries import compacted
from clogs.lock import run_lock
from clogs.wording import duration


def compact(*, json: Flag = False, session: Given) -> None:
    """Merge the small landing files of past days that are loaded, one for each day.

    Runs by the hour leave many. The pipeline merges them, too, where a day has
    enough of them for it to pay. Only the newest version of a document is kept.

    Args:
        json: Print the result as one JSON document.
    """
    settings, terminal = session.settings, session.terminal
    with run_lock(settings.data.state_dir, command="compact"), terminal.progress("compact") as progress:
        result = stages.compact(settings, run=stages.new_run(), on_progress=progress)
    terminal.summarize(result, f"{compacted(result)} · {duration(result.seconds)}")
