"""Progress says how far something is, how fast, and how long it will take."""

from __future__ import annotations

import io
import re
import sys
import time
from collections.abc import Iterator, Sequence

import pytest
from rich.console import Console

from clogs.terminal.console import Terminal, configure_logging, logger
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
        ([(10, 40_000, 100_000)], ["extract: 40,000 of 100,000 documents · 15.0 s left · 4,000/s"]),
        ([(20, 5, None)], ["extract: 5 documents"]),
        ([(20, 0, 10)], ["extract: 0 of 10 documents"]),
        ([(10, 99, 1000)], ["extract: 99 of 1,000 documents · 10/s"]),
        ([(10, 100, 1000)], ["extract: 100 of 1,000 documents · 1 min 30 s left · 10/s"]),
        ([(10, 1200, 1000)], ["extract: 1,200 of 1,000 documents · 120/s"]),
        (
            [(10, 1, 4), (15, 2, 4), (20, 3, 4)],
            ["extract: 1 of 4 documents · 30.0 s left", "extract: 3 of 4 documents · 6.7 s left"],
        ),
    ],
)
def test_a_line_is_said_every_ten_seconds(reports: Sequence[Report], expected: list[str]) -> None:
    assert lines("extract", *reports) == expected


def test_what_is_not_counted_has_no_unit() -> None:
    assert lines("prune", (10, 20, 40)) == ["prune: 20 of 40 · 10.0 s left · 2/s"]


def test_another_step_begins_anew() -> None:
    said: list[str] = []
    times = iter([0.0, 100.0, 110.0])
    progress = ProgressLines(said.append, "extract", now=lambda: next(times))
    progress.begin("transform")
    progress(5, 10)
    assert said == ["transform: 5 of 10 models · 10.0 s left"]


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    before = logger.handlers
    configure_logging(level="INFO", log_format="text")
    yield
    logger.handlers = before


def terminal_on(monkeypatch: pytest.MonkeyPatch, *, columns: int = 80, term: str = "xterm") -> io.StringIO:
    """What is written to stderr from now on, which seems to be a terminal."""
    stderr = io.StringIO()
    monkeypatch.setattr(stderr, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("COLUMNS", str(columns))
    return stderr


def shown(text: str) -> str:
    """A text without what moves and colours it."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_a_bar_shows_documents_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal_on(monkeypatch)
    bar = ProgressBar(Console(file=screen, force_terminal=True, width=80), "clogs")
    bar.begin("extract")
    time.sleep(0.1)
    bar(2_000, 4_000)
    bar._rich.refresh()  # noqa: SLF001
    bar.close()
    assert re.search(
        r"extract +━+[╸╺]?━* 2,000 of 4,000 documents · 0\.\d s left · [\d,]+/s", shown(screen.getvalue())
    )


@pytest.mark.parametrize(("columns", "bars"), [(79, 0), (80, 1)])
def test_a_narrow_terminal_has_room_for_the_numbers_alone(
    monkeypatch: pytest.MonkeyPatch, columns: int, bars: int
) -> None:
    screen = terminal_on(monkeypatch, columns=columns)
    with Terminal().progress("load") as progress:
        progress(1, 2)
    assert ("━" in screen.getvalue()) == bars


def test_each_step_has_a_total_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal_on(monkeypatch)
    with Terminal().progress("clogs") as progress:
        progress.begin("load")
        progress(3, 3)
        progress.end("loaded")
        progress.begin("transform")
        progress(1, None)
        time.sleep(0.3)
    last = shown(screen.getvalue()).rpartition("transform")[2]
    assert "1 models" in last
    assert "of 3" not in last


def test_a_warning_goes_above_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal_on(monkeypatch)
    with Terminal().progress("load") as progress:
        progress(1, 2)
        logger.warning("The disk is nearly full.")
    assert re.search(r"\x1b\[2K(\x1b\[1A\x1b\[2K)*\S+ WARNING The disk is nearly full\.\n", screen.getvalue())


def test_stopped_it_leaves_the_steps_that_have_ended_and_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal_on(monkeypatch)
    with pytest.raises(KeyboardInterrupt), Terminal().progress("clogs") as progress:  # noqa: PT012
        progress.begin("load")
        progress.end("loaded")
        progress.begin("transform")
        raise KeyboardInterrupt
    last = screen.getvalue().rpartition("\x1b[2K")[2]
    assert "loaded" in last
    assert "transform" not in last
    assert last.endswith("\x1b[?25h")  # the cursor is back


def test_at_the_end_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal_on(monkeypatch)
    with Terminal().progress("clogs") as progress:
        progress.begin("load")
        progress.end("loaded")
    assert shown(screen.getvalue().rpartition("\x1b[2K")[2]) == ""


def test_a_dumb_terminal_gets_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal_on(monkeypatch, term="dumb")
    with Terminal().progress("load") as progress:
        progress(1, 2)
    assert screen.getvalue() == ""


def test_without_anyone_to_see_nothing_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    progress = ProgressDisplay()
    progress.begin("extract")
    progress(1, 2)
    progress.close()
    assert capfd.readouterr() == ("", "")
