"""``clogs transform``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from clogs.commands.output import table
from clogs.commands.session import Flag, Session
from clogs.errors import UsageError, WarehouseError
from clogs.files import bundled
from clogs.pipeline.engines import engine_of
from clogs.pipeline.wiring import open_warehouse
from clogs.report import questions
from clogs.terminal.console import is_quiet
from clogs.terminal.text import count, duration, printable, si_number

if TYPE_CHECKING:
    from clogs.report.questions import UnpricedModel
    from clogs.transform import TransformResult

    ModelName = str
    Selection = str
else:
    # The union makes them words to complete, and takes all others: there may be models of one's own.
    NAMES = sorted(path.stem for path in bundled("transforms").glob("models/*/*.sql"))
    ModelName = Literal[tuple(NAMES)] | str
    Selection = (
        Literal[
            tuple(f"{before}{name}{after}" for name in NAMES for before in ("", "+") for after in ("", "+"))
        ]
        | str
    )

Models = Annotated[list[Selection] | None, Parameter(negative="", show_choices=False, metavar="MODEL")]


def transform(
    *,
    models: Models = None,
    full_refresh: Flag = False,
    plan: Flag = False,
    json: Flag = False,
    session: Session,
) -> None:
    """Build bronze, silver and gold from raw.conversations.

    Args:
        models: Build only this model; repeatable. +NAME: also what it reads from; NAME+: what reads from it.
        full_refresh: Rebuild the models even if nothing has changed.
        plan: Show what would change, and build nothing.
        json: Print the result as one JSON document.
    """
    if plan:
        if models or full_refresh:
            raise UsageError("--plan shows the whole plan.", hint="Leave out --models and --full-refresh.")
        _show_plan(session)
        return
    with session.run("transform") as progress:
        engine = engine_of(session.settings)
        result = None if models or full_refresh else engine.unchanged_transform()
        result = result or engine.transform(
            select=tuple(models or ()), full_refresh=full_refresh, on_progress=progress
        )
    shown = not (is_quiet() or session.terminal.stdout_json)
    lines = [f"{summary(result)} · {duration(result.seconds)}", *(_unpriced(session) if shown else ())]
    session.terminal.summarize(result, "\n".join(lines))


def summary(result: TransformResult) -> str:
    """A transformation in a line."""
    return "nothing new" if result.unchanged else f"{count(len(result.models), 'model')} built"


def unpriced_lines(models: Sequence[UnpricedModel]) -> Iterator[str]:
    """The models without a price in a line, with what they took."""
    if models:
        named = [
            f"{printable(each.model)} ({count(each.api_calls, 'call')}, {si_number(each.tokens)} tokens)"
            for each in models
        ]
        yield f"No price, so not in the cost: {', '.join(named)}"


def _unpriced(session: Session) -> list[str]:
    try:
        with open_warehouse(session.settings, read_only=True, lock_timeout=timedelta(0)) as connection:
            return list(unpriced_lines(questions.unpriced_models(connection)))
    except WarehouseError:  # another program has it open; the models are built
        return []


def _show_plan(session: Session) -> None:
    with session.lock("transform"):
        found = engine_of(session.settings).plan()
    terminal = session.terminal
    if terminal.stdout_json:
        terminal.write_json(found)
        return
    if found.models:
        rows = ((model.name, model.change) for model in found.models)
        terminal.write(table(("model", "why"), rows))
    if found.documents is None:
        terminal.write("All models would be built from scratch.")
    else:
        terminal.write(f"The models would follow {count(found.documents, 'changed document')}.")
