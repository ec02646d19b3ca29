"""Where a landing is, a folder or a part of a bucket, and what can be done with its files there."""

from __future__ import annotations

import shutil
from contextlib import suppress
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import cast

from clogs.errors import ClogsError
from clogs.files import move as move_file
from clogs.files import sweep_temporary, write_content
from clogs.landing import objects
from clogs.landing.objects import ObjectPath

Place = Path | ObjectPath
"""A file or a folder; as an object of a bucket, it knows its size and ETag where it was listed or written."""


def put(path: Place, content: bytes) -> Place:
    """Write a file, whole or not at all, and durable when this returns. Its name says what it holds."""
    if isinstance(path, ObjectPath):
        return objects.put(path, content)
    write_content(path, content)
    return path


def replace(path: Place, content: bytes) -> None:
    """Write a file that may exist.

    Raises:
        LockedError: It is an object, and another process has written it since this one read it.
    """
    if isinstance(path, ObjectPath):
        objects.replace(path, content)
    else:
        write_content(path, content)


def read(path: Place) -> bytes | None:
    """Read a file whole; None where it does not exist."""
    if isinstance(path, ObjectPath):
        return objects.read(path)
    return path.read_bytes() if path.exists() else None


def opened(path: Place) -> BufferedReader | BytesIO:
    """Open a file to be read.

    Raises:
        ClogsError: It is an object that is gone.
        UnavailableError: It is an object that cannot be reached.
    """
    if isinstance(path, Path):
        return path.open("rb")
    content = read(path)
    if content is None:
        raise ClogsError(f"{path} was listed, and is gone.", hint="Run it again: clogs load")
    return BytesIO(content)


def listed(folder: Place, pattern: str) -> list[Place]:
    """All files of a folder that match a pattern of as many parts as their paths have there, in order."""
    if isinstance(folder, Path):
        return sorted(folder.glob(pattern))
    depth = len(Path(pattern).parts)
    files = ((each, each.relative_to(folder)) for each in objects.listed(folder))
    return sorted(each for each, path in files if len(path.parts) == depth and path.match(pattern))


def delete(path: Place) -> None:
    """Delete a file, if it exists, and its folder if nothing else is in it."""
    if isinstance(path, ObjectPath):
        objects.delete(path)
        return
    path.unlink(missing_ok=True)
    with suppress(OSError):
        path.parent.rmdir()


def move(path: Place, target: Place) -> None:
    """Let a file have another place of the same landing."""
    if isinstance(path, ObjectPath):
        objects.move(path, cast("ObjectPath", target))
    else:
        move_file(path, cast("Path", target))


def delete_folder(folder: Place) -> None:
    """Delete a folder with all its files, but for what another process writes to it meanwhile."""
    if isinstance(folder, Path):
        shutil.rmtree(folder, ignore_errors=True)
        return
    for path in objects.listed(folder):
        objects.delete(path)


def size_of(path: Place) -> int:
    """The bytes of a file; of an object, when it was listed or written."""
    return path.bytes if isinstance(path, ObjectPath) else path.stat().st_size


def etag_of(path: Place) -> str | None:
    """The ETag of an object, when it was listed or written; a file has none."""
    return path.etag if isinstance(path, ObjectPath) else None


def sweep(folder: Place) -> None:
    """Remove what killed runs left half-written; no object ever is. The caller holds the run lock."""
    if isinstance(folder, Path):
        sweep_temporary(folder)
