"""``clogs dead-letters``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich.console import Group
from rich.text import Text

from clogs import dead_letters as letters
from clogs.commands.output import table
from clogs.commands.session import Flag, Given
from clogs.dead_letters import DeadLetter, Entry, Stage
from clogs.pipeline import replay as replays
from clogs.runs.lock import run_lock
from clogs.runs.records import new_run
from clogs.terminal.text import count, duration, instant, printable

if TYPE_CHECKING:
    from clogs.pipeline.replay import PurgeResult, ReplayResult
    from clogs.settings import Settings

MOST_ROWS = 20

NONE = "There are no dead letters."

Ids = Annotated[str, Parameter(name="ID")]

dead_letters = App(name="dead-letters", help_format="plaintext")


@dead_letters.default
def overview(*, json: Flag = False, session: Given) -> None:
    """What was rejected, when and why; take it in again, or remove it for good.

    Without one of the commands, it is the list.

    Args:
        json: Print one JSON document.
    """
    list_(json=json, session=session)


@dead_letters.command(name="list", sort_key=1)
def list_(
    *,
    stage: Stage | None = None,
    limit: Annotated[int | None, Parameter(validator=Number(gte=1), show_default=False)] = None,
    json: Flag = False,
    session: Given,
) -> None:
    """Show what was rejected, when, by which stage and why, the newest first.

    Args:
        stage: Only what this stage rejected.
        limit: So many at most. [default: 20, all with --json]
        json: Print one JSON document.
    """
    every = letters.entries(session.settings.data.dead_letter_dir)
    found = _of(every, stage)
    if json:
        shown = found[: limit or None]
        session.terminal.write_json({"total": len(found), "dead_letters": shown})
    elif not found:
        session.terminal.write(NONE)
    else:
        shown = found[: limit or MOST_ROWS]
        short = letters.short_ids(every)
        rows = (
            (short[each.id], instant(each.at), each.stage, each.source, "; ".join(each.reasons))
            for each in shown
        )
        session.terminal.write(table(("id", "when", "stage", "source", "reasons"), rows))
        if len(found) > len(shown):
            session.terminal.write(f"and {len(found) - len(shown):,} more: --limit {len(found)}")


@dead_letters.command(sort_key=2)
def show(
    *ids: Annotated[str, Parameter(name="ID", required=True)], json: Flag = False, session: Given
) -> None:
    """Show dead letters whole, each with its document.

    Args:
        ids: As the list shows them; the beginning of an id is enough.
        json: Print one JSON document.
    """
    folder = session.settings.data.dead_letter_dir
    chosen = {each.id for each in letters.choose(letters.entries(folder), ids)}
    found = {letter.key: letter for letter in letters.read(folder) if letter.key in chosen}
    if json:
        documents = [{"id": key, **msgspec.structs.asdict(letter)} for key, letter in found.items()]
        session.terminal.write_json({"dead_letters": documents})
        return
    session.terminal.write("\n\n".join(_whole(letter) for letter in found.values()))


@dead_letters.command(sort_key=3)
def replay(*ids: Ids, stage: Stage | None = None, json: Flag = False, session: Given) -> None:
    """Run dead letters through today's code again, and take in those that now pass.

    Documents go to the landing folder as of when they were rejected, so that a newer
    version stays; lines go to the MongoDB collection; files that were set aside go
    back to the landing folder. The others stay.

    Args:
        ids: As the list shows them; the beginning of an id is enough. [default: all]
        stage: Only what this stage rejected.
        json: Print the result as one JSON document.
    """
    settings, terminal = session.settings, session.terminal
    with (
        run_lock(settings.data.state_dir, command="dead-letters replay"),
        terminal.progress("dead-letters replay") as progress,
    ):
        every = letters.entries(settings.data.dead_letter_dir)
        chosen = _chosen(every, ids, stage)
        result = replays.replay(settings, chosen, run=new_run(), on_progress=progress)
    terminal.summarize(result, _replayed(result, letters.short_ids(every)) if chosen else NONE)
    if result.taken_in["import"]:
        terminal.say("To bring what was taken in into the warehouse: clogs pipeline")
    elif any(result.taken_in.values()):
        terminal.say("To bring what was taken in into the warehouse: clogs load, or clogs pipeline")


@dead_letters.command(sort_key=4)
def purge(
    *ids: Ids,
    before: datetime | None = None,
    stage: Stage | None = None,
    dry_run: Flag = False,
    yes: Flag = False,
    json: Flag = False,
    session: Given,
) -> None:
    """Remove dead letters for good, with the damaged files that a load has set aside.

    Args:
        ids: As the list shows them; the beginning of an id is enough. [default: all]
        before: Only what was rejected before this UTC date: 2026-01-01.
        stage: Only what this stage rejected.
        dry_run: Say what would be removed, and remove nothing.
        yes: Do not ask first.
        json: Print the result as one JSON document.
    """
    settings, terminal = session.settings, session.terminal
    keys = _keys(settings, ids, stage, before)
    found = replays.purge(settings, keys, dry_run=True)
    if not keys:
        terminal.summarize(found, "Nothing to remove.")
    elif dry_run:
        terminal.summarize(found, f"{_removed(found)} would be removed.")
    elif not yes and not terminal.confirm(f"Remove {_removed(found)} for good?"):
        terminal.summarize(found, "Nothing was removed.")
    else:
        with run_lock(settings.data.state_dir, command="dead-letters purge"):
            result = replays.purge(settings, keys)
        terminal.summarize(result, f"{_removed(result)} removed.")


def _of(found: Sequence[Entry], stage: Stage | None) -> list[Entry]:
    return [entry for entry in found if stage in {None, entry.stage}]


def _chosen(every: Sequence[Entry], ids: Sequence[str], stage: Stage | None) -> list[Entry]:
    return _of(letters.choose(every, ids) if ids else every, stage)


def _keys(settings: Settings, ids: Sequence[str], stage: Stage | None, before: datetime | None) -> set[str]:
    chosen = _chosen(letters.entries(settings.data.dead_letter_dir), ids, stage)
    return {each.id for each in chosen if before is None or each.at.astimezone(UTC).date() < before.date()}


def _whole(letter: DeadLetter) -> str:
    """All of a letter, a line per field, and the document below."""
    fields = {
        "id": letter.key,
        "when": instant(letter.at),
        "stage": letter.stage,
        "source": letter.source,
        "run": letter.run,
        "encoding": letter.encoding,
    }
    lines = [f"{name:<9} {value}" for name, value in fields.items()]
    lines += [f"{'reason':<9} {reason}" for reason in letter.reasons]
    lines += ["", *_legible(letter.document).split("\n")]
    return "\n".join(map(printable, lines))


def _legible(document: str) -> str:
    """A document with a line per value, if it is JSON; as it was written otherwise, to the digit."""
    try:
        return msgspec.json.format(document, indent=2)
    except (msgspec.DecodeError, RecursionError):
        return document


def _replayed(result: ReplayResult, short: dict[str, str]) -> Group:
    taken_in = sum(result.taken_in.values())
    text = f"{taken_in:,} taken in, {len(result.still_rejected):,} still rejected"
    shown = result.still_rejected[:MOST_ROWS]
    rows = ((short[each.id], each.stage, each.source, "; ".join(each.reasons)) for each in shown)
    parts = [Text(f"{text} · {duration(result.seconds)}")]
    reasons = [table(("id", "stage", "source", "reasons"), rows)] if shown else []
    more = len(result.still_rejected) - len(shown)
    rest = [Text(f"and {more:,} more: clogs dead-letters replay --json")] if more else []
    return Group(*parts, *reasons, *rest)


def _removed(result: PurgeResult) -> str:
    files = f" and {count(result.files, 'damaged landing file')}" if result.files else ""
    return f"{count(result.letters, 'dead letter')}{files}"
