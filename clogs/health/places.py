"""Where data is kept: the folders and the disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from clogs.files import obstacle
from clogs.health.findings import Finding, State, open_to_others
from clogs.terminal.text import size

LEAST_FREE = 1024**3
"""Bytes that should be free on the disk, however little is stored there so far."""

NO_SPACE = 16 * 1024**2
"""Bytes without which no run can end."""


def check_folders(folders: Mapping[str, Path], warehouse_path: Path) -> list[Finding]:
    """Find each folder, by the setting that names it, that a run cannot use or that others can read."""
    faults: dict[Path, Finding] = {}
    for key, path in {**folders, "duckdb.path": warehouse_path.parent}.items():
        place = _nearest(path)
        if found := obstacle(place):
            reason, first = found
            remedy = f"{first}, or set {key} ({key.replace('.', '_').upper()}) to another place."
            # several folders may lie below one that cannot be used: one cause is reported once
            faults.setdefault(place, Finding("folders", "error", f"{path} cannot be used: {reason}.", remedy))
        # a warehouse may stand in somebody's shared folder: only its file has to be private
        elif key in folders and place == path and (exposed := open_to_others("folders", path, 0o700)):
            faults.setdefault(place, exposed)
    message = "All are writable and private; missing ones are created on demand."
    return list(faults.values()) or [Finding("folders", "ok", message)]


def free_bytes(folder: Path) -> int:
    """The free bytes of the disk that holds a folder, or will hold it."""
    return shutil.disk_usage(_nearest(folder)).free


def check_disk(folder: Path, *, free: int, used: int) -> Finding:
    """Judge whether the disk of a folder has room for a rebuild, which may need the used bytes once more."""
    message = f"{size(free)} free in {folder}; landing and warehouse use {size(used)}."
    if free >= max(used, LEAST_FREE):
        return Finding("disk", "ok", message)
    state: State = "error" if free < NO_SPACE else "warning"
    remedy = "Free space, set data.dir (DATA_DIR) to a larger disk, or drop old days: clogs prune --help"
    return Finding("disk", state, message, remedy)


def _nearest(path: Path) -> Path:
    """``path``, or the nearest folder above it that exists."""
    return next(each for each in (path, *path.parents) if os.access(each, os.F_OK))
