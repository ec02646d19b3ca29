"""``clogs transform``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from clogs import stages
from clogs.commands.options import Flag, Given
from clogs.commands.summaries import transformed
from clogs.lock import run_lock
from clogs.wording import duration


def transform(
    *,
    models: Annotated[list[str] | None, Parameter(negative="")] = None,
    full_refresh: Flag = False,
    json: Flag = False,
    session: Given,
) -> None:
    """Build bronze, silver and gold from raw.conversations.

    Args:
        models: Build only this model; repeatable. +NAME: also what it reads from; NAME+: what reads from it.
        full_refresh: Rebuild them even if nothing has changed.
        json: Print the result as one JSON document.
    """
    settings, terminal = session.settings, session.terminal
    with run_lock(settings.data.state_dir, command="transform"), terminal.progress("transform") as progress:
        result = stages.transform(
            settings,
            select=tuple(models or ()),
            full_refresh=full_refresh,
            on_model=lambda _name, done, total: progress(done, total),
        )
    terminal.summarize(result, f"{transformed(result)} · {duration(result.seconds)}")
