"""Whether a file in the landing folder is what was written there."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from clogs.errors import ClogsError
from clogs.files import reading
from clogs.landing.files import FORMAT, FORMAT_KEY, day_of, digest_in_name, sha256_of
from clogs.terminal.text import first_line


class DamagedError(Exception):
    """A file in the landing folder is not a landing file, or no longer."""


def verify(path: Path) -> None:
    """Read a landing file whole, and compare its content with the digest in its name.

    Raises:
        DamagedError: It is not a landing file, or not as it was written.
        ClogsError: It cannot be read just now, or a newer clogs wrote it.
    """
    if day_of(path) is None:
        raise DamagedError(f"is not in the folder of a date: {path.parent.name}")
    if (digest := digest_in_name(path)) is None:
        raise DamagedError("has no digest in its name")
    with reading(path, hint="Fix it, then: clogs load"):
        if not sha256_of(path).startswith(digest):
            raise DamagedError("does not match the digest in its name")
        try:
            found = int(pl.read_parquet_metadata(path).get(FORMAT_KEY, FORMAT))
        except (ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as exc:
            raise DamagedError(f"cannot be read: {first_line(exc)}") from exc
    if found > FORMAT:
        raise ClogsError(
            f"{path} was written by a newer clogs: its format is {found}, and this one reads up to {FORMAT}.",
            hint="Upgrade clogs in its checkout: git pull && pipx install --force .",
        )
