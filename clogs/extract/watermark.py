"""What an extraction leaves for the next one: the watermark, and what is landed of the lookback window."""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import polars as pl

from clogs.errors import ClogsError
from clogs.files import write_atomic

PRUNE_ABOVE_ROWS = 100_000

WINDOW_SCHEMA = pl.Schema({"version": pl.UInt64(), "check": pl.UInt64(), "moment": pl.Int64()})
"""A row per version of a document: two hashes of it, and its watermark field in milliseconds since 1970, UTC,
which is null where that field holds no Date, or several."""

EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
"""No watermark is before it, whatever Dates there are."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MILLISECOND = timedelta(milliseconds=1)

_DAMAGED = (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError)
"""What reading damaged Parquet ends with."""

logger = logging.getLogger(__name__)


def no_documents() -> pl.DataFrame:
    """A window of `WINDOW_SCHEMA` without rows."""
    return pl.DataFrame(schema=WINDOW_SCHEMA)


@dataclass(frozen=True, slots=True)
class ExtractState:
    """Where extraction stands with one source.

    Attributes:
        watermark: The largest value of the watermark field made durable, in UTC; None before the first run.
        extracted_at: When the newest batch was read, in UTC.
        window: The documents of the lookback window that are landed or rejected, by `WINDOW_SCHEMA`.
    """

    watermark: datetime | None = None
    extracted_at: datetime | None = None
    window: pl.DataFrame = field(default_factory=no_documents)

    def start(self, lookback: timedelta) -> datetime | None:
        """Where the next run begins to read, in UTC; None for the collection's beginning."""
        return self.watermark and self.watermark - min(lookback, self.watermark - EARLIEST)


class Seen:
    """The documents that were read and are durable, as far as the next run may read them again.

    Args:
        started: When the run began, in UTC. A writer whose clock is ahead must not hide what others write
            until then, so no later Date moves the watermark.
        lookback: How far behind the watermark the next run will read again.
        undated: Remember documents without a single Date, too: those that a query by the watermark
            field has found, and will find again.
    """

    def __init__(self, *, started: datetime, lookback: timedelta, undated: bool) -> None:
        self._started = _milliseconds(started)
        self._lookback = lookback // _MILLISECOND
        self._undated = undated
        self._newest: int | None = None
        self._documents = no_documents()
        self._prune_above = PRUNE_ABOVE_ROWS

    def add(self, documents: pl.DataFrame) -> None:
        """Note that these documents, by `WINDOW_SCHEMA`, are durable."""
        dated = pl.col("moment").filter(pl.col("moment").is_between(_milliseconds(EARLIEST), self._started))
        newest: int | None = documents.select(dated.max()).item()
        self._newest = max((each for each in (self._newest, newest) if each is not None), default=None)
        self._documents = pl.concat([self._documents, documents])
        if self._documents.height > self._prune_above:
            self._documents = self.documents(self._newest)
            self._prune_above = max(PRUNE_ABOVE_ROWS, 2 * self._documents.height)

    def documents(self, newest: int | None = None) -> pl.DataFrame:
        """What the next run will read again if the watermark is ``newest``, or what is known of it here."""
        newest = self._newest if newest is None else newest
        bound = pl.lit(True) if newest is None else pl.col("moment") >= newest - self._lookback  # noqa: FBT003
        return self._documents.filter(bound.fill_null(self._undated)).unique().rechunk()

    def state(self, before: ExtractState, extracted_at: datetime | None) -> ExtractState:
        """The state for the next run, when this one has read the whole lookback window.

        A version that gave way to another one is not in it, and so is new again when it comes back.
        """
        earlier = _milliseconds(before.watermark) if before.watermark else None
        newest = max((each for each in (earlier, self._newest) if each is not None), default=None)
        watermark = None if newest is None else _EPOCH + newest * _MILLISECOND
        return ExtractState(watermark, extracted_at, self.documents(newest))


def known(documents: pl.DataFrame, window: pl.DataFrame) -> pl.Series:
    """Tell of each document, both by `WINDOW_SCHEMA`, whether this very version of it is in a window."""
    if window.is_empty():
        return pl.repeat(value=False, n=documents.height, eager=True)
    versions = window.select("version", "check", known=True).unique()
    joined = documents.join(versions, on=["version", "check"], how="left", maintain_order="left")
    return joined["known"].fill_null(value=False)


def versions_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Two hashes of every row, of which one alone would let two rows in some 10^19 pass for the same.

    They hold for one version of Polars; after another one is installed, the window is landed once more.
    """
    return pl.DataFrame([rows.hash_rows(seed=1).alias("version"), rows.hash_rows(seed=2).alias("check")])


def version_of(text: str) -> tuple[int, int]:
    """The same for something that is no row."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return int.from_bytes(digest[:8]), int.from_bytes(digest[8:])


def extract_state_path(state_dir: Path, *, source: str, watermark_field: str, landing: str) -> Path:
    """The state's file: one per source and landing, so that another of either starts from the beginning."""
    identity = f"{source}\0{watermark_field}\0{landing}"
    digest = hashlib.blake2b(identity.encode(), digest_size=6).hexdigest()
    return state_dir / f"extract-{digest}.parquet"


def mark_landing(path: Path, extracted_at: datetime) -> None:
    """Note, before a run lands anything, that the state at ``path`` will not tell what was landed since.

    Until `write_extract_state` takes the note away, the window is not believed: a document that changed,
    was landed by a run that was killed, and changed back would pass for one that is landed already. The
    note's time keeps later batches later than this one, also after the clock was set back.

    Args:
        path: The state's file.
        extracted_at: When the batch to be landed was read, in UTC.

    Raises:
        ClogsError: The disk is full or the folder cannot be written to.
    """
    marker = _marker(path)
    if not marker.exists():
        write_atomic(marker, Path.touch)
    stamp = (extracted_at - _EPOCH) // _MICROSECOND * 1000
    if stamp > marker.stat().st_mtime_ns:
        os.utime(marker, ns=(stamp, stamp))


def read_extract_state(path: Path) -> ExtractState:
    """Read what `write_extract_state` wrote; where there is nothing yet, the state before the first run.

    So it is where the file is damaged, which is told: reading everything again loses nothing.

    Raises:
        ClogsError: The file may not be read, or the disk fails.
    """
    marked = _marked_at(path)
    if not path.exists():
        return ExtractState(extracted_at=marked)
    try:
        metadata = pl.read_parquet_metadata(path)
        window = pl.read_parquet(path, glob=False)
        moments = {name: metadata.get(name) for name in ("watermark", "extracted_at")}
        parsed = {name: datetime.fromisoformat(text) if text else None for name, text in moments.items()}
    except OSError as exc:
        raise ClogsError(f"Cannot read {path}: {exc}.", hint="Look for the cause with: clogs doctor") from exc
    except _DAMAGED as exc:
        said = str(exc).partition("\n")[0]
        logger.warning("The extraction state %s is damaged (%s): all is read again.", path, said)
        return ExtractState(extracted_at=marked)
    if marked or window.schema != WINDOW_SCHEMA:
        window = no_documents()
    extracted_at = max((each for each in (parsed["extracted_at"], marked) if each), default=None)
    return ExtractState(parsed["watermark"], extracted_at, window)


def write_extract_state(path: Path, state: ExtractState, *, source: str) -> None:
    """Make the state durable: the moment it is in place, the next run starts from it.

    Raises:
        ClogsError: The disk is full or the folder cannot be written to.
    """
    moments = {"watermark": state.watermark, "extracted_at": state.extracted_at}
    metadata = {name: moment.isoformat() if moment else "" for name, moment in moments.items()}
    metadata["source"] = source
    content = BytesIO()  # Polars tells of a full disk in no way of its own
    state.window.write_parquet(content, metadata=metadata)
    write_atomic(path, lambda path: path.write_bytes(content.getvalue()))
    _marker(path).unlink(missing_ok=True)


def _marker(path: Path) -> Path:
    return path.with_suffix(".landing")


def _marked_at(path: Path) -> datetime | None:
    """The time of the note that `mark_landing` left, if there is one."""
    try:
        return _EPOCH + _marker(path).stat().st_mtime_ns // 1000 * _MICROSECOND
    except (FileNotFoundError, NotADirectoryError):
        return None


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND
