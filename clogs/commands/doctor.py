"""``clogs doctor``."""

from __future__ import annotations

from collections import Counter

from rich.text import Text

from clogs.commands.session import Flag, Session
from clogs.errors import ClogsError, SettingsError
from clogs.health.doctor import check_versions
from clogs.health.findings import Finding, failed, open_to_others
from clogs.pipeline import steps
from clogs.terminal.console import is_quiet
from clogs.terminal.text import count, printable

MARKS = {"ok": "✓", "warning": "!", "error": "✗"}


def doctor(*, json: Flag = False, session: Session) -> None:
    """Check everything a run needs: settings, folders, disk, schedule, warehouse and source.

    It also says how the last run ended. Each fault comes with its remedy. Nothing is
    changed. The exit code is 1 if a run would fail, and 0 if it would work.

    Args:
        json: Print one JSON document.
    """
    terminal = session.terminal
    findings = _findings(session)
    states = Counter(each.state for each in findings)
    if json:
        numbers = {"errors": states["error"], "warnings": states["warning"]}
        terminal.write_json(numbers | {"findings": findings})
    else:
        for each in findings:
            if each.state != "ok" or not is_quiet():
                first, *others = each.message.split("\n")
                lines = [f"{MARKS[each.state]} {each.check:10} {first}", *others]
                terminal.write(Text("\n".join(map(printable, lines))))
                if each.remedy:  # not broken into lines: it may be a command to copy
                    terminal.write(printable(f"  → {each.remedy}"))
    if states["error"]:
        raise ClogsError(
            f"{count(states['error'], 'fault')} would make a run fail.",
            hint="Follow each remedy, then check again: clogs doctor",
        )


def _findings(session: Session) -> list[Finding]:
    try:
        file = session.loaded.file
    except SettingsError as error:
        return [failed("settings", error), check_versions()]
    message = f"No faults in {file}." if file else "No faults; no settings file is in use."
    sound = Finding("settings", "ok", message)
    exposed = open_to_others("settings", file, 0o600, what="it may hold a password") if file else None
    return [exposed or sound, *steps.checkup(session.settings)]
