"""What an extraction leaves for the next one: the watermark, and what is landed of the lookback window."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import polars as pl

from clogs.errors import ClogsError
from clogs.files import write_atomic
from clogs.terminal.text import first_line

WINDOW_SCHEMA = pl.Schema({"version": pl.UInt64(), "moment": pl.Int64()})
"""A row per version of a document: a hash of it, and its watermark field in milliseconds since 1970, UTC,
which is null where that field holds no Date, or several."""

PRUNE_EVERY_ROWS = 100_000

EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
"""No watermark is before it, whatever Dates the documents hold."""

RUNS_APART = timedelta(milliseconds=100)
"""Batches of a run are a microsecond apart, so one range of a run has room for 100,000."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

# Polars panics on some damaged Parquet files instead of raising an error.
_DAMAGED = (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError)

logger = logging.getLogger(__name__)


def no_documents() -> pl.DataFrame:
    """A window of `WINDOW_SCHEMA` without rows."""
    return pl.DataFrame(schema=WINDOW_SCHEMA)


@dataclass(frozen=True, slots=True)
class ExtractState:
    """Where extraction stands with one source.

    Attributes:
        path: The state's file.
        watermark: The largest value of the watermark field made durable, in UTC; None before the first run.
        extracted_at: When the newest run that landed anything began, in UTC.
        window: The documents of the lookback window that are landed or rejected, by `WINDOW_SCHEMA`.
    """

    path: Path
    watermark: datetime | None = None
    extracted_at: datetime | None = None
    window: pl.DataFrame = field(default_factory=no_documents)

    def start(self, lookback: timedelta) -> datetime | None:
        """Where the next run begins to read, in UTC; None for the collection's beginning."""
        return self.watermark and self.watermark - min(lookback, self.watermark - EARLIEST)

    def holds(self, documents: pl.DataFrame) -> pl.Series:
        """Return of each document, by `WINDOW_SCHEMA`, whether this very version of it is in the window."""
        return documents["version"].is_in(self.window["version"])

    def next_extracted_at(self, started: datetime) -> datetime:
        """When a run that began at ``started`` has read its first batch, for all that clogs compares.

        Later than all batches of earlier runs, also after the clock was set back: the newest version of a
        document is the one read last.
        """
        return max(started, self.extracted_at + RUNS_APART) if self.extracted_at else started

    def begun(self, started: datetime) -> ExtractState:
        """The state to be written before a run lands anything: if it is killed, the next one starts here.

        The window is empty, since it does not hold what this run lands: a document that changed, was landed,
        and changed back would pass for one that is landed already.
        """
        return ExtractState(self.path, self.watermark, self.next_extracted_at(started))

    def plus(
        self, documents: pl.DataFrame, *, started: datetime, lookback: timedelta, undated: bool
    ) -> ExtractState:
        """The state with documents, by `WINDOW_SCHEMA`, that are durable.

        Args:
            documents: What became durable.
            started: When the run began, in UTC. A writer whose clock is ahead must not hide what others write
                until then, so no later Date moves the watermark.
            lookback: How far behind the watermark the next run reads again.
            undated: As for `pruned`.
        """
        dates = pl.col("moment").filter(
            pl.col("moment").is_between(_milliseconds(EARLIEST), _milliseconds(started))
        )
        newest: int | None = documents.select(dates.max()).item()
        moments = [self.watermark, None if newest is None else _EPOCH + newest * _MILLISECOND]
        watermark = max((moment for moment in moments if moment), default=None)
        window = pl.concat([self.window, documents])
        state = replace(self, watermark=watermark, window=window)
        if window.height // PRUNE_EVERY_ROWS > self.window.height // PRUNE_EVERY_ROWS:
            return state.pruned(lookback, undated=undated)
        return state

    def pruned(self, lookback: timedelta, *, undated: bool) -> ExtractState:
        """The state with those documents only that the next run will read again.

        Args:
            lookback: How far behind the watermark it reads.
            undated: Keep documents without a single Date in the watermark field, too: those that a query by
                that field has found, and will find again.
        """
        window = self.window
        if self.watermark:
            bound = _milliseconds(self.watermark) - lookback // _MILLISECOND
            window = window.filter((pl.col("moment") >= bound).fill_null(undated))
        return replace(self, window=window.unique().rechunk())


def extract_state_path(state_dir: Path, *, source: str, watermark_field: str, landing: str) -> Path:
    """The state's file: one per source and landing, so that another of either starts from the beginning."""
    identity = f"{source}\0{watermark_field}\0{landing}"
    digest = hashlib.blake2b(identity.encode(), digest_size=6).hexdigest()
    return state_dir / f"extract-{digest}.parquet"


def read_extract_state(path: Path) -> ExtractState:
    """Read what `write_extract_state` wrote; without a file, the state before the first run.

    A damaged file counts as none, with a warning: reading everything again loses nothing.
    """
    if not path.exists():
        return ExtractState(path)
    try:
        metadata = pl.read_parquet_metadata(path)
        window = pl.read_parquet(path, glob=False)
        moments = (metadata.get(name) for name in ("watermark", "extracted_at"))
        watermark, extracted_at = (datetime.fromisoformat(text) if text else None for text in moments)
    except OSError as exc:
        raise ClogsError(f"Cannot read {path}: {exc}.", hint="Look for the cause with: clogs doctor") from exc
    except _DAMAGED as exc:
        logger.warning(
            "The extraction state %s is damaged (%s): everything is read again.", path, first_line(exc)
        )
        return ExtractState(path)
    if window.schema != WINDOW_SCHEMA:
        window = no_documents()
    return ExtractState(path, watermark, extracted_at, window)


def write_extract_state(state: ExtractState) -> None:
    """Make the state durable: the moment it is in place, the next run starts from it."""
    moments = {"watermark": state.watermark, "extracted_at": state.extracted_at}
    metadata = {name: moment.isoformat() if moment else "" for name, moment in moments.items()}
    content = BytesIO()  # Polars has no error of its own for a full disk
    state.window.write_parquet(content, metadata=metadata)
    write_atomic(state.path, lambda path: path.write_bytes(content.getvalue()))


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND
