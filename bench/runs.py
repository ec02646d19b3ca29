"""The measures of whole runs, the interpreter's start included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.measure import Measured, measure, served
from bench.rows import Row, folder
from bench.transforming import home

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

        run("-m", "clogs", "pipeline")
        yield from nothing_new(
            [(run("-m", "clogs", "pipeline"), run("-c", DRIVERS)) for _ in range(ROUNDS)],
            f"{count:,} documents, best of {ROUNDS}",
        )
        yield garbage([(run("-m", "clogs", "transform"), run("-c", OFTEN)) for _ in range(TRANSFORMS)])


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
