"""The measures of loading."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from bench.landings import add, changes, extracted, hollow, multiplied, part
from bench.load_subjects import Took
from bench.measure import MB, Measured, measure
from bench.rows import Row, folder
from clogs.load import LoadResult

ROUNDS = 3
ROWS, CHANGES = 1_000_000, 10_000
LARGER_BY, SMALLER_BY = 5, 10
LITTLE = "500MB"

FORMS = {
    "clogs": "load",
    "MERGE without a key": "merge",
    "primary key, ON CONFLICT DO UPDATE": "conflict",
    "primary key, MERGE": "merge",
}
"""Ways to insert or replace rows, and their subjects."""

Subject = Callable[[], Took]


@dataclass(frozen=True, slots=True)
class Base:
    """A warehouse, and what is to be loaded into it.

    Attributes:
        path: The warehouse.
        rows: How many it has at first.
        changes: Landing folders with new files only, one for each round and another one.
        landing: The files that the warehouse knows, to which the new ones are added.
    """

    path: Path
    rows: int
    changes: Sequence[Path]
    landing: Path


def loading(scale: float) -> Iterator[Row]:
    """Time, size and memory, all of the same documents."""
    with folder() as name:
        place = Path(name)
        landing = extracted(int(ROWS * scale), place)
        yield from whole(landing, place)
        count = int(CHANGES * scale)
        few = part(landing, 1 / SMALLER_BY, place / "part")
        large = base(landing, count, place / "large", batches=1)
        small = base(few, count, place / "small", batches=SMALLER_BY)
        yield from increments(large, small, count)
        yield from forms(large, landing, count)
        shutil.rmtree(large.path.parent)
        shutil.rmtree(small.path.parent)
        yield from memory(landing, place)


def whole(landing: Path, place: Path) -> Iterator[Row]:
    """All rows into an empty warehouse, against as little as DuckDB can do with them."""
    path = place / "whole.duckdb"
    names = ("load", "plain", "alike")
    best = fastest({name: partial(anew, name, path, landing) for name in names})
    path.unlink()
    ours, plain, alike = (best[name] for name in names)
    rows = told(ours).total
    figures = f"{rows:,} rows of {told(ours).files:,} files, best of {ROUNDS}: {ours.seconds:.1f} s / "
    yield Row(
        "full load / INSERT … SELECT into a plain table",
        f"{figures}{plain.seconds:.1f} s",
        ours.seconds / plain.seconds,
        "≤ 1.5",
    )
    yield Row(
        "full load / the same INSERT, stored as ours is",
        f"{figures}{alike.seconds:.1f} s",
        ours.seconds / alike.seconds,
    )
    each = f"{ours.size / rows:.0f} / {plain.size / rows:.0f} bytes a row"
    figures = f"{each}, stored as ours {alike.size / rows:.0f}, in the Parquet {size(landing) / rows:.0f}"
    yield Row("size of the file / of the plain one", figures, ours.size / plain.size)


def base(landing: Path, count: int, place: Path, *, batches: int) -> Base:
    """Load a landing folder, and change some of what is in it, in so many batches."""
    path = place / "base.duckdb"
    rows = told(subject("load", path, landing)).total
    changed = [
        changes(landing, count, place / f"changes_{number}", number=number, batches=batches)
        for number in range(ROUNDS + 1)
    ]
    return Base(path, rows, changed, hollow(landing, place / "landing"))


def increments(large: Base, small: Base, count: int) -> Iterator[Row]:
    """A load's time must follow what is new, and not what is there.

    The changes are spread over ten times as many days in the large table, so those of the small one come in
    ten times as many batches: both have as many files. One load follows the other, as in use: now and then
    DuckDB puts small row groups into one, and that load takes longer.
    """
    took = [[follow(each, number) for each in (large, small)] for number in range(ROUNDS)]
    best = [min(loads, key=lambda load: load.seconds) for loads in zip(*took, strict=True)]
    figures = []
    for place, each in enumerate((large, small)):
        did = told(best[place])
        every = " ".join(f"{loads[place].seconds:.2f}" for loads in took)
        figures.append(
            f"{each.rows:,} rows: {every} s, {best[place].read / MB:.0f} MB read, {did.files:,} files with "
            f"{did.inserted:,} new and {did.updated:,} changed"
        )
    yield Row(
        f"load of {count:,}, half new, half changed: into a table / into a tenth of it",
        f"best of {ROUNDS}; {'; '.join(figures)}; the files in the ledger are hollow, so none was read",
        best[0].seconds / best[1].seconds,
        "≤ 1.5",
    )


def follow(base: Base, number: int) -> Took:
    """Load the next changes."""
    add(base.changes[number], base.landing)
    os.sync()
    return subject("load", base.path, base.landing)


def forms(large: Base, landing: Path, count: int) -> Iterator[Row]:
    """The same changes in other ways. Only clogs also looks at the landing folder and keeps a ledger."""
    keyed = large.path.with_name("keyed.duckdb")
    subject("keyed", keyed, landing)
    changed = large.changes[ROUNDS]
    add(changed, large.landing)
    runs = {}
    for form, name in FORMS.items():
        path = keyed if "primary" in form else large.path
        runs[form] = partial(again, name, path, large.landing if name == "load" else changed)
    for form, took in fastest(runs).items():
        figures = f"{count:,} into {large.rows:,}, best of {ROUNDS}: {took.written / MB:.0f} MB written"
        yield Row(f"upsert, {form}, s", f"{figures}, {took.read / MB:.0f} MB read", took.seconds)


def memory(landing: Path, place: Path) -> Iterator[Row]:
    """Peaks of the whole command."""
    many = place / "many"
    multiplied(landing, LARGER_BY, many / "landing")
    for kind, options in (("load", ()), ("full refresh", ("--full-refresh",))):
        ran = command(many, *options)
        yield Row(f"peak memory of a {kind}, MB", summary(ran), ran.peak / MB, "≤ 2000")
    shutil.rmtree(many)
    ran = command(place, DUCKDB_MEMORY_LIMIT=LITTLE)
    yield Row(f"peak memory of a load with memory_limit = {LITTLE}, MB", summary(ran), ran.peak / MB)


def command(place: Path, *options: str, **variables: str) -> Measured:
    """Run ``clogs load`` with all its data in a folder."""
    variables |= {"DATA_DIR": str(place), "XDG_CONFIG_HOME": str(place)}
    return measure(["-m", "clogs", "load", "--json", *options], watch_memory=True, **variables)


def summary(ran: Measured) -> str:
    """What a command did."""
    did = msgspec.json.decode(ran.output, type=LoadResult)
    return f"the whole command; {did.rows:,} rows of {did.files:,} files in {ran.seconds:.0f} s"


def fastest(subjects: Mapping[str, Subject]) -> dict[str, Took]:
    """Run all in turn, some rounds, and take the best of each."""
    rounds = [{name: run() for name, run in subjects.items()} for _ in range(ROUNDS)]
    return {name: min((each[name] for each in rounds), key=lambda took: took.seconds) for name in subjects}


def anew(name: str, path: Path, landing: Path) -> Took:
    """Run a subject without a file."""
    path.unlink(missing_ok=True)
    return subject(name, path, landing)


def again(name: str, path: Path, landing: Path) -> Took:
    """Run a subject with a fresh copy of a file, which is on the disk already."""
    copy = path.with_name("copy.duckdb")
    shutil.copyfile(path, copy)
    os.sync()
    return subject(name, copy, landing)


def subject(name: str, path: Path, landing: Path) -> Took:
    """Run one of `bench.load_subjects`."""
    path.parent.mkdir(exist_ok=True)
    ran = measure(["-m", "bench.load_subjects", name, path, landing])
    return msgspec.json.decode(ran.output, type=Took)


def told(took: Took) -> LoadResult:
    """What a load told."""
    if took.result is None:
        raise ValueError
    return took.result


def size(landing: Path) -> int:
    """Bytes of all landing files."""
    return sum(path.stat().st_size for path in landing.rglob("*.parquet"))
