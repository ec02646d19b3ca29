"""Whether a file in the landing folder is what was written there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import polars as pl

from clogs.errors import ClogsError
from clogs.files import reading
from clogs.landing.files import FORMAT, FORMAT_KEY, day_of, digest_in_name
from clogs.landing.place import Place, opened
from clogs.terminal.text import first_line


class DamagedError(Exception):
    """A file in the landing folder is not a landing file, or no longer."""


@contextmanager
def verified(path: Place) -> Iterator[IO[bytes]]:
    """Open a landing file whose content is that which the digest in its name was made of.

    Raises:
        DamagedError: It is not a landing file, or not as it was written.
        ClogsError: It cannot be read just now, or a newer clogs wrote it.
    """
    if day_of(path) is None:
        raise DamagedError(f"is not in the folder of a date: {path.parent.name}")
    if (digest := digest_in_name(path)) is None:
        raise DamagedError("has no digest in its name")
    with reading(str(path), hint="Fix it, then: clogs load"), opened(path) as file:
        if not hashlib.file_digest(file, "sha256").hexdigest().startswith(digest):
            raise DamagedError("does not match the digest in its name")
        file.seek(0)
        try:
            # Polars copies what it reads from a file that is open
            metadata = pl.read_parquet_metadata(path if isinstance(path, Path) else file)
            found = int(metadata.get(FORMAT_KEY, FORMAT))
        except (ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as exc:
            raise DamagedError(f"cannot be read: {first_line(exc)}") from exc
        if found > FORMAT:
            raise ClogsError(
                f"{path} was written by a newer clogs: its format is {found}, and this one reads"
                f" up to {FORMAT}.",
                hint="Upgrade clogs in its checkout: git pull && pipx install --force .",
            )
        file.seek(0)
        yield file
