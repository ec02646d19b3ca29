"""What is drawn stands in its place, and numbers are said as people read them."""

import re
from datetime import date
from itertools import combinations

import pytest
from datadocs_cases import AT, check, model, past
from hypothesis import given
from hypothesis import strategies as st

from clogs.datadocs import text
from clogs.datadocs.charts import course
from clogs.datadocs.graph import graph
from clogs.schema import Model


@pytest.mark.parametrize(
    ("value", "whole", "said"),
    [
        (0, True, "0"),
        (14109, True, "14,109"),
        (0.03125, False, "0.0312"),
        (-12.5, False, "-12.5"),
        (1234.5, False, "1,234"),
        (2_400_000_000, True, "2.4 G"),
        (-2_400_000_000, True, "-2.4 G"),
        (0.00000123, False, "1.2e-06"),
        (3.4e38, False, "3.4e+38"),
    ],
)
def test_numbers_are_short(value: float, whole: bool, said: str) -> None:  # noqa: FBT001
    assert text.number(value, whole=whole) == said


def test_days_are_dates() -> None:
    days = (date(2026, 3, 1) - date(1970, 1, 1)).days
    assert text.place(days, "day") == "2026-03-01"
    assert text.place(days * 86400 + 61, "instant") == "2026-03-01 00:01:01"
    assert text.place(days * 86400 + 61, "instant", step=100_000) == "2026-03-01"
    assert text.place(3e6, "day") == "3,000,000 days from 1970"


def test_a_course_leads_to_now() -> None:
    results = [past(day, 5, "warned" if day == 3 else "passed") for day in range(60)]
    drawn = course(check("gold.t", tolerated=0.01, failing=7), results, AT)
    assert len(drawn.line.split()) == 40
    assert [dot.outcome for dot in drawn.dots] == ["passed"]
    assert drawn.label == "40 validations, 0 not passed; at most 0.7% of the rows failed."
    assert drawn.dots[0].label == "2026-03-01 12:00:00 UTC: 7 of 1,000 rows failed"


def test_a_course_shows_what_did_not_pass() -> None:
    drawn = course(check("gold.t", failing=1), [past(1, 5, "failed"), past(2, 0), past(90, 9, "failed")], AT)
    assert [dot.outcome for dot in drawn.dots] == ["failed", "failed"]
    assert drawn.dots[0].y < drawn.dots[1].y
    assert drawn.limit is None


NAMES = [f"gold.model_{number}" for number in range(12)]


@st.composite
def graphs(draw: st.DrawFn) -> list[Model]:
    """Models that read only those before them, and ``raw.conversations``."""
    known = ["raw.conversations"]
    models = []
    for name in draw(st.permutations(NAMES))[: draw(st.integers(0, 12))]:
        models.append(model(name, *sorted(draw(st.sets(st.sampled_from(known), max_size=4)))))
        known.append(name)
    return models


@given(models=graphs())
def test_a_graph_is_drawn_from_left_to_right(models: list[Model]) -> None:
    drawn = graph(models)
    nodes = {node.name: node for node in drawn.nodes}
    assert set(nodes) == {name for each in models for name in (each.name, *each.parents)}
    assert [(edge.parent, edge.child) for edge in drawn.edges] == sorted(
        (parent, each.name) for each in models for parent in each.parents
    )
    for node in nodes.values():
        assert 0 <= node.x < node.x + node.width <= drawn.width
        assert 0 <= node.y < node.y + node.height <= drawn.height
    for one, other in combinations(nodes.values(), 2):
        beside = one.x + one.width <= other.x or other.x + other.width <= one.x
        assert beside or abs(one.y - other.y) >= one.height
    for edge in drawn.edges:
        parent, child = nodes[edge.parent], nodes[edge.child]
        assert parent.x + parent.width < child.x
        start, *_, end = re.findall(r"-?[\d.]+ -?[\d.]+", edge.path)
        assert tuple(map(float, start.split())) == pytest.approx(
            (parent.x + parent.width, parent.y + 14), abs=0.1
        )
        assert tuple(map(float, end.split())) == pytest.approx((child.x, child.y + 14), abs=0.1)
        assert max(float(y) for _, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", edge.path)) <= drawn.height


def test_columns_follow_the_longest_path() -> None:
    drawn = graph(
        [
            model("gold.last", "silver.b", "raw.conversations", "bronze.seed"),
            model("silver.b", "silver.a"),
            model("silver.a", "raw.conversations"),
            model("bronze.seed"),
        ]
    )
    lefts = {node.name: node.x for node in drawn.nodes}
    assert lefts["raw.conversations"] < lefts["silver.a"] < lefts["silver.b"] < lefts["gold.last"]
    assert lefts["bronze.seed"] == lefts["silver.b"]
