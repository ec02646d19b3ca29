"""The measures of extraction."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
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
            rounds = [{name: taken(subject(name, uri)) for name in names} for _ in range(ROUNDS)]
        yield from against(rounds, 0, f"time, {kind}", count, cursor="≤ 1.4", classic="≤ 1")
        yield from against(rounds, 1, f"CPU, {kind}", count, cursor="≤ 2.6", classic="≤ 0.8")


def against(
    rounds: Sequence[Mapping[str, Sequence[float]]],
    column: int,
    what: str,
    count: int,
    *,
    cursor: str,
    classic: str,
) -> Iterator[Row]:
    """Of an extraction, against the bare cursor and the classic way."""
    best = {name: min(each[name][column] for each in rounds) for name in rounds[0]}
    told = f"{count:,} documents, best of {ROUNDS}: " + ", ".join(
        f"{name} {seconds:.2f} s" for name, seconds in best.items()
    )
    yield Row(f"{what} / iterating the cursor", told, best["extract"] / best["cursor"], cursor)
    yield Row(f"{what} / the classic way", told, best["extract"] / best["classic"], classic)


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


def taken(measured: Measured) -> list[float]:
    """The time that a subject took by itself, without the start of Python, and its CPU."""
    return [float(each) for each in measured.output.split()]
