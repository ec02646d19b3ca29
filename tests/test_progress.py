"""Progress tells how far something is, how fast, and how long it will take."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from clogs.terminal.progress import ProgressBar, ProgressDisplay, ProgressLines

Report = tuple[float, int, int | None]


def lines(label: str, *reports: Report) -> list[str]:
    """What is said of reports, each at so many seconds after the beginning."""
    said: list[str] = []
    times = iter([0.0, *(seconds for seconds, _, _ in reports)])
    progress = ProgressLines(said.append, label, now=lambda: next(times))
    for _, done, total in reports:
        progress(done, total)
    progress.close()
    return said


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ([(1, 100, 1000), (9.9, 990, 1000)], []),
        ([(10, 40_000, 100_000)], ["extract: 40,000 of 100,000 documents · 4,000/s · 15.0 s left"]),
        ([(20, 5, None)], ["extract: 5 documents · 0/s"]),
        ([(20, 0, 10)], ["extract: 0 of 10 documents · 0/s"]),
        ([(10, 1200, 1000)], ["extract: 1,200 of 1,000 documents · 120/s · 0.0 s left"]),
        (
            [(10, 1, 4), (15, 2, 4), (20, 3, 4)],
            ["extract: 1 of 4 documents · 0/s · 30.0 s left", "extract: 3 of 4 documents · 0/s · 6.7 s left"],
        ),
    ],
)
def test_a_line_is_said_every_ten_seconds(reports: Sequence[Report], expected: list[str]) -> None:
    assert lines("extract", *reports) == expected


def test_what_is_not_counted_has_no_unit() -> None:
    assert lines("prune", (10, 20, 40)) == ["prune: 20 of 40 · 2/s · 10.0 s left"]


def test_another_step_begins_anew() -> None:
    said: list[str] = []
    times = iter([0.0, 100.0, 110.0])
    progress = ProgressLines(said.append, "extract", now=lambda: next(times))
    progress.begin("transform")
    progress(5, 10)
    assert said == ["transform: 5 of 10 models · 0/s · 10.0 s left"]


def test_a_bar_shows_documents_rate_and_time_left() -> None:
    screen = io.StringIO()
    bar = ProgressBar(Console(file=screen, force_terminal=True, width=100), "clogs")
    bar.begin("extract")
    bar(1_000, 4_000)
    bar(2_000, 4_000)
    bar._rich.refresh()  # noqa: SLF001
    shown = screen.getvalue()
    bar.close()
    assert "extract" in shown
    assert "2000/4000" in shown
    assert "documents" in shown
    assert "/s" in shown
    assert "0:00:0" in shown


def test_without_anyone_to_see_nothing_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    progress = ProgressDisplay()
    progress.begin("extract")
    progress(1, 2)
    progress.close()
    assert capfd.readouterr() == ("", "")
