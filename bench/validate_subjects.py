"""What is measured of validating, in a process of its own, which prints what it took."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import msgspec

from clogs import warehouse
from clogs.checks.suites import SUITES
from clogs.settings.model import QualitySettings
from clogs.validate import validate as stage


@dataclass(frozen=True, slots=True)
class Validated:
    """What a validation took by itself, without the start of Python.

    Attributes:
        seconds: Until the results were kept.
        rows: Looked at, of all tables, each as often as it was.
        suites: The seconds of each suite; those of the last one hold the keeping of the results, too.
        unmet: The checks that did not hold, those that are warnings among them.
    """

    seconds: float
    rows: int
    suites: Mapping[str, float]
    unmet: tuple[str, ...]

    def of(self, table: str) -> float:
        """The seconds of the suites that are about a table."""
        return sum(self.suites[suite.name] for suite in SUITES if suite.table == table)


def validate(path: Path, *layers: str) -> Validated:
    """Run the suites of some layers, or all, as clogs does where nothing is set."""
    times: list[float] = []
    with warehouse.connect(path) as connection:
        result = stage(
            connection,
            run="bench",
            overrides={},
            max_age=QualitySettings().max_age,
            layers=layers,
            on_progress=lambda _done, _total: times.append(time.perf_counter()),
        )
    times.append(time.perf_counter())
    names = (suite.name for suite in SUITES if not layers or suite.layer in layers)
    suites = {name: end - begin for name, (begin, end) in zip(names, pairwise(times), strict=True)}
    unmet = tuple(check.check for check in result.checks if check.outcome != "passed")
    return Validated(result.seconds, result.rows, suites, unmet)


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(validate(Path(sys.argv[1]), *sys.argv[2:])))
