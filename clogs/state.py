"""What an extraction leaves for the next one: the watermark, and what is landed of the lookback window."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import polars as pl

from clogs.errors import ClogsError
from clogs.files import write_atomic

DIGEST_BYTES = 16
PRUNE_ABOVE_ROWS = 100_000
_WINDOW_SCHEMA = pl.Schema({"digest": pl.Binary(), "moment": pl.Datetime("us", "UTC")})


def _empty_window() -> pl.DataFrame:
    return pl.DataFrame(schema=_WINDOW_SCHEMA)


@dataclass(frozen=True, slots=True)
class ExtractState:
    """Where extraction stands with one source.

    Attributes:
        watermark: The largest value of the watermark field made durable, in UTC; None before the first run.
        extracted_at: When the newest batch was read, in UTC.
        window: A row per document of the lookback window that is landed or rejected: a ``digest`` of its
            bytes, and its watermark field as ``moment``.
    """

    watermark: datetime | None = None
    extracted_at: datetime | None = None
    window: pl.DataFrame = field(default_factory=_empty_window)


class Advance:
    """How far one run has come: grows as its batches become durable, and ends as the next state.

    Args:
        state: Where the run began.
        lookback: How far behind the watermark the next run will read again.
        forget: Take documents for new although an earlier run landed them.
    """

    def __init__(self, state: ExtractState, *, lookback: timedelta, forget: bool) -> None:
        self._lookback = lookback
        self._started = datetime.now(UTC)
        self._extracted_at = state.extracted_at
        self._newest = state.watermark
        self._window = _empty_window() if forget else state.window
        self._known: set[bytes] = set(self._window["digest"])
        self._unseen = set(self._known)

    def is_known(self, digest: bytes) -> bool:
        """Tell whether this very version of a document, which was just read, is durable already."""
        self._unseen.discard(digest)
        return digest in self._known

    def tick(self) -> datetime:
        """The time of reading of a batch, in UTC: later than every one before it, whatever the clock says."""
        now = datetime.now(UTC)
        if self._extracted_at:
            now = max(now, self._extracted_at + timedelta(microseconds=1))
        self._extracted_at = now
        return now

    def durable(self, digests: Sequence[bytes], moments: Sequence[object]) -> None:
        """Note that documents are durable.

        Args:
            digests: One per document, `digest_of` its bytes.
            moments: The watermark field of each; what is no Date cannot move the watermark.
        """
        dated = [pair for pair in zip(digests, moments, strict=True) if isinstance(pair[1], datetime)]
        rows = pl.DataFrame(dated, schema=_WINDOW_SCHEMA, orient="row")
        # A writer whose clock is ahead must not hide what others write until then.
        newest = rows.select(pl.col("moment").filter(pl.col("moment") <= self._started).max()).item()
        self._newest = max((moment for moment in (self._newest, newest) if moment), default=None)
        self._window = pl.concat([self._window, rows])
        self._known.update(digest for digest, _ in dated)
        if self._window.height > PRUNE_ABOVE_ROWS:
            self._prune()

    def state(self) -> ExtractState:
        """The state for the next run; the whole lookback window was read."""
        # A version that gave way to another one is new again when it comes back.
        self._window = self._window.filter(~pl.col("digest").is_in(self._unseen))
        self._prune()
        newest = self._newest.astimezone(UTC) if self._newest else None
        return ExtractState(newest, self._extracted_at, self._window)

    def _prune(self) -> None:
        window = self._window.unique("digest")
        if self._newest is not None:
            window = window.filter(pl.col("moment") >= self._newest - self._lookback)
        self._window = window.rechunk()
        self._known = set(window["digest"])


def digest_of(document: bytes) -> bytes:
    """A digest of one document's BSON."""
    return hashlib.blake2b(document, digest_size=DIGEST_BYTES).digest()


def extract_state_path(state_dir: Path, *, source: str, watermark_field: str, landing: str) -> Path:
    """The state's file: one per source and landing, so that another of either starts from the beginning."""
    identity = f"{source}\0{watermark_field}\0{landing}"
    digest = hashlib.blake2b(identity.encode(), digest_size=6).hexdigest()
    return state_dir / f"extract-{digest}.parquet"


def mark_landing(path: Path) -> None:
    """Note, before a run lands anything, that the state at ``path`` will not tell what was landed since.

    Until `write_extract_state` takes the note away, the window is not believed: a document that changed,
    was landed by a run that was killed, and changed back would pass for one that is landed already.

    Raises:
        ClogsError: The disk is full or the folder cannot be written to.
    """
    if not _marker(path).exists():
        write_atomic(_marker(path), Path.touch)


def read_extract_state(path: Path) -> ExtractState:
    """Read what `write_extract_state` wrote; where there is nothing yet, the state before the first run.

    Raises:
        ClogsError: The file is damaged.
    """
    if not path.exists():
        return ExtractState()
    try:
        metadata = pl.read_parquet_metadata(path)
        window = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as exc:
        raise ClogsError(
            f"The extraction state {path} is damaged.",
            hint="Remove it; the next extract reads the collection from its beginning and loses nothing.",
        ) from exc
    moments = {name: metadata.get(name) for name in ("watermark", "extracted_at")}
    parsed = {name: datetime.fromisoformat(text) if text else None for name, text in moments.items()}
    if _marker(path).exists():
        window = _empty_window()
    return ExtractState(parsed["watermark"], parsed["extracted_at"], window)


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
    write_atomic(path, lambda aside: aside.write_bytes(content.getvalue()))
    _marker(path).unlink(missing_ok=True)


def _marker(path: Path) -> Path:
    return path.with_suffix(".landing")
