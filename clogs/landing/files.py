"""The landing: Parquet files in hive partitions by date, each whole or absent."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import date
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import polars as pl

from clogs.landing.place import Place, listed, put, read, size_of
from clogs.schema import Kind

POLARS_TYPES: dict[Kind, pl.DataType] = {
    "text": pl.String(),
    "instant": pl.Datetime("us", "UTC"),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
}

FORMAT_KEY, FORMAT = "clogs.format", 1
"""The version of the files, in their metadata: it grows with every change of their columns."""

ZSTD_LEVEL = 1
"""The fastest of zstd's levels: two thirds of the size of snappy; level 3 gains 7% for twice the time."""

_DIGITS = 16
_NAME = re.compile(rf"_(?P<digest>[0-9a-f]{{{_DIGITS}}})\.parquet$")


def land(frame: pl.DataFrame, raw_dir: Place, *, name: str) -> list[Place]:
    """Write one batch, a file per date, ``conversations_<name>_<digest>.parquet``; all are durable then.

    The frame has the columns of ``raw.conversations``; ``name`` is unique among all batches. The files are
    returned in the order of their dates.
    """
    files = []
    for day in frame["date"].unique().sort():
        rows = frame.filter(date=day).drop("date")  # one partition after the other, to save memory
        content = BytesIO()  # in memory, since Polars raises no OSError of its own where the disk is full
        rows.write_parquet(content, compression_level=ZSTD_LEVEL, metadata={FORMAT_KEY: str(FORMAT)})
        digest = hashlib.sha256(content.getbuffer()).hexdigest()
        path = put(partition(raw_dir, day) / file_name(name, digest), content.getvalue())
        files.append(path)
    return files


def identity(raw_dir: Place, *, create: bool) -> str:
    """Return the landing's random identity, which one made in its place does not have.

    Without ``create``, it is empty where it has not been written yet.
    """
    path = raw_dir / ".landing"
    found = read(path)
    if create and found is None:
        put(path, uuid4().hex.encode())
        found = read(path)
    return (found or b"").decode("ascii")


def file_name(name: str, sha256: str) -> str:
    """A landing file's name, with the beginning of its content's SHA-256."""
    return f"conversations_{name}_{sha256[:_DIGITS]}.parquet"


def digest_in_name(path: Place) -> str | None:
    """The beginning of the SHA-256 that a landing file was written with; None for a foreign file."""
    found = _NAME.search(path.name)
    return found["digest"] if found else None


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, in hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def partition(raw_dir: Place, day: date) -> Place:
    """The folder of one UTC date."""
    return raw_dir / f"date={day.isoformat()}"


def day_of(path: Place) -> date | None:
    """The partition that a landing file is in; None where its folder is not named like one."""
    try:
        day = date.fromisoformat(path.parent.name.removeprefix("date="))
    except ValueError:
        return None
    return day if partition(path.parent.parent, day) == path.parent else None


def landed(raw_dir: Place) -> Iterator[Place]:
    """Every landing file, ordered by partition and name; files still being written are left out."""
    return iter(listed(raw_dir, "date=*/conversations_*.parquet"))


def by_size(files: Iterable[Place], most: int) -> Iterator[list[Place]]:
    """Split files, in order, into lists of at most ``most`` bytes; a larger file is a list of its own."""
    batch: list[Place] = []
    size = 0
    for path in files:
        size += size_of(path)
        if batch and size > most:
            yield batch
            batch, size = [], size_of(path)
        batch.append(path)
    if batch:
        yield batch
