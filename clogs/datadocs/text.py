"""Numbers, moments and foreign texts as the page says them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from clogs.datadocs.distribution import Histogram, Unit
from clogs.terminal.text import si_number

LONGEST = 200
"""Characters of a foreign text."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGE = 1e9
_THOUSAND = 1e3
_SMALL = 1e-4


def cut(text: str) -> str:
    """At most `LONGEST` characters of a text."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def number(value: float, *, whole: bool = False) -> str:
    """A number in ten characters or so: ``14,109``, ``0.0312``, ``12.1 G``, ``3.4e+38``."""
    size = abs(value)
    if size >= _LARGE * _THOUSAND:
        return f"{value:.3g}"
    if size >= _LARGE:
        return si_number(value) if value > 0 else f"-{si_number(size)}"
    if whole or size >= _THOUSAND or not value:
        return f"{value:,.0f}"
    return f"{value:.3g}" if size >= _SMALL else f"{value:.1e}"


def place(value: float, unit: Unit, *, step: float = 0) -> str:
    """A place on the scale of a histogram.

    Args:
        value: The place.
        unit: What it counts.
        step: The width of a bin: what is wider than a day needs no time of day.
    """
    if unit not in {"day", "instant"}:
        return number(value, whole=unit != "number")
    try:
        moment = _EPOCH + (timedelta(days=value) if unit == "day" else timedelta(seconds=value))
    except OverflowError:  # DuckDB's years are six figures long
        return f"{number(value)} {'days' if unit == 'day' else 's'} from 1970"
    is_day = unit == "day" or step >= timedelta(days=1).total_seconds()
    return f"{moment:%Y-%m-%d}" if is_day else f"{moment:%Y-%m-%d %H:%M:%S}"


def span(histogram: Histogram, bin_: int) -> str:
    """What lies in a bin: ``7``, ``20 to 39``, ``0.5 to 1``."""
    scale, unit = histogram.scale, histogram.unit
    low = scale.low + bin_ * scale.width
    inside = scale.width - (unit in {"whole", "day", "characters"})  # 20 to 39, then 40 to 59
    first, last = (place(each, unit, step=scale.width) for each in (low, low + inside))
    return first if first == last else f"{first} to {last}"


def summary(histogram: Histogram) -> tuple[str, str, str]:
    """Minimum, median and maximum; the last in full."""
    unit = histogram.unit
    step = histogram.scale.width if unit == "instant" else 0
    estimated = "" if histogram.is_exact or histogram.minimum == histogram.maximum else "≈ "
    least, median, most = (
        place(each, unit, step=step) for each in (histogram.minimum, histogram.median, histogram.maximum)
    )
    return least, estimated + median, most
