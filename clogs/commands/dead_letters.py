"""``clogs dead-letters``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich.console import Group, RenderableType
from rich.text import Text

from clogs.commands.output import may_remove, table
from clogs.commands.session import Flag, Session
from clogs.dead_letters import DeadLetter, Stage, choose, headers, read
from clogs.pipeline.replay import PurgeResult, ReplayResult, purge_letters, replay_letters
from clogs.runs.records import new_run
from clogs.terminal.text import count, duration, instant, printable

MAX_ROWS = 20
ID_LENGTH = 8
"""Digits of an id in a table: enough for thousands of dead letters."""

NONE = "There are no dead letters."

Ids = Annotated[str, Parameter(name="ID")]

dead_letters = App(name="dead-letters", help_format="plaintext")


@dead_letters.default
def overview(*, json: Flag = False, session: Session) -> None:
    """Show what was rejected, when and why; replay it, or remove it for good.

    Without a command, it shows the list.

    Args:
        json: Print one JSON document.
    """
    list_(json=json, session=session)


@dead_letters.command(name="list", sort_key=1)
def list_(
    *,
    stage: Stage | None = None,
    limit: Annotated[int | None, Parameter(validator=Number(gte=1), show_default=False, metavar="N")] = None,
    json: Flag = False,
    session: Session,
) -> None:
    """Show what was rejected, when, by which stage and why, the newest first.

    Args:
        stage: Only what this stage rejected.
        limit: Show at most this many. [default: 20, all with --json]
        json: Print one JSON document.
    """
    found = choose(headers(session.settings.data.dead_letter_dir), stage=stage)
    terminal = session.terminal
    if json:
        terminal.write_json({"total": len(found), "dead_letters": found[: limit or None]})
    elif not found:
        terminal.write(NONE)
    else:
        shown = found[: limit or MAX_ROWS]
        rows = (
            (each.id[:ID_LENGTH], instant(each.at), each.stage, each.source, "; ".join(each.reasons))
            for each in shown
        )
        terminal.write(table(("id", "when", "stage", "source", "reasons"), rows))
        if len(found) > len(shown):
            terminal.write(f"and {len(found) - len(shown):,} more: --limit {len(found)}")


@dead_letters.command(sort_key=2)
def show(
    *ids: Annotated[str, Parameter(name="ID", required=True)], json: Flag = False, session: Session
) -> None:
    """Show dead letters in full, each with its document.

    Args:
        ids: As the list shows them; the beginning of an id is enough.
        json: Print one JSON document.
    """
    folder = session.settings.data.dead_letter_dir
    chosen = {each.id for each in choose(headers(folder), ids)}
    found = [letter for letter in read(folder) if letter.id in chosen]
    if json:
        documents = [{"id": letter.id, **msgspec.structs.asdict(letter)} for letter in found]
        session.terminal.write_json({"dead_letters": documents})
    else:
        session.terminal.write("\n\n".join(map(_in_full, found)))


@dead_letters.command(sort_key=3)
def replay(*ids: Ids, stage: Stage | None = None, json: Flag = False, session: Session) -> None:
    """Run dead letters through today's code again, and accept those that now pass.

    Documents go to the landing folder as of when they were rejected, so a newer
    version wins; lines go to the MongoDB collection; damaged files that were
    quarantined go back to the landing folder. The others stay.

    Args:
        ids: As the list shows them; the beginning of an id is enough. [default: all]
        stage: Only what this stage rejected.
        json: Print the result as one JSON document.
    """
    settings, terminal = session.settings, session.terminal
    with session.run("dead-letters replay") as progress:
        chosen = choose(headers(settings.data.dead_letter_dir), ids, stage)
        result = replay_letters(settings, chosen, run=new_run(), on_progress=progress)
    terminal.summarize(result, _replayed(result) if chosen else NONE)
    if result.accepted["import"]:
        terminal.say("To bring the accepted ones into the warehouse: clogs pipeline")
    elif any(result.accepted.values()):
        terminal.say("To bring the accepted ones into the warehouse: clogs load, or clogs pipeline")


@dead_letters.command(sort_key=4)
def purge(
    *ids: Ids,
    before: Annotated[datetime | None, Parameter(metavar="DATE")] = None,
    stage: Stage | None = None,
    dry_run: Flag = False,
    yes: Flag = False,
    json: Flag = False,
    session: Session,
) -> None:
    """Remove dead letters for good, with the damaged files that a load has quarantined.

    Args:
        ids: As the list shows them; the beginning of an id is enough. [default: all]
        before: Only what was rejected before this UTC date: 2026-01-01.
        stage: Only what this stage rejected.
        dry_run: Show what would be removed, and remove nothing.
        yes: Do not ask first.
        json: Print the result as one JSON document.
    """
    settings, terminal = session.settings, session.terminal
    chosen = {
        each.id
        for each in choose(headers(settings.data.dead_letter_dir), ids, stage)
        if before is None or each.at.astimezone(UTC).date() < before.date()
    }
    found = purge_letters(settings, chosen, dry_run=True)
    if may_remove(terminal, found, _purged(found) if chosen else "", dry_run=dry_run, yes=yes):
        with session.lock("dead-letters purge"):
            result = purge_letters(settings, chosen)
        terminal.summarize(result, f"{_purged(result)} removed.")


def _in_full(letter: DeadLetter) -> str:
    """A line per field, and the document below."""
    fields = [
        ("id", letter.id),
        ("when", instant(letter.at)),
        ("stage", letter.stage),
        ("source", letter.source),
        ("run", letter.run),
        ("encoding", letter.encoding),
        *(("reason", reason) for reason in letter.reasons),
    ]
    try:
        document = msgspec.json.format(letter.document, indent=2)
    except (msgspec.DecodeError, RecursionError):  # not JSON: as it was written
        document = letter.document
    lines = [f"{name:<9} {value}" for name, value in fields]
    return "\n".join(map(printable, [*lines, "", *document.split("\n")]))


def _replayed(result: ReplayResult) -> Group:
    still = result.still_rejected
    accepted = sum(result.accepted.values())
    parts: list[RenderableType] = [
        Text(f"{accepted:,} accepted, {len(still):,} still rejected · {duration(result.seconds)}")
    ]
    if still:
        rows = (
            (each.id[:ID_LENGTH], each.stage, each.source, "; ".join(each.reasons))
            for each in still[:MAX_ROWS]
        )
        parts.append(table(("id", "stage", "source", "reasons"), rows))
    if len(still) > MAX_ROWS:
        parts.append(Text(f"and {len(still) - MAX_ROWS:,} more: clogs dead-letters replay --json"))
    return Group(*parts)


def _purged(result: PurgeResult) -> str:
    files = f" and {count(result.files, 'damaged landing file')}" if result.files else ""
    return f"{count(result.letters, 'dead letter')}{files}"
