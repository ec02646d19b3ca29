"""Whether all that a run needs is in order, each fault with its remedy."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from shlex import quote
from typing import Literal

from clogs.errors import ClogsError, HeldWarehouseError
from clogs.lock import holder
from clogs.mongo import Address, Source, connect
from clogs.status import bytes_on_disk, landing
from clogs.warehouse import connect as open_warehouse
from clogs.warehouse import has_tables
from clogs.wording import count, size

LEAST_FREE = 1024**3
"""Bytes that should be free on the disk, however little is stored there so far."""

DISTRIBUTIONS = ("clogs", "duckdb", "polars", "pymongo", "sqlmesh")

OTHERS = 0o077
"""The bits of a file's mode that let anyone but its owner in."""

State = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found.

    Attributes:
        check: What was looked at.
        state: ``warning``: a run would work, but not as it should; ``error``: it would fail.
        message: What is the matter, or what is well.
        remedy: What to do about it; None where all is well.
    """

    check: str
    state: State
    message: str
    remedy: str | None = None


def checkup(
    address: Address,
    *,
    watermark_field: str,
    lookback: timedelta,
    folders: Mapping[str, Path],
    warehouse_path: Path,
) -> list[Finding]:
    """Look at everything a run needs, and change nothing.

    Args:
        address: The collection.
        watermark_field: The Date field that grows as documents arrive.
        lookback: How far behind the watermark each run reads again.
        folders: By the settings that name them: ``data.dir``, ``data.raw_dir``, ``data.dead_letter_dir``
            and ``data.state_dir``.
        warehouse_path: The DuckDB file.
    """
    state_dir, raw_dir, data_dir = (folders[f"data.{name}"] for name in ("state_dir", "raw_dir", "dir"))
    return [
        versions(),
        *_folders(folders, warehouse_path),
        _told("disk", lambda: _disk(data_dir, raw_dir, warehouse_path)),
        _told("lock", lambda: _lock(state_dir)),
        _told("warehouse", lambda: _warehouse(warehouse_path, state_dir)),
        *_source(address, watermark_field, lookback),
    ]


def failed(check: str, error: ClogsError) -> Finding:
    """What a check found that ended with an error."""
    return Finding(check=check, state="error", message=error.message, remedy=error.hint)


def versions() -> Finding:
    """Name the versions of Python, clogs and what it stands on."""
    installed = ", ".join(f"{name} {version(name)}" for name in DISTRIBUTIONS)
    return Finding(check="versions", state="ok", message=f"Python {platform.python_version()}, {installed}")


def disk(folder: Path, *, free: int, used: int) -> Finding:
    """Judge whether a disk has room for what is to come.

    Args:
        folder: Where on the disk data is kept.
        free: Free bytes.
        used: Bytes of the landing and the warehouse: what a rebuild may need once more.
    """
    message = f"{size(free)} free in {folder}; landing and warehouse take {size(used)}."
    if free >= max(used, LEAST_FREE):
        return Finding(check="disk", state="ok", message=message)
    remedy = "Free space, or set data.dir (DATA_DIR) to a folder on a larger disk."
    return Finding(check="disk", state="warning", message=message, remedy=remedy)


def _told(check: str, look: Callable[[], Finding]) -> Finding:
    """What a check finds, also where it cannot look."""
    try:
        return look()
    except ClogsError as error:
        return failed(check, error)
    except OSError as exc:
        message = f"Cannot read {exc.filename}: {exc.strerror}."
        remedy = "Put that right, or choose another place: clogs config"
        return Finding(check=check, state="error", message=message, remedy=remedy)


def _folders(folders: Mapping[str, Path], warehouse_path: Path) -> list[Finding]:
    """One finding for each place that keeps folders from being used, and for each that others can read."""
    faults: dict[Path, Finding] = {}
    for key, path in {**folders, "duckdb.path": warehouse_path.parent}.items():
        place = _nearest(path)
        fault = _unwritable(key, path, place)
        if fault is None and key in folders and place == path:
            fault = _open_to_others("folders", path, 0o700)
        if fault:
            faults.setdefault(place, fault)
    message = "All are writable and yours alone; what is missing is made on demand."
    return list(faults.values()) or [Finding(check="folders", state="ok", message=message)]


def _nearest(path: Path) -> Path:
    """``path``, or the nearest folder above it that is there."""
    return next(each for each in (path, *path.parents) if os.access(each, os.F_OK))


def _unwritable(key: str, path: Path, place: Path) -> Finding | None:
    if not place.is_dir():
        reason, first = f"{place} is no folder", "Move it away"
    elif not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        reason, first = f"you may not write to {place}", "Become its owner"
    else:
        return None
    variable = key.replace(".", "_").upper()
    return Finding(
        check="folders",
        state="error",
        message=f"{path} cannot be used: {reason}.",
        remedy=f"{first}, or set {key} ({variable}) to another place.",
    )


def _open_to_others(check: str, path: Path, mode: int) -> Finding | None:
    found = path.stat().st_mode & 0o777
    if not found & OTHERS:
        return None
    message = f"{path} is open to others (mode {found:04o}), and conversations are private."
    remedy = f"chmod {mode:o} {quote(str(path))}"
    return Finding(check=check, state="warning", message=message, remedy=remedy)


def _disk(data_dir: Path, raw_dir: Path, warehouse_path: Path) -> Finding:
    used = landing(raw_dir).bytes + bytes_on_disk(warehouse_path)
    return disk(data_dir, free=shutil.disk_usage(_nearest(data_dir)).free, used=used)


def _lock(state_dir: Path) -> Finding:
    held = holder(state_dir)
    if held is None:
        return Finding(check="lock", state="ok", message="Free: no run is on.")
    remedy = "Let it end; if it hangs, stop it, and nothing is lost."
    return Finding(check="lock", state="warning", message=f"A run is on: {held}.", remedy=remedy)


def _warehouse(path: Path, state_dir: Path) -> Finding:
    if not path.exists():
        return Finding(check="warehouse", state="ok", message=f"None yet; the first load makes {path}.")
    try:
        with open_warehouse(path, read_only=True) as connection:
            has_tables(connection)
    except HeldWarehouseError as error:
        running = (holder(state_dir) or "nobody").partition(",")[0]
        if running == f"PID {error.pid}":
            message = f"{path} is in use by the run that is on ({running})."
            return Finding(check="warehouse", state="ok", message=message)
        raise
    message = f"{path} ({size(bytes_on_disk(path))}) can be read."
    return _open_to_others("warehouse", path, 0o600) or Finding(
        check="warehouse", state="ok", message=message
    )


def _source(address: Address, watermark_field: str, lookback: timedelta) -> Iterator[Finding]:
    with ExitStack() as stack:
        try:
            source = stack.enter_context(connect(address))
            there = source.exists()
            documents = source.estimated_count() if there else 0
        except ClogsError as error:
            yield failed("source", error)
            return
        if not there:
            remedy = "Check mongo.db and mongo.collection (clogs config), or fill it: clogs import ~/.claude"
            message = f"There is no collection {source.name}."
            yield Finding(check="source", state="error", message=message, remedy=remedy)
            return
        message = f"{source.name} holds about {count(documents, 'document')}."
        yield Finding(check="source", state="ok", message=message)
        yield _told("index", lambda: _index(source, watermark_field))
        yield _told("dates", lambda: _undated(source, watermark_field))
        yield _told("clocks", lambda: _early(source, watermark_field, lookback))


def _index(source: Source, watermark_field: str) -> Finding:
    if source.is_indexed(watermark_field):
        return Finding(check="index", state="ok", message=f"There is one on {watermark_field}.")
    db, collection = json.dumps(source.address.db), json.dumps(source.address.collection)
    return Finding(
        check="index",
        state="warning",
        message=f"There is none on {watermark_field}: to find what is new, each run looks at every document.",
        remedy=f"In mongosh: db.getSiblingDB({db}).getCollection({collection})"
        f".createIndex({{{json.dumps(watermark_field)}: 1}})",
    )


def _undated(source: Source, watermark_field: str) -> Finding:
    undated = source.count_undated(watermark_field)
    if not undated:
        message = f"Every document has a Date in {watermark_field}."
        return Finding(check="dates", state="ok", message=message)
    return Finding(
        check="dates",
        state="warning",
        message=f"{count(undated, 'document')} without a Date in {watermark_field}:"
        " only the first run and a full backfill find such.",
        remedy="Read them with: clogs extract --full-backfill, or set pipeline.watermark_field"
        " (PIPELINE_WATERMARK_FIELD) to a better field.",
    )


def _early(source: Source, watermark_field: str, lookback: timedelta) -> Finding:
    early = source.count({watermark_field: {"$gt": datetime.now(UTC) + lookback}})
    if not early:
        message = f"No Date in {watermark_field} is ahead of this machine by more than the lookback."
        return Finding(check="clocks", state="ok", message=message)
    return Finding(
        check="clocks",
        state="warning",
        message=f"{count(early, 'document')} with a Date in {watermark_field} that is ahead of this machine"
        " by more than the lookback: each run reads them again until then.",
        remedy="Set the clock of this machine right, or of the one that writes to MongoDB: timedatectl",
    )
