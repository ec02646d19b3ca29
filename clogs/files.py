"""Files that are whole or absent, and folders that only their owner can read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from clogs.errors import ClogsError

TEMPORARY_PREFIX = ".writing-"


@contextmanager
def reading(path: Path, *, hint: str = "Look for the cause with: clogs doctor") -> Iterator[None]:
    """Map the operating system's errors while ``path`` is read.

    Raises:
        ClogsError: It cannot be read; the message gives the system's reason.
    """
    try:
        yield
    except OSError as exc:
        raise ClogsError(f"Cannot read {path}: {exc.strerror or exc}.", hint=hint) from exc


@contextmanager
def writing(
    path: Path, *, hint: str = "Free space, fix the permissions, or choose another place: clogs config"
) -> Iterator[None]:
    """Map the operating system's errors while ``path`` is written.

    Raises:
        ClogsError: It cannot be written; the message gives the system's reason.
    """
    try:
        yield
    except OSError as exc:
        raise ClogsError(f"Cannot write {path}: {exc.strerror or exc}.", hint=hint) from exc


def make_private_dir(path: Path) -> Path:
    """Create ``path`` and its missing parents, each readable by its owner alone (mode 0700) and durable.

    Returns:
        ``path``, for chaining.

    Raises:
        ClogsError: The folder cannot be created or written to.
    """
    with writing(path):
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)
            _flush(folder.parent)
        if found := obstacle(path):
            raise OSError(found[0])
    return path


def obstacle(folder: Path) -> tuple[str, str] | None:
    """Tell why nothing can be read and written in a folder, and what to do; None where all is well."""
    if not folder.is_dir():
        return f"{folder} is no folder", "Move it away"
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return f"the file system of {folder} is read-only", "Mount it for writing"
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return f"you may not write to {folder}", "Become its owner"
    return None


def write_atomic(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file, make it durable, and put it in place of ``path``.

    Readers see the old file or the new one, after a power failure too: the file and its folder are
    flushed before this returns. The file is readable by its owner alone (mode 0600).

    Args:
        path: Where the file is to stand. Its folder is created if it is missing.
        write: Called with the temporary path, in the same folder.

    Raises:
        ClogsError: The disk is full, or the folder cannot be written to.
    """
    _write(path.parent, write, lambda _temporary: path.name, told=path)


def write_named(folder: Path, write: Callable[[Path], object], name: Callable[[Path], str]) -> Path:
    """Do as `write_atomic` does, for a file whose name follows from its content.

    Args:
        folder: Where the file is to stand. It is created if it is missing.
        write: Called with the temporary path, in the same folder.
        name: Called with the same path when all is written.

    Returns:
        The file.

    Raises:
        ClogsError: The disk is full, or the folder cannot be written to.
    """
    return _write(folder, write, name, told=folder)


def sweep_temporary(folder: Path) -> int:
    """Remove what killed runs left half-written under ``folder``; the caller holds the run lock.

    Returns:
        How many files were removed.
    """
    stray = list(folder.rglob(f"{TEMPORARY_PREFIX}*"))
    for path in stray:
        path.unlink(missing_ok=True)
    return len(stray)


def _write(folder: Path, write: Callable[[Path], object], name: Callable[[Path], str], *, told: Path) -> Path:
    temporary = make_private_dir(folder) / f"{TEMPORARY_PREFIX}{os.getpid()}-{token_hex(4)}"
    with writing(told):
        try:
            temporary.touch(mode=0o600)
            write(temporary)
            _flush(temporary)
            path = folder / name(temporary)
            temporary.replace(path)
            _flush(folder)
        finally:
            temporary.unlink(missing_ok=True)
    return path


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_PACKAGE = Path(__file__).parent


def bundled(name: str) -> Path:
    """Find a file or folder that ships with clogs: ``clogs.toml`` or ``transforms``.

    A wheel holds them inside the package; in a checkout, and so in an editable install, they stand
    next to it.

    Args:
        name: Its name at the top level of the repository.

    Returns:
        Its absolute path.
    """
    installed = _PACKAGE / name
    return installed if installed.exists() else _PACKAGE.parent / name
