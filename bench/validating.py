"""The measures of validating, and of the checks inside extraction."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench import extraction
from bench.landings import part
from bench.measure import MB, Measured, measure, served
from bench.rows import NO_BOUND, Row, folder
from bench.transforming import clogs, transform
from bench.validate_subjects import Validated
from clogs.validate import ValidateResult

ROUNDS = 2
ROWS, SMALLER_BY = 1_000_000, 5
TABLE = "raw.conversations"
TOLD = 7
"""So many suites, of those that took the most time, are told: as many as bronze has."""
SHARE = "≤ 0.5"
"""Of the time of extraction."""
MOST = "≤ 2000"
"""Megabytes that a validation may take: DuckDB's limit for many rows, and as much beside it."""


@dataclass(frozen=True, slots=True)
class Round:
    """What was measured in turn, of the same documents, each in a process of its own.

    Attributes:
        extract: An extraction with the checks that are on by default.
        unchecked: One without any.
        bronze: The validation of bronze.
        whole: The validation of all layers.
    """

    extract: Measured
    unchecked: Measured
    bronze: Measured
    whole: Measured


def validating(scale: float) -> Iterator[Row]:
    """Time and memory."""
    count = int(ROWS * scale)
    with folder() as name:
        large, small = Path(name, "large"), Path(name, "small")
        with served(count) as (uri, _):
            extraction.command(uri, str(large), watch_memory=False)  # now every reply is made
            build(large)
            subject(large)  # now there is a last validation to compare with
            rounds = [measured(uri, large, number) for number in range(ROUNDS)]
        yield from speed(rounds, f"{count:,} documents, best of {ROUNDS}")
        yield from checks(rounds, f"{count:,} documents, best of {ROUNDS}")
        part(large / "landing", 1 / SMALLER_BY, small / "landing")
        build(small)
        yield from memory(large, small)


def build(base: Path) -> None:
    """Load what is landed, and build the models."""
    clogs(base, "load", "--json")
    transform(base)


def measured(uri: str, base: Path, number: int) -> Round:
    """One after the other, so that all have a share of whatever else the machine does."""
    names = ("extract", "unchecked") if number % 2 == 0 else ("unchecked", "extract")
    ran = {name: extraction.subject(name, uri) for name in names}
    os.sync()
    return Round(**ran, bronze=subject(base, "bronze"), whole=subject(base))


def speed(rounds: Sequence[Round], told: str) -> Iterator[Row]:
    """Validations against the extraction of the same documents."""
    extract = min(extraction.taken(each.extract)[0] for each in rounds)
    bronze, whole = ([validated(getattr(each, name)) for each in rounds] for name in ("bronze", "whole"))
    own = [each.of(TABLE) for each in bronze]
    every = " ".join(f"{seconds:.2f}" for seconds in own)
    figures = f"{told} of {every} s / {extract:.1f} s"
    yield Row(f"suites of {TABLE} / extracting", figures, min(own) / extract, SHARE)
    for kind, bound, runs in (("bronze", SHARE, bronze), ("all layers", NO_BOUND, whole)):
        best = min(runs, key=lambda each: each.seconds)
        took = f"{best.rows:,} rows in {best.seconds:.1f} s / {extract:.1f} s; {longest(best.suites)}"
        unmet = f"; did not hold: {', '.join(best.unmet)}" if best.unmet else ""
        yield Row(f"suites of {kind} / extracting", f"{told}: {took}{unmet}", best.seconds / extract, bound)
    yield spent(rounds, "bronze", "extract", "suites of bronze / extracting, CPU")


def checks(rounds: Sequence[Round], told: str) -> Iterator[Row]:
    """What the checks inside extraction cost."""
    took = [(extraction.taken(each.extract)[0], extraction.taken(each.unchecked)[0]) for each in rounds]
    every = ", ".join(f"{extract:.1f} / {unchecked:.1f}" for extract, unchecked in took)
    extract, unchecked = map(min, zip(*took, strict=True))
    name = "extracting with its checks / without"
    yield Row(name, f"{told} of {every} s", extract / unchecked)
    yield spent(rounds, "extract", "unchecked", f"{name}, CPU")


def spent(rounds: Sequence[Round], one: str, other: str, name: str) -> Row:
    """CPU of whole processes, which tells less than wall time of what else the machine does."""
    cpu = [(getattr(each, one).cpu, getattr(each, other).cpu) for each in rounds]
    every = ", ".join(f"{ours:.1f} / {theirs:.1f}" for ours, theirs in cpu)
    ours, theirs = map(min, zip(*cpu, strict=True))
    return Row(name, f"whole processes, best of {every} s", ours / theirs)


def memory(large: Path, small: Path) -> Iterator[Row]:
    """Peaks of the whole command."""
    for kind, options in (("bronze", ("--layer", "bronze")), ("all layers", ())):
        high, told = watched(large, *options)
        low, beside = watched(small, *options)
        name = f"peak memory of validating {kind}"
        yield Row(f"{name}, large / small", f"{high:.0f} MB of {told}, {low:.0f} MB of {beside}", high / low)
        yield Row(f"{name}, MB", f"the whole command; {told}", max(high, low), MOST)


def watched(base: Path, *options: str) -> tuple[float, str]:
    """Megabytes that ``clogs validate`` took, and what it looked at."""
    ran = clogs(base, "validate", "--json", *options, watch_memory=True)
    did = msgspec.json.decode(ran.output, type=ValidateResult)
    documents = next(check.rows for check in did.checks if check.table == TABLE)
    return ran.peak / MB, f"{did.rows:,} rows of {documents:,} documents in {ran.seconds:.0f} s"


def longest(suites: Mapping[str, float]) -> str:
    """The suites that took the most time."""
    ordered = sorted(suites.items(), key=lambda item: -item[1])[:TOLD]
    return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in ordered)


def subject(base: Path, *layers: str) -> Measured:
    """Run `bench.validate_subjects`."""
    return measure(["-m", "bench.validate_subjects", base / "clogs.duckdb", *layers])


def validated(ran: Measured) -> Validated:
    """What it printed."""
    return msgspec.json.decode(ran.output, type=Validated)
