"""What is scheduled, wherever it is, and when it comes next."""

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
    """What runs by itself.

    Attributes:
        by: Who runs it.
        entries: What, and when.
    """

    by: Scheduler
    entries: tuple[Entry, ...]

    def next_run(self, now: datetime) -> datetime | None:
        """Tell when the next run comes after a moment, in UTC; None where none ever does."""
        coming = (next_run(each.expression, now, local_zone()) for each in self.entries)
        return min((each.astimezone(UTC) for each in coming if each), default=None)


def installed() -> Schedule | None:
    """Find what is scheduled; None where nothing is, or is commented out, or where nobody is to do it.

    Raises:
        ClogsError: The crontab cannot be read, or its block is damaged.
    """
    timers = systemd.entries()
    if timers is not None:
        return Schedule(by="systemd", entries=timers)
    found = crontab.entries(crontab.read()) if crontab.is_available() else None
    return Schedule(by="cron", entries=found) if found else None


def next_scheduled(now: datetime | None = None) -> datetime | None:
    """Tell when the next scheduled run comes, in UTC; None where none does, or nobody can tell.

    Args:
        now: After this moment; the current one if not given.
    """
    try:
        schedule = installed()
    except (ClogsError, OSError):  # who asks only wants to mention it
        return None
    return schedule.next_run(now or datetime.now(UTC)) if schedule else None


def install(wanted: Schedule) -> bool:
    """Bring what is scheduled up to date, in one place only, and tell whether that changed anything.

    Raises:
        ClogsError: The crontab or systemd refuses.
    """
    if wanted.by == "systemd":
        changed = systemd.install(wanted.entries)
        return _leave_crontab() or changed
    changed = crontab.install(wanted.entries)
    return systemd.remove() or changed


def written(wanted: Schedule) -> list[str]:
    """What is written for a schedule, line by line: the block, or all unit files with their paths."""
    if wanted.by == "cron":
        return os.fsdecode(crontab.block_of(wanted.entries)).splitlines()
    files = systemd.units(wanted.entries)
    return [
        line
        for name, text in files.items()
        for line in (f"# {systemd.folder() / name}", *text.splitlines(), "")
    ]


def remove() -> bool:
    """Take away what is scheduled, the block and the timers, and tell whether there was any.

    Raises:
        ClogsError: The crontab or systemd refuses.
    """
    timers = systemd.remove()
    return _leave_crontab() or timers


def _leave_crontab() -> bool:
    try:
        content = crontab.read()
    except ClogsError:  # there is no cron, or none for this user: nothing of ours is there
        return False
    return crontab.entries(content) is not None and crontab.remove()
