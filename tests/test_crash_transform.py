"""A transform killed at any instant leaves gold readable, and the next one ends right."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from built import SAMPLES
from conftest import new_workspace
from following import rows_of
from test_crash import KILLS, Place

from clogs import warehouse
from clogs.landing.files import land
from clogs.pipeline.engines import engine_of

pytestmark = pytest.mark.slow

VIEWS = """
    SELECT schema_name || '.' || view_name FROM duckdb_views()
    WHERE schema_name IN ('bronze', 'silver', 'gold') ORDER BY 1
"""
ZONES = ["UTC", "Asia/Tokyo"]

Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> list[pl.DataFrame]:
    """The samples' rows in as many parts as there are kills, and one more."""
    rows = pl.read_parquet(rows_of(SAMPLES, tmp_path_factory.mktemp("rows"))).sample(
        fraction=1, shuffle=True, seed=5
    )
    times = KILLS // 6 + 1
    return [rows.gather_every(times, part) for part in range(times)]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "data", new_workspace(tmp_path, "mongodb://127.0.0.1:9", "none"))


@pytest.fixture(scope="module")
def undisturbed(parts: list[pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    """What readers see where nothing was killed."""
    root = tmp_path_factory.mktemp("undisturbed")
    place = Place(root / "data", new_workspace(root, "mongodb://127.0.0.1:9", "none"))
    arrive(place, pl.concat(parts), 0)
    engine_of(place.settings).transform()
    return read(place)


def arrive(place: Place, part: pl.DataFrame, number: int) -> None:
    """Land a part, and load it."""
    land(part, place.data / "landing", name=f"{number:03}")
    place.run("load")


def read(place: Place) -> dict[str, Rows]:
    """All that readers see."""
    with warehouse.connect(place.data / "clogs.duckdb", read_only=True) as connection:
        views = connection.execute(VIEWS).fetchall()
        return {view: sorted(connection.execute(f"FROM {view}").fetchall(), key=repr) for (view,) in views}


def test_killed_at_random_again_and_again(
    place: Place, parts: list[pl.DataFrame], undisturbed: dict[str, Rows]
) -> None:
    """Something new before each transform; some of them have all definitions changed by another time zone."""
    dice = random.Random(9)  # noqa: S311
    seconds, killed, compiled = [], 0, set()
    for number, part in enumerate(parts):
        arrive(place, part, number)
        compiled.add((place.data / "state" / "sqlmesh" / "compiled").exists())
        if number < 2:  # with SQLMesh and without it, to see how long each takes
            started = time.perf_counter()
            assert place.fail("transform", "none", 0) == 0
            seconds.append(time.perf_counter() - started)
            continue
        place.workspace.environment["TRANSFORM_TIMEZONE"] = dice.choice(ZONES)
        delay = dice.uniform(0.4, dice.choice(seconds))
        with_signal = dice.choice([signal.SIGKILL, signal.SIGTERM])
        killed += place.interrupt("transform", with_signal, delay) != 0
        assert "gold.fct_messages" in read(place)
    assert compiled == {True, False}
    place.workspace.environment["TRANSFORM_TIMEZONE"] = "UTC"
    engine_of(place.settings).transform()
    assert read(place) == undisturbed
    assert killed > len(parts) // 3


@pytest.fixture(scope="module")
def to_compile(parts: list[pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A warehouse with something new, whose compiled models are damaged."""
    root = tmp_path_factory.mktemp("to_compile")
    place = Place(root / "data", new_workspace(root, "mongodb://127.0.0.1:9", "none"))
    arrive(place, pl.concat(parts[1:]), 0)
    engine_of(place.settings).transform()
    arrive(place, parts[0], 1)
    (place.data / "state" / "sqlmesh" / "compiled").write_bytes(b"damaged")
    return place


@pytest.mark.parametrize("at", [2, 3, 7, 8])  # the old file is to be removed; is; the new one to be named; is
def test_killed_while_the_models_are_compiled(
    to_compile: Place, tmp_path: Path, undisturbed: dict[str, Rows], at: int
) -> None:
    place = to_compile.copy(tmp_path)
    assert place.fail("transform", "killed-at", at) == -signal.SIGKILL
    engine_of(place.settings).transform()
    assert read(place) == undisturbed


@pytest.mark.parametrize(
    ("beyond", "codes"),
    [
        (400_000, {1, 69}),
        (2_400_000, {0}),
    ],  # the log of changes is full; it holds all, the tables' file is full
)
def test_a_full_disk_loses_nothing(
    place: Place, parts: list[pl.DataFrame], undisturbed: dict[str, Rows], beyond: int, codes: set[int]
) -> None:
    arrive(place, pl.concat(parts), 0)
    assert place.fail("transform", "full-at", beyond) in codes
    place.run("load")
    engine_of(place.settings).transform()
    assert read(place) == undisturbed
