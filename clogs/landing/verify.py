"""Whether a file in the landing folder is a landing file, as it was written."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from clogs.errors import ClogsError
from clogs.landing.compare import modified
from clogs.landing.files import FORMAT, FORMAT_KEY, POLARS_TYPES, day_of, sha256_of, told_digest
from clogs.landing.ledger import LandingFile, ledger_name
from clogs.schema import COLUMNS
from clogs.warehouse import count_nulls

_SCHEMA = {column.name: POLARS_TYPES[column.kind] for column in COLUMNS if column.name != "date"}
_KEYS = ("_id", "extracted_at")


class DamagedError(Exception):
    """A file in the landing folder is no landing file, or no longer."""


def check(path: Path, raw_dir: Path) -> LandingFile:
    """LandingDiff at a file. Where its name does not tell the digest of its content, every value is decoded.

    Raises:
        DamagedError: It is no landing file, or not as it was written.
        ClogsError: It cannot be read just now, or a newer clogs wrote it.
    """
    try:
        if (day := day_of(path)) is None:
            raise DamagedError(f"is in no folder of a date: {path.parent.name}")
        written = modified(path)
        sha256, told = sha256_of(path), told_digest(path)
        if told and not sha256.startswith(told):
            raise DamagedError("is not what was written")
        found = int(pl.read_parquet_metadata(path).get(FORMAT_KEY, 1))
        _check_format(path, found)
        _check_columns(path)
        if not told:
            _check_rows(path)
    except OSError as exc:
        raise ClogsError(
            f"Cannot read {path}: {exc.strerror or exc}.", hint="Fix it, then: clogs load"
        ) from exc
    except (ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as exc:
        raise DamagedError(f"cannot be read: {str(exc).partition(chr(10))[0]}") from exc
    return LandingFile(
        path=path,
        name=ledger_name(path, raw_dir),
        day=day,
        bytes=path.stat().st_size,
        modified=written,
        sha256=sha256,
        format=found,
    )


def _check_format(path: Path, found: int) -> None:
    if found > FORMAT:
        raise ClogsError(
            f"{path} was written by a newer clogs: its format is {found}, and this one reads up to {FORMAT}.",
            hint="Upgrade clogs: pipx upgrade clogs",
        )


def _check_columns(path: Path) -> None:
    with path.open("rb") as file:  # a path would be taken for a pattern
        schema = pl.read_parquet_schema(file)
    if missing := [name for name in _SCHEMA if name not in schema]:
        raise DamagedError(f"has no column {', '.join(missing)}")
    if more := [name for name in schema if name not in _SCHEMA]:
        raise DamagedError(f"has a column {', '.join(more)}, which no landing file has")
    if wrong := [name for name, kind in _SCHEMA.items() if schema[name] != kind]:
        raise DamagedError(f"has another type in {', '.join(wrong)}")


def _check_rows(path: Path) -> None:
    """Decode every value, for DuckDB gives up a whole load at the first one that it cannot."""
    nulls = dict(zip(_KEYS, count_nulls(path, _KEYS), strict=True))
    if empty := [name for name, rows in nulls.items() if rows]:
        raise DamagedError(f"has rows without {' and '.join(empty)}")
