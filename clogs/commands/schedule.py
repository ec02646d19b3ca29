"""``clogs schedule``: the entries in the crontab, or systemd's timers."""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Group
from rich.text import Text

from clogs.commands.output import table
from clogs.commands.session import Flag, Session
from clogs.errors import SettingsError, UsageError
from clogs.schedule import Schedule, crontab, installed, schedulers
from clogs.schedule.cron import local_zone, next_run, read_expression
from clogs.schedule.entries import (
    DAILY_REFRESH,
    TITLES,
    Entry,
    Scheduler,
    clogs_words,
    default_hourly,
    plan,
    plan_import,
)
from clogs.schedule.rehearsal import rehearse
from clogs.terminal.text import printable
from clogs.transcripts.find import absolute, find

logger = logging.getLogger(__name__)

VARIABLE = "environment variable "

NONE = "Not scheduled."

Import = Annotated[
    tuple[Path, ...], Parameter(name="--import", consume_multiple=True, negative="", show_default=False)
]

schedule = App(name="schedule", help_format="plaintext")


@schedule.default
def overview(*, json: Flag = False, session: Session) -> None:
    """Run the pipeline on a schedule: new documents hourly, a full refresh daily.

    Without a command, show what is scheduled.

    Args:
        json: Print one JSON document.
    """
    show(json=json, session=session)


@schedule.command(sort_key=1)
def install(
    *,
    hourly: Annotated[str | None, Parameter(show_default=False, metavar="WHEN")] = None,
    daily_refresh: Annotated[str | None, Parameter(show_default=False, metavar="WHEN")] = None,
    no_daily_refresh: Flag = False,
    import_: Import = (),
    systemd: Flag = False,
    dry_run: Flag = False,
    json: Flag = False,
    session: Session,
) -> None:
    """Put the pipeline's two entries into your crontab, or bring them up to date.

    --import alone puts in an entry for the import only: a machine without a warehouse
    needs no other, and what it has of others stays. For both, give --hourly, --daily-refresh
    or --no-daily-refresh, too. The entries of the pipeline are written together: what you
    leave out is at its default.

    They go into a marked block; nothing outside it is touched. cron mails what a run
    prints, which is nothing unless something needs you. A run that finds another in
    progress ends with 75 and leaves its work to the next one.

    Args:
        hourly: When to run for new documents, as in crontab(5). [default: hourly, at a minute of your own]
        daily_refresh: When to rebuild everything. [default: 0 2 * * *]
        no_daily_refresh: Only run for new documents.
        import_: Import transcripts every hour, before the run for new documents: ~/.claude or other paths.
        systemd: Use systemd user timers instead of the crontab.
        dry_run: Show what would be written, and write nothing.
        json: Print the result as one JSON document.
    """
    if daily_refresh is not None and no_daily_refresh:
        raise UsageError("--daily-refresh and --no-daily-refresh exclude each other.", hint="Give one only.")
    by: Scheduler = "systemd" if systemd else "cron"
    alone = bool(import_) and hourly is daily_refresh is None and not no_daily_refresh
    if daily_refresh is None and not no_daily_refresh:
        daily_refresh = DAILY_REFRESH
    entries = _plan(session, by, hourly=hourly, daily_refresh=daily_refresh, imports=import_, alone=alone)
    wanted = Schedule(by=by, entries=entries)
    changed = False if dry_run else schedulers.install(wanted)
    result = _document(wanted) | {"changed": changed, "dry_run": dry_run}
    text = "\n".join(map(printable, schedulers.preview(wanted))) if dry_run else _text(wanted)
    session.terminal.summarize(result, text)
    if by == "cron" and not dry_run and crontab.daemon_is_missing():
        logger.warning(
            "No cron daemon runs here, so nothing will: start it (sudo service cron start), or use --systemd."
        )
    if systemd and not dry_run:
        session.terminal.say("To run the timers while you are not logged in: loginctl enable-linger")


@schedule.command(sort_key=2)
def show(*, json: Flag = False, session: Session) -> None:
    """Show what is scheduled, and when each entry runs next.

    Args:
        json: Print one JSON document.
    """
    found = installed()
    if json:
        session.terminal.write_json(_document(found))
    else:
        session.terminal.write(_text(found) if found else NONE)


@schedule.command(sort_key=3)
def remove(*, dry_run: Flag = False, json: Flag = False, session: Session) -> None:
    """Remove the entries from your crontab, and the timers.

    Args:
        dry_run: Show what would be removed, and remove nothing.
        json: Print the result as one JSON document.
    """
    found = installed()
    changed = False if dry_run else schedulers.remove()
    result = _document(found) | {"changed": changed, "dry_run": dry_run}
    if found is None and not changed:
        session.terminal.summarize(result, NONE)
    elif found and dry_run:
        session.terminal.summarize(result, Group("This would be removed:", "", _text(found)))
    else:
        session.terminal.summarize(result, "Removed: nothing is scheduled any more.")


def _plan(
    session: Session,
    by: Scheduler,
    *,
    hourly: str | None,
    daily_refresh: str | None,
    imports: Sequence[Path],
    alone: bool,
) -> tuple[Entry, ...]:
    """All entries, after their command was tried as the scheduler will run it.

    With `alone`, those of the pipeline stay as they are.
    """
    loaded = session.loaded
    if hourly is not None:
        hourly = read_expression(hourly, option="--hourly")
    if daily_refresh is not None:
        daily_refresh = read_expression(daily_refresh, option="--daily-refresh")
    origins = loaded.origins.values()
    if ours := [each.removeprefix(VARIABLE) for each in origins if each.startswith(VARIABLE)]:
        raise SettingsError(
            f"These variables of this shell do not reach a scheduled run: {', '.join(ours)}.",
            hint="Set them in a settings file (clogs init writes one that only you can read), then unset "
            "them. They are not copied into the crontab, which is no place for a password.",
        )
    words = clogs_words(program=sys.argv[0], config=loaded.file)
    variables = crontab.variables() if by == "cron" else {}
    rehearse(words, loaded.visible(), scheduler=by, variables=variables)
    default = default_hourly(loaded.settings.data.dir)
    there = found.entries if (found := installed()) else ()
    importing = tuple(each for each in there if each.name == "import")
    pipeline = tuple(each for each in there if each.name != "import")
    if not alone:
        pipeline = plan(words, hourly=hourly or default, daily_refresh=daily_refresh)
    if imports:
        find(imports)  # as the import will
        before = next((each.expression for each in pipeline if each.name == "hourly"), default)
        importing = (
            plan_import(words, [absolute(each) for each in imports], hourly=before, default=default),
        )
    return importing + pipeline


def _document(found: Schedule | None) -> dict[str, object]:
    zone, now = local_zone(), datetime.now(UTC)
    return {
        "by": found.by if found else None,
        "time_zone": zone.key,
        "entries": [
            {
                "name": each.name,
                "expression": each.expression,
                "command": shlex.join(each.words),
                "next": next_run(each.expression, now, zone),
            }
            for each in (found.entries if found else ())
        ],
    }


def _text(found: Schedule) -> Group:
    zone, now = local_zone(), datetime.now(UTC)
    rows = []
    for each in found.entries:
        coming = next_run(each.expression, now, zone)
        next_time = f"{coming:%Y-%m-%d %H:%M %Z}" if coming else "never"
        rows.append((TITLES[each.name], each.expression, next_time, shlex.join(each.words)))
    entries = table(("what", "when", "next", "command"), rows, whole={"what", "when", "next"})
    return Group(entries, "", Text(printable(f"Run by {found.by}, in local time: {zone.key}.")))
