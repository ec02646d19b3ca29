"""Documents in the order they arrive: those that a warehouse holds at first, and the news after them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import polars as pl

from clogs.landing.files import land

EDITED = 0.02
"""The share of the news that are later versions of documents anywhere; all others are new."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Landed documents.

    Attributes:
        landing: The landing folder, of which a warehouse loads a part at a time.
        ids: The documents' ids, which ascend in the order of arrival.
        count: How many of them are there at first.
    """

    landing: Path
    ids: pl.Series
    count: int

    @property
    def end(self) -> str:
        """The id of the first document that is news."""
        return str(self.ids[self.count])

    def news(self, number: int, size: int, place: Path, *, edited_from: int = 0) -> Path:
        """Land the next news.

        They come after all others. Half of their sessions are those that were there last, which go on; the
        others are new.

        Args:
            number: Which news, from 0.
            size: How many documents.
            place: The landing folder to make.
            edited_from: The place of the first document that an edit may be of.
        """
        edited = round(size * EDITED)
        first = self.count + number * (size - edited)
        last = first + size - edited - 1
        fresh = rows_of(self.landing).filter(
            pl.col("_id").is_between(pl.lit(self.ids[first]), pl.lit(self.ids[last]))
        )
        chosen = Random(number).sample(range(edited_from, self.count), edited)  # noqa: S311  # the same ones each time
        old = rows_of(self.landing).filter(pl.col("_id").is_in(self.ids.gather(chosen).implode()))
        land(self._regrouped(fresh.collect(), number), place, name=f"news_{number}")
        changes = {
            "message_content": pl.col("message_content") + " Changed.",
            "extracted_at": pl.lit(datetime.now(UTC)).cast(old.collect_schema()["extracted_at"]),
        }
        land(old.with_columns(**changes).collect(), place, name=f"edits_{number}")
        return place

    def _regrouped(self, fresh: pl.DataFrame, number: int) -> pl.DataFrame:
        """Give half of the sessions the ids of the last known ones, and the others new ones."""
        met = fresh["session_id"].drop_nulls().unique(maintain_order=True)
        known = rows_of(self.landing).filter(pl.col("_id") < self.end, pl.col("session_id").is_not_null())
        last = known.group_by("session_id").agg(pl.col("_id").max()).sort("_id").tail(len(met)).collect()
        going_on, new = met.gather_every(2), met.gather_every(2, 1)
        ids = dict(zip(going_on, reversed(last["session_id"]), strict=False))
        ids |= {session: f"{number}-{session}" for session in new}
        return fresh.with_columns(pl.col("session_id").replace(ids))


def arrivals(landing: Path, count: int) -> Arrivals:
    """Tell the documents of a landing folder that are there at first from those that are news."""
    return Arrivals(landing, rows_of(landing).select("_id").collect()["_id"].sort(), count)


def hours(landing: Path, count: int, each: int, times: int) -> Iterator[pl.DataFrame]:
    """The rows of the documents that arrive first, then of those of each of so many hours."""
    end = arrivals(landing, count + each * times).end
    found = rows_of(landing).filter(pl.col("_id") < end).collect().sort("_id")
    yield found.head(count)
    yield from found.slice(count).iter_slices(each)


def rows_of(landing: Path) -> pl.LazyFrame:
    """All rows of a landing folder."""
    return pl.scan_parquet(landing / "date=*" / "*.parquet", hive_partitioning=True)
