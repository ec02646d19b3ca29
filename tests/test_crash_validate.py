"""A validation killed at any instant keeps all of its results or none, and the next one is whole."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from built import fill
from conftest import new_workspace
from test_crash import Place

from clogs import warehouse
from clogs.checks.suites import CHECKS

pytestmark = pytest.mark.slow

PER_RUN = "SELECT count(*) FROM quality.results GROUP BY run"
DAYS = "FROM quality.partitions ORDER BY date"
TRUE_DAYS = "SELECT date, count(*) FROM raw.conversations GROUP BY date ORDER BY date"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """The samples' warehouse, validated once, with a day since then."""
    place = Place(tmp_path / "data", new_workspace(tmp_path, "mongodb://127.0.0.1:9", "none"))
    fill(place.workspace)
    with warehouse.connect(place.data / "clogs.duckdb") as connection:
        connection.execute("UPDATE raw.conversations SET date = date + 1 WHERE type = 'summary'")
    return place


def asked(place: Place, sql: str) -> list[tuple[Any, ...]]:
    with warehouse.connect(place.data / "clogs.duckdb", read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize("beyond", [1, 500, 4_000, 12_000])
def test_killed_while_it_keeps_results(place: Place, beyond: int) -> None:
    days = asked(place, DAYS)
    assert place.fail("validate", "killed-beyond", beyond) == -signal.SIGXFSZ
    assert (asked(place, PER_RUN), asked(place, DAYS)) == ([(len(CHECKS),)], days)
    assert place.fail("validate", "none", 0) == 65  # summaries stand in no day of theirs
    assert (asked(place, PER_RUN), asked(place, DAYS)) == ([(len(CHECKS),)] * 2, asked(place, TRUE_DAYS))


def test_a_full_disk_is_told(place: Place) -> None:
    assert place.fail("validate", "full-at", 500) == 69
    assert asked(place, PER_RUN) == [(len(CHECKS),)]
