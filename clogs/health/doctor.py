"""Looking at everything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from clogs.health import places, runs
from clogs.health.findings import Finding, told
from clogs.health.source import source
from clogs.mongo import Address
from clogs.runs.records import versions as installed_versions


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
    today = datetime.now(UTC).date()
    return [
        versions(),
        *places.folders(folders, warehouse_path),
        told("disk", lambda: places.disk_of(data_dir, raw_dir, warehouse_path, today)),
        told("lock", lambda: runs.lock(state_dir)),
        told("schedule", runs.schedule),
        told("history", lambda: runs.history(state_dir)),
        told("warehouse", lambda: places.warehouse(warehouse_path, state_dir)),
        places.dead_letters_of(folders["data.dead_letter_dir"]),
        *source(address, watermark_field, lookback),
    ]


def versions() -> Finding:
    """Name the versions of Python, clogs and what it stands on."""
    python, *installed = installed_versions().items()
    names = ", ".join(f"{name} {version}" for name, version in installed)
    return Finding(check="versions", state="ok", message=f"Python {python[1]}, {names}")
