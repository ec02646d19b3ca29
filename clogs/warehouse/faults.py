"""What DuckDB says of the file, the disk and the memory, in our words."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from clogs.errors import ClogsError, DamagedWarehouseError, HeldWarehouseError, WarehouseError
from clogs.redact import hide_secrets
from clogs.terminal.text import printable

_DAMAGED = "Corrupt database file"
_CUT_SHORT = "Could not read enough bytes from file"
_HELD = "Could not set lock on file"
_OF_THE_FILE = (_HELD, _DAMAGED, _CUT_SHORT)
_HOLDER = re.compile(r"\(PID (?P<pid>\d+)\)")

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
        WarehouseError: The file is held by another process, or is no DuckDB file of this series.
        ClogsError: The memory is full.
    """
    try:
        yield
    except duckdb.Error as exc:
        if fault := fault_of(path, exc):
            raise fault from exc
        if isinstance(exc, _FILE_FAULTS):
            raise _unusable(path, exc) from exc
        raise


def is_of_file_or_memory(exc: duckdb.Error) -> bool:
    """Tell whether an error may be one that `fault_of` names, whatever was asked."""
    return isinstance(exc, duckdb.OutOfMemoryException) or _said(exc).startswith(_OF_THE_FILE)


def fault_of(path: Path, exc: BaseException | None) -> ClogsError | None:
    """Say what is wrong with the memory or the file, whatever was asked; None where the question is."""
    if isinstance(exc, duckdb.OutOfMemoryException):
        return ClogsError(
            f"DuckDB ran out of memory: {_first_line(exc)}",
            hint="Raise duckdb.memory_limit, or lower duckdb.threads.",
        )
    said = _said(exc)
    if said.startswith(_HELD):
        return _held(path, said)
    if said.startswith((_DAMAGED, f'{_CUT_SHORT} "{path.resolve()}"')):
        return DamagedWarehouseError(
            f"The warehouse {path} is damaged ({said.partition(chr(10))[0]}).",
            hint="Make it again from the landing files: clogs pipeline --full-refresh",
        )
    return None


def _said(exc: BaseException | None) -> str:
    """What DuckDB says of a file; nothing where it may be quoting what somebody has asked."""
    return str(exc).removeprefix("IO Error: ") if isinstance(exc, _FILE_FAULTS) else ""


def _held(path: Path, message: str) -> HeldWarehouseError:
    found = _HOLDER.search(message)
    pid = int(found["pid"]) if found else None
    who = f"PID {pid} ({_command_of(pid)})" if pid else "it cannot be told which, maybe on another machine"
    return HeldWarehouseError(
        f"The warehouse {path} is held by another program: {who}.",
        hint="Close it there, or wait for it to end, then run this again.",
        pid=pid,
    )


def _command_of(pid: int) -> str:
    """The command line of a process, without secrets."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:  # it has just ended, or this is no Linux
        try:
            command = ["ps", "-o", "args=", "-p", str(pid)]
            words = subprocess.run(command, capture_output=True, check=False, text=True).stdout.split()  # noqa: S603
        except OSError:
            words = []
    return printable(" ".join(hide_secrets(words))) or "its command is not known"


def _unusable(path: Path, exc: duckdb.Error) -> WarehouseError:
    message = str(exc)
    if "not a valid DuckDB database" in message or "newer version" in message or "storage version" in message:
        return WarehouseError(
            f"{path} is no DuckDB file that this version can read.",
            hint="Set duckdb.path (DUCKDB_PATH) to another file, or move this one away.",
        )
    return WarehouseError(
        f"The warehouse {path} cannot be used: {_first_line(exc)}",
        hint="Check the disk and the permissions of its folder, then run this again.",
    )


def _first_line(exc: Exception) -> str:
    return str(exc).partition("\n")[0]
