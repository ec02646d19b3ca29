"""The measures of whole runs, the interpreter's start included."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from conftest import TRANSCRIPTS

from bench.measure import Measured, measure, served
from bench.rows import Row, folder
from bench.transforming import home
from clogs.commands.demo_server import mongo_server
from clogs.files import bundled

ROUNDS = 9
TRANSFORMS = 3
ROWS = 100_000

DRIVERS = "import duckdb, polars, pymongo"
"""What no run can do without."""

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

        first = run("-m", "clogs", "pipeline", "--json")
        yield handed_over(first, variables | home(Path(name) / "apart"))
        yield from nothing_new(
            [(run("-m", "clogs", "pipeline"), run("-c", DRIVERS)) for _ in range(ROUNDS)],
            f"{count:,} documents, best of {ROUNDS}",
        )
        yield garbage([(run("-m", "clogs", "transform"), run("-c", OFTEN)) for _ in range(TRANSFORMS)])
    yield without_server()


def handed_over(pipeline: Measured, variables: dict[str, str]) -> Row:
    """The load of a pipeline, which has the rows in memory, against one that reads them back."""
    measure(["-m", "clogs", "extract"], watch_memory=False, **variables)
    read = json.loads(measure(["-m", "clogs", "load", "--json"], watch_memory=False, **variables).output)
    handed = next(each for each in json.loads(pipeline.output)["steps"] if each["name"] == "load")["result"]
    figures = f"{handed['rows']:,} rows: {handed['seconds']:.2f} s / {read['seconds']:.2f} s"
    return Row("a load handed over / read from the landing", figures, handed["seconds"] / read["seconds"])


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
    yield Row("a pipeline with nothing new / importing the drivers", figures, pipeline / drivers)
    yield Row("a pipeline with nothing new, s", figures, pipeline, "≤ 1")


def garbage(ran: Sequence[tuple[Measured, Measured]]) -> Row:
    """What looking for garbage seldom spares a transform."""
    ours, often = (min(each.cpu for each in column) for column in zip(*ran, strict=True))
    figures = f"CPU of whole processes, best of {TRANSFORMS}: {ours:.2f} s / {often:.2f} s"
    return Row("a transform / one that looks for garbage as Python does", figures, ours / often)
