"""The measures of extraction."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain

from bench.measure import MB, Measured, measure, served
from bench.rows import Row, folder

ROUNDS = 3
SMALL, LARGE = 200_000, 1_000_000
NEW = 1_000
HUGE_DOCUMENTS = 200


def extraction(scale: float) -> Iterator[Row]:
    """Speed and memory."""
    small, large = int(SMALL * scale), int(LARGE * scale)
    return chain(speed(small), memory(small, large))


def speed(count: int) -> Iterator[Row]:
    """Against iterating the same cursor, and against the classic way."""
    for whole, kind in ((False, "as MongoDB sends them"), (True, "sent whole")):
        with served(count, whole=whole) as (uri, _):
            subject("cursor", uri)  # now every reply is made
            subject("extract", uri)
            names = ("cursor", "extract", "classic")
            rounds = [{name: seconds(subject(name, uri)) for name in names} for _ in range(ROUNDS)]
        best = {name: min(each[name] for each in rounds) for name in names}
        told = f"{count:,} documents {kind}, best of {ROUNDS}: " + ", ".join(
            f"{name} {taken:.2f} s" for name, taken in best.items()
        )
        yield Row(f"time / iterating the cursor, {kind}", told, best["extract"] / best["cursor"], "≤ 1.5")
        yield Row(f"classic way / time, {kind}", told, best["classic"] / best["extract"], "≥ 3")


def memory(small: int, large: int) -> Iterator[Row]:
    """Peaks of whole backfills, and an incremental run after the largest."""
    with served(small) as (uri, _), folder() as place:
        low = command(uri, place).peak / MB
    with served(small, large=HUGE_DOCUMENTS) as (uri, _), folder() as place:
        huge = command(uri, place).peak / MB
    with served(large + NEW, hidden=NEW) as (uri, show), folder() as place:
        high = command(uri, place).peak / MB
        show.write("\n")
        show.flush()
        again = command(uri, place, watch_memory=False)
    told = f"{high:.0f} MB at {large:,} documents, {low:.0f} MB at {small:,}"
    yield Row("peak memory, large / small", told, high / low, "≤ 1.1")
    told = f"{huge:.0f} MB at {small:,} documents with {HUGE_DOCUMENTS} of 15 MB among them"
    yield Row("peak memory of a backfill, MB", told, max(huge, high), "≤ 500")
    told = f"the whole command; {NEW:,} new among {large:,}, read {json.loads(again.output)['documents']:,}"
    yield Row("incremental run, s", told, again.seconds, "≤ 2")


def command(uri: str, place: str, *, watch_memory: bool = True) -> Measured:
    """Run ``clogs extract`` with all its data in a folder."""
    variables = {"MONGO_URI": uri, "DATA_DIR": place, "XDG_CONFIG_HOME": place}
    return measure(["-m", "clogs", "extract", "--json"], watch_memory=watch_memory, **variables)


def subject(name: str, uri: str) -> Measured:
    """Run one of `bench.subjects` in an empty folder."""
    with folder() as place:
        return measure(["-m", "bench.subjects", name, uri, place])


def seconds(measured: Measured) -> float:
    """The time that a subject took by itself, without the start of Python."""
    return float(measured.output)
