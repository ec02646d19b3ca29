"""The measures of transforming."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from bench.arrivals import Arrivals, arrivals
from bench.landings import add, extracted
from bench.measure import MB, Measured, measure
from bench.rows import Row, folder
from bench.transform_subjects import HELD, HOURLY, Grown
from clogs.transform import TransformResult

ROUNDS = 3
ROWS, LARGER_BY = 1_000_000, 5
NEWS, LEAST_NEWS = 10_000, 500
RUNS, FEW_RUNS, SCALE_OF_MANY = 200, 20, 0.2
MOST = "≤ 3000"
"""Megabytes that a transform may take."""
QUIET = {
    "MAX_FORK_WORKERS": "1",
    "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true",
    "LOGGING_LEVEL": "WARNING",
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Built:
    """What a run of ``clogs transform`` took.

    Attributes:
        seconds: The whole command.
        peak: Bytes of memory, if it was watched.
        models: The seconds of each model.
    """

    seconds: float
    peak: int
    models: Mapping[str, float]

    @property
    def total(self) -> float:
        """The seconds of all models."""
        return sum(self.models.values())


def transforming(scale: float) -> Iterator[Row]:
    """Time, memory and size."""
    count, size = int(ROWS * scale), max(LEAST_NEWS, int(NEWS * scale))
    with folder() as name:
        place = Path(name)
        found = arrivals(extracted(count + size * (ROUNDS + 1), place), count)
        news = [found.news(number, size, place / f"news_{number}") for number in range(ROUNDS + 1)]
        small = filled(found, place / "small", times=1)
        large = filled(found, place / "large", times=LARGER_BY)
        rows = f"{count * LARGER_BY:,} entries"
        plain = as_plain_sql(large, place)
        full = transform(large)
        yield rebuilt(full, plain, rows)
        transform(small)
        *timed, watched = news
        yield from increments(large, small, timed, full, f"{size:,} new among {rows}")
        yield from fixed(large, rows)
        yield from memory(large, watched, f"{rows}, the whole command")
        shutil.rmtree(large)
        shutil.rmtree(small)
        yield growth(found.landing, place, RUNS if scale >= SCALE_OF_MANY else FEW_RUNS)


def filled(found: Arrivals, place: Path, *, times: int) -> Path:
    """Make a folder for all data, with a warehouse of so many times the documents there are at first."""
    place.mkdir()
    subject("fill", place / "clogs.duckdb", found.landing, found.end, str(times), type_=type(None))
    return place


def as_plain_sql(base: Path, place: Path) -> dict[str, float]:
    """Build all models of a copy without the help of clogs."""
    with folder() as name:
        copy = Path(name) / "copy.duckdb"
        shutil.copyfile(base / "clogs.duckdb", copy)
        os.sync()
        return subject("plain", copy, place / "cache", type_=dict[str, float])


def rebuilt(full: Built, plain: Mapping[str, float], rows: str) -> Row:
    """A first transform against plain SQL."""
    sql = sum(plain.values())
    each = ", ".join(
        f"{name} {seconds:.1f} s / {plain[name]:.1f} s" for name, seconds in longest(full.models)
    )
    figures = f"{rows}: {full.total:.1f} s / {sql:.1f} s; {each}; the whole command {full.seconds:.1f} s"
    return Row("full rebuild, the models / the same as plain SQL", figures, full.total / sql, "≤ 1.5")


def increments(large: Path, small: Path, news: list[Path], full: Built, told: str) -> Iterator[Row]:
    """A run's time must follow what is new, and not what is there."""
    both = [(follow(large, each), follow(small, each)) for each in news]
    ours, theirs = (min(runs, key=lambda built: built.seconds) for runs in zip(*both, strict=True))
    each = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in longest(ours.models))
    yield Row(
        "incremental run, the models / full rebuild",
        f"{told}, best of {ROUNDS}: {ours.total:.2f} s / {full.total:.1f} s; {each}",
        ours.total / full.total,
        "≤ 0.25",
    )
    every = (", ".join(f"{built.seconds:.2f}" for built in runs) for runs in zip(*both, strict=True))
    yield Row(
        f"incremental run, the whole command / among {LARGER_BY} times fewer",
        f"{told}, best of {' s / '.join(every)} s; the models {ours.total:.2f} s / {theirs.total:.2f} s",
        ours.seconds / theirs.seconds,
        "≤ 2",
    )


def follow(base: Path, news: Path, *, watch_memory: bool = False) -> Built:
    """Load news, and let the models follow."""
    add(news, base / "landing")
    clogs(base, "load", "--json")
    os.sync()
    return transform(base, watch_memory=watch_memory)


def fixed(base: Path, rows: str) -> Iterator[Row]:
    """What a run takes that has nothing to do."""
    best = min((transform(base) for _ in range(ROUNDS)), key=lambda built: built.seconds)
    opened = base / "clogs.duckdb", base / "state" / "sqlmesh"
    split = [subject("parts", *opened, type_=dict[str, float]) for _ in range(ROUNDS)]
    parts = {name: min(each[name] for each in split) for name in split[0]} | {"models": best.total}
    parts["the rest"] = best.seconds - sum(parts.values())
    figures = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in parts.items())
    yield Row("transform without anything new, s", f"{rows}, best of {ROUNDS}: {figures}", best.seconds)
    skipping = ("pipeline", "--skip-extract", "--json")
    clogs(base, *skipping)  # now all that is there has passed
    seconds = min(clogs(base, *skipping).seconds for _ in range(ROUNDS))
    modules = subject("sqlmesh", *skipping, type_=int, **home(base))
    figures = f"{rows}, best of {ROUNDS}, without extract; {modules} modules of SQLMesh imported"
    yield Row("pipeline without anything new, s", figures, seconds)


def memory(base: Path, news: Path, told: str) -> Iterator[Row]:
    """Peaks of the whole command."""
    for kind, built in (
        ("an incremental run", follow(base, news, watch_memory=True)),
        ("a full rebuild", transform(base, "--full-refresh", watch_memory=True)),
    ):
        figures = f"{told}, {built.seconds:.1f} s while it is watched"
        yield Row(f"peak memory of {kind}, MB", figures, built.peak / MB, MOST)


def growth(landing: Path, place: Path, times: int) -> Row:
    """A file must not grow for ever."""
    grown = subject("grow", landing, place / "grown", str(times), type_=Grown)
    figures = (
        f"{grown.size:,} / {grown.anew:,} bytes; {times} loads of {HOURLY} after {HELD * times:,}, each with "
        f"a transform, {grown.seconds:.0f} s"
    )
    return Row("size after many runs / built at once", figures, grown.size / grown.anew, "≤ 3")


def longest(models: Mapping[str, float]) -> list[tuple[str, float]]:
    """The models that took the most time."""
    return sorted(models.items(), key=lambda item: -item[1])[:3]


def transform(base: Path, *options: str, watch_memory: bool = False) -> Built:
    """Run ``clogs transform``."""
    ran = clogs(base, "transform", "--json", *options, watch_memory=watch_memory)
    result = msgspec.json.decode(ran.output, type=TransformResult)
    return Built(ran.seconds, ran.peak, {model.name: model.seconds for model in result.models})


def clogs(base: Path, *arguments: str, watch_memory: bool = False, **variables: str) -> Measured:
    """Run ``clogs`` with all its data in a folder."""
    return measure(["-m", "clogs", *arguments], watch_memory=watch_memory, **(home(base) | variables))


def home(base: Path) -> dict[str, str]:
    """The environment of such a run."""
    settings = {"CLOGS_CONFIG": str(Path(__file__).parent / "clogs.toml")}
    return QUIET | settings | {"DATA_DIR": str(base), "XDG_CONFIG_HOME": str(base)}


def subject(name: str, *arguments: str | Path, type_: type[T], **variables: str) -> T:
    """Run one of `bench.transform_subjects`."""
    ran = measure(
        ["-m", "bench.transform_subjects", name, *arguments], watch_memory=False, **(QUIET | variables)
    )
    return msgspec.json.decode(ran.output, type=type_)
