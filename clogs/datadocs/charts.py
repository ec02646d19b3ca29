"""Small charts: where everything goes, for the templates to draw as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from clogs.checks.results import CheckResult, Outcome, PastResult
from clogs.datadocs import text
from clogs.datadocs.distribution import Histogram, Shares
from clogs.terminal.text import count, instant, percent

WIDTH, HEIGHT = 168.0, 36.0
"""Of a histogram, in pixels."""

COURSE_WIDTH, COURSE_HEIGHT = 120.0, 28.0

_GAP = 1.0
_MARGIN = 4.0
_OUTLIERS = 6.0
"""Width of the bar for what is beyond an end, which stands apart."""

_MOST_PAST = 40
"""Validations in a course; older ones are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A bar, and what it says; one of values beyond the bins is drawn apart."""

    x: float
    y: float
    width: float
    height: float
    label: str
    is_beyond: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A histogram as bars.

    Attributes:
        bars: Those that are not empty.
        label: All of it in a sentence.
        ends: What stands below it at the left and at the right.
        middle: What stands between them.
        notes: Values that no bin holds.
    """

    bars: tuple[Bar, ...]
    label: str
    ends: tuple[str, str]
    middle: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueShare:
    """A value, how many rows have it, and their share of all that have one, 0 to 1."""

    value: str
    rows: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One validation in a course."""

    x: float
    y: float
    outcome: Outcome
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The failing share of a check over the validations, the last one at the right.

    Attributes:
        line: Points of a polyline, as SVG writes them.
        dots: Validations that did not pass, and the last.
        limit: How far down the tolerated share is; None where none is tolerated.
        label: All of it in a sentence.
    """

    line: str
    dots: tuple[Dot, ...]
    limit: float | None
    label: str


def bars(histogram: Histogram) -> Bars:
    """Draw a histogram."""
    counts = (histogram.below, *histogram.counts, histogram.above)
    total, tallest = sum(counts), max(counts)
    left = _OUTLIERS + 2 * _GAP if histogram.below else 0.0
    right = WIDTH - (_OUTLIERS + 2 * _GAP if histogram.above else 0.0)
    step = (right - left) / len(histogram.counts)
    lefts = [0.0, *(left + place * step for place in range(len(histogram.counts))), right + 2 * _GAP]
    widths = [_OUTLIERS, *([step - _GAP] * len(histogram.counts)), _OUTLIERS]
    labels = _labels(histogram)
    drawn = tuple(
        Bar(
            x=x,
            y=HEIGHT - _tall(rows, tallest),
            width=width,
            height=_tall(rows, tallest),
            label=f"{label}: {rows:,} ({percent(rows / total)})",
            is_beyond=place in {0, len(counts) - 1},
        )
        for place, (x, width, rows, label) in enumerate(zip(lefts, widths, counts, labels, strict=True))
        if rows
    )
    least, median, most = text.summary(histogram)
    what = " characters" if histogram.unit == "characters" else ""
    return Bars(
        bars=drawn,
        label=f"Distribution: minimum {least}, median {median}, maximum {most}{what}; {_most(histogram)}.",
        ends=(least, most),
        middle=f"median {median}",
        notes=_beyond(histogram, total),
    )


def shares(found: Shares) -> tuple[ValueShare, ...]:
    """The values of a column with their shares."""
    total = sum(rows for _, rows in found.values)
    return tuple(ValueShare(value=value, rows=rows, share=rows / total) for value, rows in found.values)


def course(check: CheckResult, past: Sequence[PastResult], at: datetime) -> Course:
    """Draw how a check went in earlier validations, and now.

    Args:
        check: How it ended now.
        past: How it ended before, the oldest first.
        at: When now is; what is not before it is left out of the past.
    """
    now = PastResult(at=at, rows=check.rows, failing=check.failing, outcome=check.outcome)
    results = [*[result for result in past if result.at < at][1 - _MOST_PAST :], now]
    top = max(check.tolerated, *(result.share for result in results)) or 1.0
    step = (COURSE_WIDTH - 2 * _MARGIN) / max(1, len(results) - 1)
    dots = [
        Dot(
            x=COURSE_WIDTH - _MARGIN - step * (len(results) - 1 - place),
            y=_down(result.share / top),
            outcome=result.outcome,
            label=f"{instant(result.at)}: {result.failing:,} of {count(result.rows, 'row')} failed",
        )
        for place, result in enumerate(results)
    ]
    bad = sum(result.outcome != "passed" for result in results)
    return Course(
        line=" ".join(f"{dot.x:.1f},{dot.y:.1f}" for dot in dots),
        dots=tuple(dot for dot in dots if dot.outcome != "passed" or dot is dots[-1]),
        limit=_down(check.tolerated / top) if check.tolerated else None,
        label=f"{count(len(results), 'validation')}, {bad} not passed; at most"
        f" {percent(max(result.share for result in results))} of the rows failed.",
    )


def _tall(rows: int, tallest: int) -> float:
    """What is there is seen, however little it is."""
    return max(1.5, rows / tallest * HEIGHT)


def _down(share: float) -> float:
    return COURSE_HEIGHT - _MARGIN - share * (COURSE_HEIGHT - 2 * _MARGIN)


def _labels(histogram: Histogram) -> list[str]:
    scale, unit = histogram.scale, histogram.unit
    low, high = (text.place(each, unit, step=scale.width) for each in (scale.low, scale.high))
    inside = [text.span(histogram, bin_) for bin_ in range(scale.bins)]
    return [f"below {low}", *inside, f"above {high}"]


def _most(histogram: Histogram) -> str:
    fullest = max(range(len(histogram.counts)), key=histogram.counts.__getitem__)
    return f"most at {text.span(histogram, fullest)}"


def _beyond(histogram: Histogram, total: int) -> tuple[str, ...]:
    first, *_, last = _labels(histogram)
    found = ((histogram.below, first), (histogram.above, last))
    return tuple(f"{percent(rows / total)} {where}" for rows, where in found if rows)
