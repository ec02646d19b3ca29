"""``raw.ledger``: which landing files were loaded, and how the landing folder differs from it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from clogs.landing.files import landed
from clogs.terminal.text import count, join_limited
from clogs.warehouse import Connection, instant, literal, transaction

logger = logging.getLogger(__name__)

FileStatus = Literal["landed", "vanished", "compacted", "pruned"]
"""Of a loaded file. ``landed`` ones stay in the landing folder, and ``vanished`` ones should."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A landing file that was loaded; `merged_into` is the file that holds its rows if it is compacted."""

    bytes: int
    status: FileStatus
    merged_into: str | None


@dataclass(slots=True)
class LandingDiff:
    """How the landing folder differs from the ledger; paths are ordered by partition and name."""

    new: list[Path] = field(default_factory=list)
    loaded: list[Path] = field(default_factory=list)
    changed: list[Path] = field(default_factory=list)  # in size, since they were loaded
    vanished: list[str] = field(default_factory=list)  # since the last comparison
    missing: int = 0  # since then and before
    returned: list[str] = field(
        default_factory=list
    )  # were missing or compacted; no other file has their rows
    retired: list[Path] = field(default_factory=list)  # compacted or pruned, and not removed yet


def ledger_name(path: Path, raw_dir: Path) -> str:
    """A landing file's name in the ledger: its path in the landing folder."""
    return path.relative_to(raw_dir).as_posix()


def read_ledger(connection: Connection) -> dict[str, LedgerEntry]:
    """Every file that was ever loaded, by its name in the ledger."""
    rows = connection.execute("SELECT file, bytes, status, merged_into FROM raw.ledger").fetchall()
    return {file: LedgerEntry(*entry) for file, *entry in rows}


def compare(connection: Connection, raw_dir: Path) -> LandingDiff:
    """Compare the landing folder with the ledger by names and sizes.

    No file is read: a name holds the digest of its content, which `verify` checks whenever a file is read.
    """
    ledger, diff = read_ledger(connection), LandingDiff()
    missing = dict(ledger)
    for path in landed(raw_dir):
        name = ledger_name(path, raw_dir)
        entry = missing.pop(name, None)
        if entry is None:
            diff.new.append(path)
        elif path.stat().st_size != entry.bytes:
            diff.changed.append(path)
        elif entry.status == "pruned" or _has_successor(entry, ledger, raw_dir):
            diff.retired.append(path)
        else:
            diff.loaded.append(path)
            if entry.status != "landed":
                diff.returned.append(name)
    diff.vanished = sorted(name for name, entry in missing.items() if entry.status == "landed")
    diff.missing = sum(entry.status in {"landed", "vanished"} for entry in missing.values())
    return diff


def record(connection: Connection, diff: LandingDiff) -> None:
    """Write the difference to the ledger, warn of files that vanished, and remove those that are retired."""
    with transaction(connection):
        set_status(connection, diff.vanished, "vanished")
        set_status(connection, diff.returned, "landed")
    if diff.vanished:
        text = "%s gone from the landing folder, though loaded: %s. What was loaded from there stays."
        logger.warning(text, count(len(diff.vanished), "file"), join_limited(diff.vanished))
    if diff.retired:
        files, names = count(len(diff.retired), "file"), join_limited([path.name for path in diff.retired])
        logger.info("Removing %s that were merged or pruned before: %s.", files, names)
        remove(diff.retired)


def enter_merged(connection: Connection, path: Path, *, raw_dir: Path, rows: int, run: str) -> None:
    """Enter a file whose rows, taken from other files, are in the table already."""
    name, size = ledger_name(path, raw_dir), path.stat().st_size
    values = f"{literal(name)}, {size}, {rows}, {literal(run)}, {instant(datetime.now(UTC))}, 0, 0, {rows}"
    connection.execute(f"INSERT INTO raw.ledger VALUES ({values}, 'landed', NULL)")


def set_status(
    connection: Connection, files: Sequence[str], status: FileStatus, *, merged_into: str | None = None
) -> None:
    """Set the status of files, given by their names in the ledger."""
    if files:
        successor = literal(merged_into) if merged_into else "NULL"
        connection.execute(
            f"UPDATE raw.ledger SET status = '{status}', merged_into = {successor}"
            f" WHERE file IN ({', '.join(map(literal, files))})"
        )


def remove(files: Iterable[Path]) -> None:
    """Remove landing files that still exist, and their folders if nothing else is in them."""
    for path in files:
        path.unlink(missing_ok=True)
        with suppress(OSError):
            path.parent.rmdir()


def _has_successor(entry: LedgerEntry, ledger: Mapping[str, LedgerEntry], raw_dir: Path) -> bool:
    """Return whether the file that now holds the rows of this one exists, over however many merges."""
    name = entry.merged_into
    while name and (successor := ledger.get(name)) and successor.merged_into:
        name = successor.merged_into
    return name is not None and (raw_dir / name).exists()
