"""Wanted rows of a table are found wherever they are, and no others."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clogs.warehouse import Connection, fetch, stretches

ROWS = 200


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """A table of numbers with a text for each, none of which stands where its number says."""
    opened = duckdb.connect()
    numbers = f"SELECT {ROWS} - each AS n FROM range({ROWS}) AS numbers(each)"
    opened.execute(f"CREATE TABLE numbers AS SELECT n, 'row ' || n AS text FROM ({numbers})")
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of 200 rows has many stretches and parts, and few rows are a half of it."""
    monkeypatch.setattr(stretches, "_MOST", 0.5)
    monkeypatch.setattr(stretches, "_VECTOR", 3)
    monkeypatch.setattr(stretches, "_PART", 6)
    monkeypatch.setattr(stretches, "_SMALL", 0)


def fetched(connection: Connection, wanted: set[int]) -> list[tuple[int, int, str]]:
    numbers = ", ".join(map(str, wanted or {-1}))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE wanted AS SELECT unnest([{numbers}]) AS n")
    fetch(connection, "numbers", "SEMI JOIN wanted ON wanted.n = kept.n", name="found")
    return connection.execute("SELECT _place, n, text FROM found ORDER BY n").fetchall()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=st.sets(st.integers(1, ROWS)))
def test_they_are_those_of_a_semi_join(connection: Connection, wanted: set[int]) -> None:
    assert fetched(connection, wanted) == [(ROWS - n, n, f"row {n}") for n in sorted(wanted)]


@pytest.mark.parametrize(
    "wanted", [set(), {1}, {ROWS}, {1, ROWS}, set(range(1, ROWS + 1)), {7, 8, 9, 60, 61, 150}]
)
def test_the_ends_and_all_of_it(connection: Connection, wanted: set[int]) -> None:
    assert [n for _, n, _ in fetched(connection, wanted)] == sorted(wanted)
