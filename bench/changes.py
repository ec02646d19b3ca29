"""What the change stream costs, against reading the same documents by the watermark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from mongo_server import serving
from pymongo import MongoClient

from bench.documents import entries
from bench.measure import served
from bench.rows import Row, folder
from bench.subjects import COLLECTION, DB, DEFAULTS, land
from clogs.extract import SourceMode

ROUNDS = 3
CHANGES = 10_000
RECONCILED = 200_000
MODES: tuple[SourceMode, ...] = ("auto", "watermark")


def changes(scale: float) -> Iterator[Row]:
    """Time of a run that finds changes, and of one that finds none."""
    count = int(CHANGES * scale)
    with folder() as place, serving(Path(place)) as server:
        rounds = [taken(server.uri, count) for _ in range(ROUNDS)]
    new, none = ({mode: min(each[mode][run] for each in rounds) for mode in rounds[0]} for run in (0, 1))
    for what, best, bound in ((f"{count:,} changes", new, "≤ 1.5"), ("nothing new", none, "≤ 1")):
        told = f"best of {ROUNDS}: " + ", ".join(f"{mode} {seconds:.2f} s" for mode, seconds in best.items())
        yield Row(f"{what}: the stream / the watermark", told, best["auto"] / best["watermark"], bound)
    yield reconciling(int(RECONCILED * scale))


def reconciling(count: int) -> Row:
    """Time of a nightly reconciliation that finds nothing, its share of the edits included."""
    with folder() as place, served(count) as (uri, _):
        backfill = land(uri, Path(place), ())
        seconds = land(uri, Path(place), (), reconcile_days=DEFAULTS.reconcile_days)
    told = f"{count:,} documents that agree: {seconds:.2f} s / {backfill:.2f} s"
    return Row("a reconciliation / the backfill", told, seconds / backfill, "≤ 0.2")


def taken(uri: str, count: int) -> dict[SourceMode, list[float]]:
    """Seconds of the run after new documents, and of the next one, in each of the modes."""
    with MongoClient[dict[str, Any]](uri) as client, ExitStack() as stack:
        collection = client[DB][COLLECTION]
        collection.drop()
        collection.create_index("ingestedAt")
        collection.insert_one({"type": "user", "ingestedAt": datetime.now(UTC)})
        folders: dict[SourceMode, Path] = {mode: Path(stack.enter_context(folder())) for mode in MODES}
        for mode, place in folders.items():
            land(uri, place, (), mode)
        made = iter(entries(count))
        while some := list(islice(made, 500)):
            collection.insert_many([{**each, "ingestedAt": datetime.now(UTC)} for each in some])
        return {mode: [land(uri, place, (), mode) for _ in range(2)] for mode, place in folders.items()}
