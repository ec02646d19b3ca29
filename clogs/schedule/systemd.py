"""Timers of the user's systemd: for each entry a service, and the timer that starts it.

Changing them raises a `ClogsError` where systemd is missing or refuses.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from clogs.errors import ClogsError
from clogs.files import write_content
from clogs.runs.records import TRIGGER_VARIABLE
from clogs.schedule.cron import occurrences
from clogs.schedule.entries import TITLES, Entry, words_of

# Exit code 75 says that another run holds the lock: nothing has failed.
_SERVICE = """\
# managed by clogs schedule
[Unit]
Description=clogs: {title}

[Service]
Type=oneshot
SuccessExitStatus=75
Environment={trigger}=systemd
ExecStart={command}
"""
_TIMER = """\
# managed by clogs schedule
# {expression}
# {words}
[Unit]
Description=clogs: {title}

[Timer]
{calendars}
Persistent={persistent}

[Install]
WantedBy=timers.target
"""
_WRITTEN = re.compile(r"# managed by clogs schedule\n# (.+)\n# (.+)\n")
_WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")


def folder() -> Path:
    """The folder of the user's units."""
    return Path.home() / ".config" / "systemd" / "user"


def units(planned: Iterable[Entry]) -> dict[str, str]:
    """Write entries as unit files, by their names.

    Only the refresh is made up for after the machine was off: the hourly run comes within the hour anyway,
    and of two that begin together one would find the lock held.
    """
    files = {}
    for each in planned:
        title = TITLES[each.name]
        # systemd.service(5): C's escapes in quotes, $ and % doubled. In the program's own path a doubled $
        # would stay doubled, so env starts the program.
        words = [re.sub(r'(["\\])', r"\\\1", word) for word in each.words]
        words = [word.replace("%", "%%").replace("$", "$$") for word in words]
        command = " ".join(("/usr/bin/env", *(f'"{word}"' for word in words)))
        files[f"clogs-{each.name}.service"] = _SERVICE.format(
            title=title, trigger=TRIGGER_VARIABLE, command=command
        )
        files[f"clogs-{each.name}.timer"] = _TIMER.format(
            title=title,
            expression=each.expression,
            words=shlex.join(each.words),
            calendars="\n".join(f"OnCalendar={each}" for each in calendars(each.expression)),
            persistent="true" if each.name == "refresh" else "false",
        )
    return files


def entries() -> tuple[Entry, ...] | None:
    """Read the entries from the timers' files; None where there are none."""
    found = tuple(
        Entry(name=name, expression=written[1], words=words_of(written[2]))
        for name in TITLES
        if (written := _WRITTEN.match(_read(f"clogs-{name}.timer")))
    )
    return found or None


def install(planned: Sequence[Entry]) -> bool:
    """Write the units and start the timers; return whether that changed any file."""
    _systemctl("show", "--property=Version")  # fails before a file is written where systemd does not answer
    wanted = units(planned)
    stale = [each.name for each in entries() or () if f"clogs-{each.name}.timer" not in wanted]
    _delete(stale)
    changed = [name for name, text in wanted.items() if _read(name) != text]
    for name in changed:
        write_content(folder() / name, wanted[name].encode(errors="surrogateescape"))
    timers = [name for name in wanted if name.endswith(".timer")]
    _systemctl("daemon-reload")
    _systemctl("enable", *timers)
    _systemctl("restart", *timers)  # one that runs would keep its old times
    return bool(changed or stale)


def remove() -> bool:
    """Stop the timers and remove the units; return whether there were any."""
    found = entries()
    if found is None:
        return False
    _delete([each.name for each in found])
    _systemctl("daemon-reload")
    return True


def calendars(expression: str) -> list[str]:
    """Write a cron expression as systemd.time(7) has it: as two where cron takes either of two days."""
    times = occurrences(expression, datetime(2000, 1, 1, tzinfo=UTC))
    months, days = _list(times.months, 12), _list(times.days, 31)
    clock = f"{_list(times.hours, 24)}:{_list(times.minutes, 60)}:00"
    weekdays = sorted({each % 7 for each in times.weekdays if isinstance(each, int)})
    names = ",".join(_WEEKDAYS[each] for each in weekdays) + " " if len(weekdays) < len(_WEEKDAYS) else ""
    if times.day_and or not names or days == "*":
        return [f"{names}*-{months}-{days} {clock}"]
    return [f"{names}*-{months}-* {clock}", f"*-{months}-{days} {clock}"]


def _list(values: set[int], most: int) -> str:
    return "*" if len(values) == most else ",".join(f"{each:02}" for each in sorted(values))


def _read(name: str) -> str:
    try:
        return (folder() / name).read_text(encoding="utf-8", errors="surrogateescape")
    except (OSError, RuntimeError):  # mostly: no such file; or no home folder to have one in
        return ""


def _delete(names: Iterable[str]) -> None:
    for name in names:
        _systemctl("disable", "--now", f"clogs-{name}.timer")
        for path in (folder() / f"clogs-{name}.timer", folder() / f"clogs-{name}.service"):
            path.unlink(missing_ok=True)


def _systemctl(*arguments: str) -> None:
    program = shutil.which("systemctl")
    if program is None:
        raise ClogsError("The systemctl command was not found.", hint="Use cron: clogs schedule install")
    done = subprocess.run([program, "--user", *arguments], capture_output=True, check=False)  # noqa: S603  # the system's own
    if done.returncode:
        message = " ".join(done.stderr.decode(errors="replace").split()) or f"exit code {done.returncode}"
        raise ClogsError(
            f"The user's systemd refuses `{arguments[0]}`: {message}",
            hint="Log in as this user, not with su or sudo; or use cron: clogs schedule install",
        )
