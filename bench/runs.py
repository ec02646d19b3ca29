"""The measures of whole runs, the interpreter's start included."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from conftest import TRANSCRIPTS

from bench.arrivals import arrivals
from bench.landings import add, extracted
from bench.measure import Measured, measure, served
from bench.rows import Row, folder
from bench.transforming import clogs, filled, home, subject
from clogs.commands.demo_server import mongo_server
from clogs.files import bundled

ROUNDS = 9
TRANSFORMS = 3
ROWS, LARGER_BY = 100_000, 10
NEWS, MANY_NEWS = 1_000, 10_000
HOURS = 3

DRIVERS = "import duckdb, polars, pymongo"
"""What no run can do without."""

LIBRARIES = f"{DRIVERS}, pandera.polars"
"""What a run needs that finds something."""

OFTEN = """
import gc, sys
from clogs.cli import main
gc.set_threshold = lambda *_: None
sys.argv[1:] = ["transform"]
main()
"""
"""A transform during which Python looks for garbage as often as it does by itself."""


def runs(scale: float) -> Iterator[Row]:
    """What is paid every hour, whether something has come or not."""
    count = int(ROWS * scale)
    with folder() as name, served(count) as (uri, _):
        variables = home(Path(name)) | {"MONGO_URI": uri}

        def run(*arguments: str) -> Measured:
            return measure(arguments, watch_memory=False, **variables)

        run("-m", "clogs", "pipeline")
        yield from nothing_new(
            [(run("-m", "clogs", "pipeline"), run("-c", DRIVERS)) for _ in range(ROUNDS)],
            f"{count:,} documents, best of {ROUNDS}",
        )
        yield garbage([(run("-m", "clogs", "transform"), run("-c", OFTEN)) for _ in range(TRANSFORMS)])
    yield from hourly(count)
    yield many_news(count * LARGER_BY)
    yield without_server()


def hourly(count: int) -> Iterator[Row]:
    """What an hour's documents cost, among as many as there are, and among more."""
    small, large = (after_news(each) for each in (count, count * LARGER_BY))
    libraries = min(measure(["-c", LIBRARIES]).seconds for _ in range(ROUNDS))
    told = f"{NEWS:,} new among {count:,}, best of {HOURS}"
    figures = f"{told}: {small.seconds:.2f} s / {libraries:.2f} s; {small.steps}"
    yield Row("a pipeline / importing the libraries", figures, small.seconds / libraries, "≤ 4")
    figures = f"{told}: {small.transform:.2f} s / {small.plain:.2f} s"
    measured = "the transform of it / its SELECTs on the touched rows in plain SQL"
    yield Row(measured, figures, small.transform / small.plain, "≤ 2")
    figures = f"{NEWS:,} new: {large.seconds:.2f} s / {small.seconds:.2f} s; {large.steps}"
    yield Row(f"a pipeline among {LARGER_BY} times as many", figures, large.seconds / small.seconds, "≤ 1.5")


@dataclass(frozen=True, slots=True)
class Hour:
    """A pipeline that finds new documents, the best of some.

    Attributes:
        seconds: The whole command.
        steps: Those of its steps, as text.
        transform: Those of its transform.
        plain: Those of the same SELECTs on the touched rows, the best of some.
    """

    seconds: float
    steps: str
    transform: float
    plain: float


def after_news(count: int) -> Hour:
    """Measure a pipeline after new documents."""
    with folder() as name, served(count + NEWS, hidden=NEWS) as (uri, shown):
        place, kept, done, loaded = (Path(name) / each for each in ("home", "kept", "done", "loaded"))
        for _ in range(2):  # the second has nothing new, and leaves what a quiet hour does
            clogs(place, "pipeline", MONGO_URI=uri)
        place.rename(kept)
        shown.write("\n")
        shown.flush()
        ran, plain = [], []
        for _ in range(HOURS):
            shutil.copytree(kept, place)
            os.sync()
            ran.append(clogs(place, "pipeline", "--json", MONGO_URI=uri))
            place.rename(done)
            shutil.copytree(kept, place)
            clogs(place, "pipeline", "--skip-transform", "--skip-validate", MONGO_URI=uri)
            place.rename(loaded)
            os.sync()
            plain.append(subject("touched", loaded / "clogs.duckdb", done, type_=float))
            shutil.rmtree(done)
            shutil.rmtree(loaded)
    best = min(ran, key=lambda each: each.seconds)
    transform = min(seconds_of(each)["transform"] for each in ran)
    return Hour(best.seconds, steps_of(best), transform, min(plain))


def many_news(count: int) -> Row:
    """All but the extraction after many changes, some of them anywhere."""
    with folder() as name:
        place = Path(name)
        found = arrivals(extracted(count + MANY_NEWS, place), count)
        news = found.news(0, MANY_NEWS, place / "news")
        base = filled(found, place / "base", times=1)
        clogs(base, "pipeline", "--skip-extract")
        add(news, base / "landing")
        os.sync()
        ran = clogs(base, "pipeline", "--skip-extract", "--json")
    figures = f"{MANY_NEWS:,} new among {count:,}: {steps_of(ran)}"
    return Row("a pipeline without extract, s", figures, ran.seconds, "≤ 8")


def seconds_of(ran: Measured) -> dict[str, float]:
    """The seconds of a pipeline's steps."""
    return {each["name"]: each["seconds"] for each in json.loads(ran.output)["steps"]}


def steps_of(ran: Measured) -> str:
    """The seconds of a pipeline's steps, as text."""
    return ", ".join(f"{name} {seconds:.2f} s" for name, seconds in seconds_of(ran).items())


def without_server() -> Row:
    """A first pipeline from transcripts, against an import of them and a pipeline through a server."""
    source = str(TRANSCRIPTS if TRANSCRIPTS.is_dir() else bundled("samples"))
    with folder() as name, mongo_server() as uri:
        through, alone = home(Path(name) / "through") | {"MONGO_URI": uri}, home(Path(name) / "alone")
        imported = measure(["-m", "clogs", "import", source], watch_memory=False, **through).seconds
        piped = measure(["-m", "clogs", "pipeline"], watch_memory=False, **through).seconds
        read = measure(["-m", "clogs", "pipeline", "--from", source], watch_memory=False, **alone).seconds
    figures = f"{read:.1f} s / {imported:.1f} s + {piped:.1f} s"
    return Row("pipeline --from / import and pipeline", figures, read / (imported + piped), "≤ 0.6")


def nothing_new(ran: Sequence[tuple[Measured, Measured]], told: str) -> Iterator[Row]:
    """A pipeline that finds nothing, against the start of an interpreter with the drivers."""
    pipeline, drivers = (min(each.seconds for each in column) for column in zip(*ran, strict=True))
    figures = f"{told}: {pipeline:.2f} s / {drivers:.2f} s"
    yield Row("a pipeline with nothing new / importing the drivers", figures, pipeline / drivers, "≤ 2.2")
    yield Row("a pipeline with nothing new, s", figures, pipeline, "≤ 1")


def garbage(ran: Sequence[tuple[Measured, Measured]]) -> Row:
    """What looking for garbage seldom spares a transform."""
    ours, often = (min(each.cpu for each in column) for column in zip(*ran, strict=True))
    figures = f"CPU of whole processes, best of {TRANSFORMS}: {ours:.2f} s / {often:.2f} s"
    return Row("a transform / one that looks for garbage as Python does", figures, ours / often)
