"""The chart of documents over time."""

import re
from datetime import date, timedelta

import pytest

from clogs.datadocs.charts import timeline

DAY = date(2026, 1, 1)


@pytest.mark.parametrize(
    ("days", "noun", "bars"), [(30, "day", 30), (400, "week", 58), (1000, "month", 33)], ids=str
)
def test_bars_stay_wide_enough(days: int, noun: str, bars: int) -> None:
    drawn = timeline([(DAY + timedelta(days=place), 1 + (place == 7)) for place in range(days)])
    assert f"Documents per {noun}. The busiest day was 2026-01-08, with 2." in drawn
    wide, narrow = re.findall(r'<g class="mark-rect role-mark marks".*?</g>', drawn)
    assert wide.count("<path") == narrow.count("<path") == bars


def test_nothing_of_it_needs_a_style_or_a_network() -> None:
    drawn = timeline([(DAY, 1), (DAY + timedelta(days=1), 2)])
    assert 'role="img" aria-label="Documents per day. The busiest day was 2026-01-02, with 2."' in drawn
    assert not re.search(r"style=|<style|<script|<image|href=|url\(", drawn)


@pytest.mark.parametrize("days", [[], [(DAY, 5)]], ids=["none", "one"])
def test_a_single_day_needs_no_chart(days: list[tuple[date, int]]) -> None:
    assert timeline(days) == ""
