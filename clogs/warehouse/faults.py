"""DuckDB's errors about the file, the disk and the memory, in our words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

import duckdb

from clogs.errors import (
    ClogsError,
    DamagedWarehouseError,
    HeldWarehouseError,
    UnavailableError,
    WarehouseError,
)
from clogs.terminal.text import first_line, printable

_DAMAGED = "Corrupt database file"
_CUT_SHORT = "Could not read enough bytes from file"
_LOCKED = "Could not set lock on file"
_UNREADABLE = ("not a valid DuckDB database", "newer version", "storage version")

_HOLDER = re.compile(r"held in (?P<program>.*) \(PID (?P<pid>\d+)\)")
"""DuckDB's message gives the other program's path, without the arguments, which may hold secrets."""

_OBJECT = re.compile(r"(?:Unavailable|SilentBucket)Error: (.+)")
"""What DuckDB makes of our error where a view is of an object; the lines that follow are Python's stack."""

_FILE_FAULTS = (
    duckdb.IOException,
    duckdb.SerializationException,
    duckdb.FatalException,
    duckdb.TransactionException,  # a commit that the disk has no room for
)


@contextmanager
def mapped(path: Path) -> Iterator[None]:
    """Raise DuckDB's errors about the file, the disk and the memory as ours.

    Raises:
        WarehouseError: Another process has the file open, or this DuckDB cannot read it.
        ClogsError: The memory is full.
    """
    try:
        yield
    except duckdb.Error as exc:
        if fault := fault_of(path, exc):
            raise fault from exc
        if not isinstance(exc, _FILE_FAULTS):
            raise
        if any(words in str(exc) for words in _UNREADABLE):
            raise WarehouseError(
                f"{path} is not a DuckDB file that this version can read.",
                hint="Set duckdb.path (DUCKDB_PATH) to another file, or move this one away.",
            ) from exc
        raise WarehouseError(
            f"The warehouse {path} cannot be used: {first_line(exc)}",
            hint="Check the disk and the permissions of its folder, then run this again.",
        ) from exc


def is_of_file_or_memory(exc: duckdb.Error) -> bool:
    """Return whether `fault_of` may name the error, whatever the query was."""
    is_of_file = _file_message(exc).startswith((_LOCKED, _DAMAGED, _CUT_SHORT))
    return is_of_file or isinstance(exc, duckdb.OutOfMemoryException) or bool(_OBJECT.match(str(exc)))


def fault_of(path: Path, exc: BaseException | None) -> ClogsError | None:
    """Return what is wrong with the memory or the file; None where the query is at fault."""
    if isinstance(exc, duckdb.OutOfMemoryException):
        return ClogsError(
            f"DuckDB ran out of memory: {first_line(exc)}",
            hint="Raise duckdb.memory_limit, or lower duckdb.threads.",
        )
    if found := _OBJECT.match(str(exc)):
        return UnavailableError(found[1], hint="Nothing is lost: run it again.")
    message = _file_message(exc)
    if message.startswith(_LOCKED):
        found = _HOLDER.search(message)
        holder = f"PID {found['pid']} ({PurePath(found['program']).name})" if found else None
        where = f": {printable(holder)}" if holder else ", on another machine"
        return HeldWarehouseError(
            f"Another program has the warehouse {path} open{where}.",
            hint="Close it there, or wait for it to end, then run this again.",
            pid=int(found["pid"]) if found else None,
        )
    if message.startswith((_DAMAGED, f'{_CUT_SHORT} "{path.resolve()}"')):
        return DamagedWarehouseError(
            f"The warehouse {path} is damaged ({message.partition(chr(10))[0]}).",
            hint="Make it again from the landing files: clogs pipeline --full-refresh",
        )
    return None


def _file_message(exc: BaseException | None) -> str:
    """DuckDB's message about a file; empty for other errors, which may quote the same words from a query."""
    return str(exc).removeprefix("IO Error: ") if isinstance(exc, _FILE_FAULTS) else ""
