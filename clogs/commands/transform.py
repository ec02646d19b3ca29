"""``clogs transform``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from clogs.commands.output import table, transformed
from clogs.commands.session import Flag, Given
from clogs.errors import UsageError
from clogs.pipeline import steps
from clogs.runs.lock import run_lock
from clogs.terminal.text import count, duration


def transform(
    *,
    models: Annotated[list[str] | None, Parameter(negative="")] = None,
    full_refresh: Flag = False,
    plan: Flag = False,
    json: Flag = False,
    session: Given,
) -> None:
    """Build bronze, silver and gold from raw.conversations.

    Args:
        models: Build only this model; repeatable. +NAME: also what it reads from; NAME+: what reads from it.
        full_refresh: Rebuild them even if nothing has changed.
        plan: Show what would change, and build nothing.
        json: Print the result as one JSON document.
    """
    if plan:
        if models or full_refresh:
            raise UsageError("--plan shows the whole plan.", hint="Leave out --models and --full-refresh.")
        _show_plan(session)
        return
    settings, terminal = session.settings, session.terminal
    with run_lock(settings.data.state_dir, command="transform"), terminal.progress("transform") as progress:
        result = steps.transform(
            settings,
            select=tuple(models or ()),
            full_refresh=full_refresh,
            on_progress=progress,
        )
    terminal.summarize(result, f"{transformed(result)} · {duration(result.seconds)}")


def _show_plan(session: Given) -> None:
    with run_lock(session.settings.data.state_dir, command="transform"):
        found = steps.plan(session.settings)
    if session.terminal.stdout_json:
        session.terminal.write_json(found)
        return
    if found.models:
        rows = ((model.name, model.change) for model in found.models)
        session.terminal.write(table(("model", "why"), rows))
    if found.documents is None:
        session.terminal.write("All models would be built from nothing.")
    else:
        session.terminal.write(f"The models would follow {count(found.documents, 'changed document')}.")
