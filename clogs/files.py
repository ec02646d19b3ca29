"""Files that are whole or absent, folders that only their owner can read, and what ships with clogs.

What cannot be written, because of a full disk or of permissions, raises a `ClogsError`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from clogs.errors import ClogsError

TEMPORARY_PREFIX = ".writing-"

_ELSEWHERE = "Free space, fix the permissions, or choose another place: clogs config"


@contextmanager
def reading(path: Path | str, *, hint: str = "Look for the cause with: clogs doctor") -> Iterator[None]:
    """Raise the operating system's errors while ``path`` is read as a `ClogsError` with its reason."""
    try:
        yield
    except OSError as exc:
        raise ClogsError(f"Cannot read {path}: {exc.strerror or exc}.", hint=hint) from exc


@contextmanager
def writing(path: Path, *, hint: str = _ELSEWHERE) -> Iterator[None]:
    """Raise the operating system's errors while ``path`` is written as a `ClogsError` with its reason."""
    try:
        yield
    except OSError as exc:
        raise ClogsError(f"Cannot write {path}: {exc.strerror or exc}.", hint=hint) from exc


def make_private_dir(path: Path) -> Path:
    """Create ``path`` and its missing parents, each readable by its owner alone (mode 0700) and durable."""
    with writing(path):
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)
            _flush(folder.parent)
        if found := obstacle(path):
            raise OSError(found[0])
    return path


def obstacle(folder: Path) -> tuple[str, str] | None:
    """Return why a folder cannot be read and written, and the remedy; None where it can."""
    if not folder.is_dir():
        return f"{folder} is not a folder", "Move it away"
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return f"the file system of {folder} is read-only", "Mount it for writing"
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return f"you may not write to {folder}", "Become its owner"
    return None


def write_atomic(path: Path, write: Callable[[Path], object], *, hint: str = _ELSEWHERE) -> None:
    """Let ``write`` fill a temporary file, make it durable, and put it in place of ``path``.

    Readers see the old file or the new one, after a power failure too: the file and its folder are
    flushed before this returns. The file is readable by its owner alone (mode 0600), and its folder is
    created if it is missing.
    """
    with writing(path, hint=hint), _temporary_file(path.parent) as temporary:
        write(temporary)
        _publish(temporary, path)


def write_content(path: Path, content: bytes) -> None:
    """Write a whole file as `write_atomic` does."""
    write_atomic(path, lambda temporary: temporary.write_bytes(content))


def write_named(folder: Path, write: Callable[[Path], object], name: Callable[[Path], str]) -> Path:
    """Do as `write_atomic` does, for a file whose name in ``folder`` follows from its content.

    ``name`` is called with the temporary path, after ``write``.
    """
    with writing(folder), _temporary_file(folder) as temporary:
        write(temporary)
        path = folder / name(temporary)
        _publish(temporary, path)
    return path


def move(path: Path, target: Path) -> None:
    """Put a durable file in the place of another of the same file system, in a folder that may be missing."""
    with writing(target):
        make_private_dir(target.parent)
        path.replace(target)
        _flush(target.parent)


def sweep_temporary(folder: Path) -> None:
    """Remove what killed runs left half-written under ``folder``; the caller holds the run lock."""
    for path in list(folder.rglob(f"{TEMPORARY_PREFIX}*")):
        path.unlink(missing_ok=True)


def bundled(name: str) -> Path:
    """Find what ships with clogs: a wheel has it in the package, a checkout beside it."""
    package = Path(__file__).parent
    return package / name if (package / name).exists() else package.parent / name


@contextmanager
def _temporary_file(folder: Path) -> Iterator[Path]:
    temporary = make_private_dir(folder) / f"{TEMPORARY_PREFIX}{os.getpid()}-{token_hex(4)}"
    try:
        temporary.touch(mode=0o600)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _publish(temporary: Path, path: Path) -> None:
    # In this order: after a power failure, a name must never lead to content that is not on the disk.
    _flush(temporary)
    temporary.replace(path)
    _flush(path.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
