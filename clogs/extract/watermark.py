"""What an extraction leaves for the next one: watermark, resume token, and what is landed of the lookback."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO

import msgspec
import polars as pl

from clogs.files import reading
from clogs.landing.place import Place, read
from clogs.landing.place import replace as put_state
from clogs.mongo import Identity
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


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """All documents, as the last reconciliation left them: landed, else rejected, else pruned.

    Attributes:
        at: When it began, in UTC.
        source: Documents of the collection.
        landed: Documents in the landing.
        rejected: Documents in the dead letters.
        pruned: Documents that `clogs prune` removed.
        deleted: Those of the three that the collection no longer holds.
    """

    at: datetime
    source: int
    landed: int
    rejected: int
    pruned: int
    deleted: int

    @property
    def missing(self) -> int:
        """Documents of the collection in none of the three; negative where some arrived meanwhile."""
        return self.source + self.deleted - self.landed - self.rejected - self.pruned


@dataclass(frozen=True, slots=True)
class ExtractState:
    """Where extraction stands with one source.

    Attributes:
        path: The state's file.
        watermark: The largest value of the watermark field made durable, in UTC; None before the first run.
        reached_at: When the run began that first reached this watermark, in UTC.
        is_settled: A run has read the lookback window that began a lookback later than that, or more: what
            becomes visible late has been found.
        extracted_at: When the newest run that landed anything began, in UTC.
        token: Where the change stream goes on, as `clogs.mongo.Changes.token`; None without one.
        source: The collection that was read; None before the first run.
        compared: What the last reconciliation found; None before the first.
        window: The documents of the lookback window that are landed or rejected, by `WINDOW_SCHEMA`.
    """

    path: Place
    watermark: datetime | None = None
    reached_at: datetime | None = None
    is_settled: bool = False
    extracted_at: datetime | None = None
    token: str | None = None
    source: Identity | None = None
    compared: Comparison | None = None
    window: pl.DataFrame = field(default_factory=no_documents)

    def start(self, lookback: timedelta) -> datetime | None:
        """Where the lookback window begins, in UTC; None for the collection's beginning."""
        return self.watermark and self.watermark - min(lookback, self.watermark - EARLIEST)

    @property
    def ties(self) -> int:
        """How many documents of the window are at the watermark or later."""
        newest = pl.col("moment") >= _milliseconds(self.watermark or EARLIEST)
        return self.window.filter(newest).height

    def holds(self, documents: pl.DataFrame) -> pl.Series:
        """Return of each document, by `WINDOW_SCHEMA`, whether this very version of it is in the window."""
        return documents["version"].is_in(self.window["version"].implode())

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
        return replace(self, extracted_at=self.next_extracted_at(started), window=no_documents())

    def plus(
        self, documents: pl.DataFrame, *, until: datetime | None, lookback: timedelta, undated: bool
    ) -> ExtractState:
        """The state with documents, by `WINDOW_SCHEMA`, that are durable.

        Args:
            documents: What became durable.
            until: When the run began, in UTC. A writer whose clock is ahead must not hide what others write
                until then, so no later Date moves the watermark. None leaves it where it is.
            lookback: How far behind the watermark the next run reads again.
            undated: As for `pruned`.
        """
        window = pl.concat([self.window, documents.select(WINDOW_SCHEMA.names())])
        state = replace(self, window=window)
        newest = until and _newest(documents, until)
        if newest and (self.watermark is None or newest > self.watermark):
            state = replace(state, watermark=newest, reached_at=until, is_settled=False)
        if window.height // PRUNE_EVERY_ROWS > self.window.height // PRUNE_EVERY_ROWS:
            return state.pruned(lookback, undated=undated)
        return state

    def settled(self, started: datetime, lookback: timedelta) -> ExtractState:
        """The state after a run that read the whole window, and began at ``started``, in UTC."""
        is_settled = self.reached_at is not None and started - self.reached_at >= lookback
        return replace(self, is_settled=self.is_settled or is_settled)

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


def _newest(documents: pl.DataFrame, until: datetime) -> datetime | None:
    """The largest moment that is not after ``until``."""
    moments = documents["moment"]
    newest = moments.filter(moments.is_between(_milliseconds(EARLIEST), _milliseconds(until))).max()
    return _EPOCH + newest * _MILLISECOND if isinstance(newest, int) else None


def extract_state_path(state_dir: Place, *, source: str, watermark_field: str, landing: str) -> Place:
    """The state's file: one per source, by its name, and landing.

    Another of either starts from the beginning; so does another collection of the same name, see
    `clogs.extract.same_source`.
    """
    identity = f"{source}\0{watermark_field}\0{landing}"
    digest = hashlib.blake2b(identity.encode(), digest_size=6).hexdigest()
    return state_dir / f"extract-{digest}.parquet"


def read_extract_state(path: Place) -> ExtractState:
    """Read what `write_extract_state` wrote; without a file, the state before the first run.

    A damaged file counts as none, with a warning: reading everything again loses nothing.
    """
    with reading(str(path)):
        content = read(path)
    if content is None:
        return ExtractState(path)
    try:
        metadata = pl.read_parquet_metadata(BytesIO(content))
        window = pl.read_parquet(BytesIO(content))
        texts = {name: metadata.get(name) for name in ("watermark", "reached_at", "extracted_at")}
        moments = {name: datetime.fromisoformat(text) if text else None for name, text in texts.items()}
    except _DAMAGED as exc:
        logger.warning(
            "The extraction state %s is damaged (%s): everything is read again.", path, first_line(exc)
        )
        return ExtractState(path)
    if window.schema != WINDOW_SCHEMA:
        window = no_documents()
    return ExtractState(
        path,
        **moments,
        is_settled=metadata.get("is_settled") == "true",
        token=metadata.get("token") or None,
        source=msgspec.json.decode(metadata.get("source", "null"), type=Identity | None),
        compared=msgspec.json.decode(metadata.get("compared", "null"), type=Comparison | None),
        window=window,
    )


def write_extract_state(state: ExtractState) -> None:
    """Make the state durable: the moment it is in place, the next run starts from it.

    Raises:
        LockedError: It is an object, and another machine has written it since this process read it.
    """
    moments = {name: getattr(state, name) for name in ("watermark", "reached_at", "extracted_at")}
    metadata = {name: moment.isoformat() if moment else "" for name, moment in moments.items()}
    metadata |= {
        "is_settled": str(state.is_settled).lower(),
        "token": state.token or "",
        "source": msgspec.json.encode(state.source).decode(),
        "compared": msgspec.json.encode(state.compared).decode(),
    }
    content = BytesIO()  # Polars has no error of its own for a full disk
    state.window.write_parquet(content, metadata=metadata)
    put_state(state.path, content.getvalue())


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND
