"""Where data is kept: folders, the disk, and the warehouse."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

from clogs import dead_letters
from clogs.errors import ClogsError, HeldWarehouseError
from clogs.files import obstacle
from clogs.health.findings import Finding, State, open_to_others
from clogs.health.status import bytes_on_disk, landing
from clogs.landing.files import day_of, landed
from clogs.runs.lock import holder
from clogs.terminal.text import count, size
from clogs.warehouse import connect, has_tables

LEAST_FREE = 1024**3
"""Bytes that should be free on the disk, however little is stored there so far."""

NO_SPACE = 16 * 1024**2
"""Bytes without which no run can end."""

LEAST_DAYS = 30
"""So many days ahead a disk should not be full."""

GROWTH_DAYS = 30
"""How many days back growth is measured."""

FEWEST_GROWTH_DAYS = 7
"""The first days of documents count as so many: one busy day says little of the next ones."""


def folders(folders: Mapping[str, Path], warehouse_path: Path) -> list[Finding]:
    """One finding for each place that keeps folders from being used, and for each that others can read."""
    faults: dict[Path, Finding] = {}
    for key, path in {**folders, "duckdb.path": warehouse_path.parent}.items():
        place = _nearest(path)
        fault = _unwritable(key, path, place)
        if fault is None and key in folders and place == path:
            fault = open_to_others("folders", path, 0o700)
        if fault:
            faults.setdefault(place, fault)
    message = "All are writable and yours alone; what is missing is made on demand."
    return list(faults.values()) or [Finding(check="folders", state="ok", message=message)]


def disk_of(data_dir: Path, raw_dir: Path, warehouse_path: Path, today: date) -> Finding:
    """Look at the disk that holds the data. See `disk`."""
    files = landing(raw_dir).bytes
    used = files + bytes_on_disk(warehouse_path)
    # the warehouse grows with the landing, and by as much for each byte as it has until now
    per_day = daily_bytes(raw_dir, today) * used / files if files else 0
    return disk(data_dir, free=shutil.disk_usage(_nearest(data_dir)).free, used=used, per_day=per_day)


def disk(folder: Path, *, free: int, used: int, per_day: float = 0) -> Finding:
    """Judge whether a disk has room for what is to come.

    Args:
        folder: Where on the disk data is kept.
        free: Free bytes.
        used: Bytes of the landing and the warehouse: what a rebuild may need once more.
        per_day: Bytes by which both grow in a day; 0 where they do not.
    """
    message = f"{size(free)} free in {folder}; landing and warehouse take {size(used)}."
    days_left = free / per_day if per_day else float("inf")
    if per_day:
        until = count(int(days_left), "day") if days_left < 10 * 365 else "more than ten years"
        message = f"{message} They grow by about {size(per_day)} a day, which fits for {until}."
    if free >= max(used, LEAST_FREE) and days_left >= LEAST_DAYS:
        return Finding(check="disk", state="ok", message=message)
    remedy = "Free space, set data.dir (DATA_DIR) to a folder on a larger disk, or drop old days: clogs prune"
    state: State = "error" if free < NO_SPACE else "warning"
    return Finding(check="disk", state=state, message=message, remedy=remedy)


def daily_bytes(raw_dir: Path, today: date) -> float:
    """Bytes of landing files per day of the last `GROWTH_DAYS`.

    They are counted by the days that documents are from, not by when they were landed: a backfill, a
    compaction or an upgrade would look like growth.
    """
    sizes: Counter[date] = Counter()
    for path in landed(raw_dir):
        day = day_of(path)
        if day and timedelta(0) <= today - day < timedelta(GROWTH_DAYS):
            with suppress(FileNotFoundError):  # merged into another one just now
                sizes[day] += path.stat().st_size
    days = (today - min(sizes, default=today)).days + 1
    return sum(sizes.values()) / max(days, FEWEST_GROWTH_DAYS)


def warehouse(path: Path, state_dir: Path) -> Finding:
    """Look whether the warehouse can be read, and by whom else."""
    if not path.exists():
        return Finding(check="warehouse", state="ok", message=f"None yet; the first load makes {path}.")
    try:
        with connect(path, read_only=True) as connection:
            has_tables(connection)
    except HeldWarehouseError as error:
        running = (holder(state_dir) or "nobody").partition(",")[0]
        if running == f"PID {error.pid}":
            message = f"{path} is in use by the run that is on ({running})."
            return Finding(check="warehouse", state="ok", message=message)
        raise
    message = f"{path} ({size(bytes_on_disk(path))}) can be read."
    sound = Finding(check="warehouse", state="ok", message=message)
    return open_to_others("warehouse", path, 0o600) or sound


def dead_letters_of(folder: Path) -> Finding:
    """Look whether the dead letters can be read; no run needs them."""
    try:
        letters = sum(1 for _ in dead_letters.read(folder))
    except ClogsError as error:
        return Finding(check="rejected", state="warning", message=error.message, remedy=error.hint)
    message = f"{count(letters, 'dead letter')}: clogs dead-letters" if letters else "There are none."
    return Finding(check="rejected", state="ok", message=message)


def _nearest(path: Path) -> Path:
    """``path``, or the nearest folder above it that is there."""
    return next(each for each in (path, *path.parents) if os.access(each, os.F_OK))


def _unwritable(key: str, path: Path, place: Path) -> Finding | None:
    found = obstacle(place)
    if found is None:
        return None
    reason, first = found
    variable = key.replace(".", "_").upper()
    return Finding(
        check="folders",
        state="error",
        message=f"{path} cannot be used: {reason}.",
        remedy=f"{first}, or set {key} ({variable}) to another place.",
    )
