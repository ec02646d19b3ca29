"""The two schedulers behind one face: an entry is in the crontab or in systemd, never in both.

Everything here but `next_scheduled` raises a `ClogsError` where the crontab or systemd refuses.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime

from clogs.errors import ClogsError
from clogs.schedule import crontab, systemd
from clogs.schedule.cron import local_zone, next_run
from clogs.schedule.entries import Entry, Scheduler


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The entries, and which scheduler runs them."""

    by: Scheduler
    entries: tuple[Entry, ...]

    def next_run(self, now: datetime) -> datetime | None:
        """When the pipeline runs next after a moment, in UTC; None where it never does.

        Of a schedule that only imports, when it does so.
        """
        entries = [each for each in self.entries if each.name != "import"] or self.entries
        coming = (next_run(each.expression, now, local_zone()) for each in entries)
        return min((each.astimezone(UTC) for each in coming if each), default=None)


def installed() -> Schedule | None:
    """Find what is scheduled; None where nothing is, where it is commented out, or where cron is missing."""
    timers = systemd.entries()
    if timers is not None:
        return Schedule(by="systemd", entries=timers)
    found = crontab.entries(crontab.read()) if crontab.is_available() else None
    return Schedule(by="cron", entries=found) if found else None


def next_scheduled(now: datetime | None = None) -> datetime | None:
    """When the next scheduled run comes, in UTC; None where none does, or where that cannot be found out."""
    try:
        schedule = installed()
    except (ClogsError, OSError):  # the caller only mentions it in passing
        return None
    return schedule.next_run(now or datetime.now(UTC)) if schedule else None


def install(schedule: Schedule) -> bool:
    """Bring one scheduler's entries up to date, remove the other's, and return whether any changed."""
    if schedule.by == "systemd":
        changed = systemd.install(schedule.entries)
        return _remove_block() or changed
    changed = crontab.install(schedule.entries)
    return systemd.remove() or changed


def preview(schedule: Schedule) -> list[str]:
    """The lines that `install` writes: the block, or all unit files with their paths."""
    if schedule.by == "cron":
        return os.fsdecode(crontab.block_of(schedule.entries)).splitlines()
    lines: list[str] = []
    for name, text in systemd.units(schedule.entries).items():
        lines += [f"# {systemd.folder() / name}", *text.splitlines(), ""]
    return lines


def remove() -> bool:
    """Remove the block and the timers, and return whether any existed."""
    timers = systemd.remove()
    return _remove_block() or timers


def _remove_block() -> bool:
    try:
        content = crontab.read()
    except ClogsError:  # no cron, or not for this user: no block either
        return False
    return crontab.entries(content) is not None and crontab.remove()
