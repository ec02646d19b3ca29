"""``raw.ledger``: which landing files were loaded, and how the landing folder differs from it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Literal

from clogs.landing.files import landed
from clogs.landing.place import Place, delete, etag_of, size_of
from clogs.terminal.text import count, join_limited
from clogs.warehouse import Connection, instant, literal, nullable, transaction

logger = logging.getLogger(__name__)

FileStatus = Literal["landed", "vanished", "compacted", "pruned"]
"""Of a loaded file. ``landed`` ones stay in the landing folder, and ``vanished`` ones should."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A landing file that was loaded; `merged_into` is the file that holds its rows if it is compacted."""

    bytes: int
    status: FileStatus
    merged_into: str | None
    etag: str | None


@dataclass(slots=True)
class LandingDiff:
    """How the landing folder differs from the ledger; paths are ordered by partition and name."""

    new: list[Place] = field(default_factory=list)
    loaded: list[Place] = field(default_factory=list)
    changed: list[Place] = field(default_factory=list)  # in size or ETag, since they were loaded
    vanished: list[str] = field(default_factory=list)  # since the last comparison
    missing: int = 0  # since then and before
    returned: list[str] = field(
        default_factory=list
    )  # were missing or compacted; no other file has their rows
    retired: list[Place] = field(default_factory=list)  # compacted or pruned, and not removed yet


def ledger_name(path: Place, raw_dir: Place) -> str:
    """A landing file's name in the ledger: its path in the landing folder."""
    return path.relative_to(raw_dir).as_posix()  # type: ignore[arg-type]  # both are folders, or objects


def read_ledger(connection: Connection) -> dict[str, LedgerEntry]:
    """Every file that was ever loaded, by its name in the ledger."""
    rows = connection.execute("SELECT file, bytes, status, merged_into, etag FROM raw.ledger").fetchall()
    return {file: LedgerEntry(*entry) for file, *entry in rows}


def compare(connection: Connection, raw_dir: Place) -> LandingDiff:
    """Compare the landing with the ledger by names, sizes and ETags.

    No file is read: a name holds the digest of its content, which `verify` checks whenever a file is read.
    """
    ledger, diff = read_ledger(connection), LandingDiff()
    missing = dict(ledger)
    found = {ledger_name(path, raw_dir): path for path in landed(raw_dir)}
    for name, path in found.items():
        entry = missing.pop(name, None)
        if entry is None:
            diff.new.append(path)
        elif _is_changed(path, entry):
            diff.changed.append(path)
        elif entry.status == "pruned" or _has_successor(entry, ledger, found):
            diff.retired.append(path)
        else:
            diff.loaded.append(path)
            if entry.status != "landed":
                diff.returned.append(name)
    diff.vanished = sorted(name for name, entry in missing.items() if entry.status == "landed")
    diff.missing = sum(entry.status in {"landed", "vanished"} for entry in missing.values())
    return diff


def record(connection: Connection, diff: LandingDiff) -> None:
    """Write the difference to the ledger, and report it."""
    with transaction(connection):
        set_status(connection.execute, diff.vanished, "vanished")
        set_status(connection.execute, diff.returned, "landed")
    report(diff)


def report(diff: LandingDiff) -> None:
    """Warn of files that vanished, and remove those that are retired."""
    if diff.vanished:
        text = "%s gone from the landing folder, though loaded: %s. What was loaded from there stays."
        logger.warning(text, count(len(diff.vanished), "file"), join_limited(diff.vanished))
    if diff.retired:
        files, names = count(len(diff.retired), "file"), join_limited([path.name for path in diff.retired])
        logger.info("Removing %s that were merged or pruned before: %s.", files, names)
        remove(diff.retired)


def enter_merged(connection: Connection, path: Place, *, raw_dir: Place, rows: int, run: str) -> None:
    """Enter a file whose rows, taken from other files, are in the table already."""
    name, at = literal(ledger_name(path, raw_dir)), instant(datetime.now(UTC))
    values = f"{name}, {size_of(path)}, {rows}, {literal(run)}, {at}, 0, 0, {rows}, 'landed', NULL"
    connection.execute(f"INSERT INTO raw.ledger VALUES ({values}, {nullable(etag_of(path))})")


def set_status(
    execute: Callable[[str], object],
    files: Sequence[str],
    status: FileStatus,
    *,
    merged_into: str | None = None,
) -> None:
    """Set the status of files, given by their names in the ledger."""
    if files:
        execute(
            f"UPDATE raw.ledger SET status = '{status}', merged_into = {nullable(merged_into)}"
            f" WHERE file IN ({', '.join(map(literal, files))})"
        )


def set_pruned(execute: Callable[[str], object], before: date) -> None:
    """Set the status of all files of days before one."""
    # names begin with the partition, date=2026-03-04/, so they sort by day
    execute(
        "UPDATE raw.ledger SET status = 'pruned', merged_into = NULL"
        f" WHERE file < 'date={before}' AND status <> 'pruned'"
    )


def remove(files: Iterable[Place]) -> None:
    """Remove landing files that still exist, and their folders if nothing else is in them."""
    for path in files:
        delete(path)


def _is_changed(path: Place, entry: LedgerEntry) -> bool:
    etags = {etag_of(path), entry.etag} - {None}
    return size_of(path) != entry.bytes or len(etags) > 1


def _has_successor(entry: LedgerEntry, ledger: Mapping[str, LedgerEntry], found: Collection[str]) -> bool:
    """Return whether the file that now holds the rows of this one exists, over however many merges."""
    name = entry.merged_into
    while name and (successor := ledger.get(name)) and successor.merged_into:
        name = successor.merged_into
    return name in found
