"""A validation killed at any instant keeps all of its results or none, and the next one is whole."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from built import fill
from conftest import new_workspace
from test_crash import Place

from clogs import warehouse
from clogs.checks.suites import CHECKS
from clogs.validate import validate

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


KILLED = """
import os, signal, sys
from datetime import timedelta
from pathlib import Path
from clogs import warehouse
from clogs.validate import stage
from clogs.validate.changed import ChangeLogs

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

setattr({"keep": stage, "mark_seen": ChangeLogs}[sys.argv[1]], sys.argv[1], die)
with warehouse.connect(Path(sys.argv[2])) as connection:
    stage.validate(connection, run="r", overrides={}, max_age=timedelta(days=3), only_changed=True)
"""
"""Killed after the checks, before their results are kept; or then, before how far the logs were read."""


@pytest.mark.parametrize("before", ["keep", "mark_seen"])
def test_killed_after_the_checks_the_same_rows_are_checked_again(place: Place, before: str) -> None:
    path = place.data / "clogs.duckdb"
    with warehouse.connect(path) as connection:
        warehouse.note_changed(connection, "SELECT _id FROM raw.conversations LIMIT 7", count=7)
    seen = asked(place, "FROM changes.seen ORDER BY ALL")
    finished = subprocess.run([sys.executable, "-c", KILLED, before, path], check=False)
    assert finished.returncode == -signal.SIGKILL
    assert asked(place, PER_RUN) == [(len(CHECKS),)]
    assert asked(place, "FROM changes.seen ORDER BY ALL") == seen
    for rows in (7, 0):
        with warehouse.connect(path) as connection:
            result = validate(connection, run="s", overrides={}, max_age=timedelta(days=3), only_changed=True)
        assert {each.check: each.rows for each in result.checks}["conversations.role_is_known"] == rows


def test_a_full_disk_is_told(place: Place) -> None:
    assert place.fail("validate", "full-at", 500) == 69
    assert asked(place, PER_RUN) == [(len(CHECKS),)]
