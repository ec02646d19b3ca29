"""The landing folder compared with the ledger."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from clogs.landing.files import landed, sha256_of
from clogs.landing.ledger import Known, ledger_name, read_ledger, set_status
from clogs.terminal.text import count, join_limited
from clogs.warehouse import Connection, transaction

logger = logging.getLogger(__name__)

_TOUCH = "UPDATE raw.ledger SET modified_at = make_timestamptz(?), sha256 = ? WHERE file = ?"


@dataclass(slots=True)
class LandingDiff:
    """What is in the folder, and what the ledger says of it.

    Attributes:
        new: Files that were never loaded, in the order of their partitions.
        loaded: Files that were loaded and are what they were then.
        changed: Files that are not what they were when they were loaded.
        vanished: Names of files that were there at the last look.
        missing: How many files have vanished, then and before.
        returned: Names of files that had vanished, or whose merged file has, and are there again.
        retired: Files that were merged into others or pruned, and have not been removed yet.
        touched: By name, when a file was written to, and the SHA-256 of its content, which is what it was.
    """

    new: list[Path] = field(default_factory=list)
    loaded: list[Path] = field(default_factory=list)
    changed: list[Path] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    missing: int = 0
    returned: list[str] = field(default_factory=list)
    retired: list[Path] = field(default_factory=list)
    touched: dict[str, tuple[int, str]] = field(default_factory=dict)


def compare(connection: Connection, raw_dir: Path, *, verify: bool = False) -> LandingDiff:
    """Compare the folder with the ledger; nothing is written.

    A file whose size and time of last change are what they were is not read.

    Args:
        connection: The warehouse.
        raw_dir: The landing folder.
        verify: Read every file to see whether its content is what it was.
    """
    every = read_ledger(connection)
    ledger, found = dict(every), LandingDiff()
    for path in landed(raw_dir):
        name = ledger_name(path, raw_dir)
        known = ledger.pop(name, None)
        if known is None:
            found.new.append(path)
        elif not _is_same(path, name, known, found, verify=verify):
            found.changed.append(path)
        elif known.status == "pruned" or _is_merged(known, every, raw_dir):
            found.retired.append(path)
        else:
            found.loaded.append(path)
            if known.status != "landed":
                found.returned.append(name)
    found.vanished = sorted(name for name, known in ledger.items() if known.status == "landed")
    found.missing = sum(known.status in {"landed", "vanished"} for known in ledger.values())
    return found


def record(connection: Connection, found: LandingDiff) -> None:
    """Write down what was found, tell of files that vanished, and remove those that are retired."""
    if found.vanished or found.returned or found.touched:
        with transaction(connection):
            set_status(connection, found.vanished, "vanished")
            set_status(connection, found.returned, "landed")
            for name, (modified, sha256) in found.touched.items():
                connection.execute(_TOUCH, [modified, sha256, name])
    if found.vanished:
        logger.warning(
            "%s gone from the landing folder, though loaded: %s. What was loaded from there stays.",
            count(len(found.vanished), "file"),
            join_limited(found.vanished),
        )
    if found.retired:
        names = join_limited([path.name for path in found.retired])
        logger.info(
            "Removing %s that were merged or pruned before: %s.", count(len(found.retired), "file"), names
        )
        remove(found.retired)


def remove(files: Iterable[Path]) -> None:
    """Remove landing files, as far as they are there, and their folders if nothing else is in them."""
    for path in files:
        path.unlink(missing_ok=True)
        with suppress(OSError):
            path.parent.rmdir()


def modified(path: Path) -> int:
    """When a file was last written to, in microseconds since 1970, UTC."""
    return path.stat().st_mtime_ns // 1000


def _is_merged(known: Known, ledger: Mapping[str, Known], raw_dir: Path) -> bool:
    """Tell whether another file that is there holds the rows of this one."""
    name = known.merged_into
    while name and (into := ledger.get(name)) and into.merged_into:
        name = into.merged_into
    return bool(name) and (raw_dir / str(name)).exists()


def _is_same(path: Path, name: str, known: Known, found: LandingDiff, *, verify: bool) -> bool:
    """Tell whether a file is what it was, and note when it was written to if that is all that is new."""
    if path.stat().st_size != known.bytes:
        return False
    written = modified(path)
    if written == known.modified and not verify:
        return True
    sha256 = sha256_of(path)
    if known.sha256 not in {sha256, None}:
        return False
    if (written, sha256) != (known.modified, known.sha256):
        found.touched[name] = (written, sha256)
    return True
