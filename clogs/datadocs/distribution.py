"""How the values of a column are distributed: what to ask DuckDB, and what its answers mean."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Unit = Literal["number", "whole", "day", "instant", "characters"]
"""What is counted: numbers, whole numbers, days or seconds since 1970 in UTC, or the characters of a text."""

EXACT_ROWS = 250_000
"""Up to so many rows distinct values and quantiles are exact; they would take too much memory above."""

MOST_VALUES = 12
LONGEST_VALUE = 60
"""Characters."""

FREE_TEXTS = {"message_content", "message_raw", "entry_raw", "title"}
"""Columns whose values are what somebody wrote: they stay private, however few they are."""

_BINS = 20
_MOST_SINGLE = 31
"""So many whole numbers have a bar each: hours, days of a month."""

_MARGIN = 2
"""An estimate that is off by that factor still finds the columns with few values."""

_LEEWAY = 0.1
"""How far beyond a percentile values still belong, as a share of what is between both."""

_SMALLEST_WIDTH = 1e-300
_INTEGERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?")
_UNITS: dict[str, Unit] = {"DATE": "day", "FLOAT": "number", "DOUBLE": "number", "VARCHAR": "characters"}


@dataclass(frozen=True, slots=True)
class Shares:
    """How many rows have which value, the most frequent first."""

    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """Bins of equal width.

    Attributes:
        low: Where the first begins.
        high: The largest value in the last.
        width: Of each; 0 where there is one value only.
        bins: How many.
    """

    low: float
    high: float
    width: float
    bins: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How many values lie where.

    Attributes:
        unit: What they are.
        scale: The bins.
        counts: Values in each.
        below: Values too far below the others to be in one.
        above: Values too far above.
        minimum: The smallest value.
        median: The one in the middle.
        maximum: The largest value.
        is_exact: Whether the median is, or else an estimate.
    """

    unit: Unit
    scale: Scale
    counts: tuple[int, ...]
    below: int
    above: int
    minimum: float
    median: float
    maximum: float
    is_exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A first look at a column.

    Attributes:
        filled: Values that are not NULL.
        distinct: Different values.
        points: Minimum, 1st percentile, median, 99th percentile and maximum, without what is infinite or not
            a number; None where nothing is left.
    """

    filled: int
    distinct: int
    points: tuple[float, ...] | None = None


def unit_of(type_: str) -> Unit | None:
    """What a column of this type counts; None for what has no place on a scale."""
    if _INTEGERS.fullmatch(type_):
        return "whole"
    if type_.startswith("TIMESTAMP"):
        return "instant"
    if type_.startswith("ENUM("):
        return "characters"
    return "number" if type_.startswith("DECIMAL(") else _UNITS.get(type_)


def look(column: str, type_: str, *, is_exact: bool) -> str:
    """SQL for the fields of a `Look`, as a struct.

    Args:
        column: Its name, quoted.
        type_: Its type, as DuckDB writes it.
        is_exact: Look at every value, which takes a few bytes for each.
    """
    # by a hash: texts of any length would be kept in memory
    distinct = f"count(DISTINCT hash({column})) FILTER ({column} IS NOT NULL)"
    found = {"filled": f"count({column})"}
    found["distinct"] = distinct if is_exact else f"approx_count_distinct({column})"
    if unit := unit_of(type_):
        x = _measured(column, type_, unit)
        exact = f"quantile_disc({x}, [0, 0.01, 0.5, 0.99, 1])"
        estimated = f"list_concat([min({x})], approx_quantile({x}, [0.01, 0.5, 0.99]), [max({x})])"
        found["points"] = exact if is_exact else estimated
    return _struct(found)


def closer_look(column: str, name: str, type_: str, seen: Look, *, is_exact: bool) -> str:
    """SQL for a struct of counts by bin, ``bins``, and by value, ``listed``; each where it is wanted."""
    is_listed = _is_listed(name, type_, seen, most=MOST_VALUES * (1 if is_exact else _MARGIN))
    found = {"listed": f"histogram(CAST({column} AS VARCHAR))"} if is_listed else {}
    scale = scale_of(type_, seen)
    unit = unit_of(type_)
    if scale and unit and not (found and is_exact):
        found["bins"] = f"histogram({_bin(_measured(column, type_, unit), scale)})"
    return _struct(found) if found else "any_value(NULL)"  # one row, whatever is asked


def distribution_of(
    type_: str,
    seen: Look,
    found: Mapping[str, Mapping[str, int] | Mapping[int, int]] | None,
    *,
    is_exact: bool,
) -> Shares | Histogram | None:
    """The distribution that two looks at a column have shown; None where it has none to show."""
    found = found or {}
    listed = {str(value): rows for value, rows in (found.get("listed") or {}).items()}
    if 0 < len(listed) <= MOST_VALUES:
        return Shares(tuple(sorted(listed.items(), key=lambda each: (-each[1], each[0]))))
    bins = {int(place): rows for place, rows in (found.get("bins") or {}).items()}
    scale, unit = scale_of(type_, seen), unit_of(type_)
    if not (scale and unit and seen.points and bins):
        return None
    return Histogram(
        unit=unit,
        scale=scale,
        counts=tuple(bins.get(place, 0) for place in range(scale.bins)),
        below=bins.get(-1, 0),
        above=bins.get(scale.bins, 0),
        minimum=seen.points[0],
        median=seen.points[2],
        maximum=seen.points[4],
        is_exact=is_exact,
    )


def scale_of(type_: str, seen: Look) -> Scale | None:
    """Bins for the values of a column, without those of an outer hundredth that are far from all others."""
    if not seen.points:
        return None
    least, low, _, high, most = seen.points
    spread = high - low
    low = least if not spread or low - least <= spread else low - spread * _LEEWAY
    high = most if not spread or most - high <= spread else high + spread * _LEEWAY
    if unit_of(type_) in {"whole", "day", "characters"}:
        low, high = float(math.floor(low)), float(math.ceil(high))
        span = high - low + 1
        step = 1 if span <= _MOST_SINGLE else math.ceil(span / _BINS)
        return Scale(low, high, float(step), math.ceil(span / step))
    width = high / _BINS - low / _BINS  # the difference alone can be infinite
    is_wide = width > _SMALLEST_WIDTH
    return Scale(low, high, width, _BINS) if is_wide else Scale(low, high, 0.0, 1)


def _is_listed(name: str, type_: str, seen: Look, *, most: int) -> bool:
    if type_ == "BOOLEAN":
        return True
    return (
        unit_of(type_) == "characters"
        and name not in FREE_TEXTS
        and seen.points is not None
        and seen.points[-1] <= LONGEST_VALUE
        and seen.distinct <= most
        and seen.distinct * 2 <= seen.filled  # what is not repeated tells of one row each
    )


def _measured(column: str, type_: str, unit: Unit) -> str:
    """SQL for the place of a value on a scale; NULL for what is infinite or not a number."""
    match unit:
        case "characters":
            return f"CAST(length(CAST({column} AS VARCHAR)) AS DOUBLE)"
        case "instant":
            return f"epoch({column})"
        case "day":
            return f"epoch({column}) / 86400"
    number = f"CAST({column} AS DOUBLE)"
    return f"CASE WHEN isfinite({column}) THEN {number} END" if type_ in {"FLOAT", "DOUBLE"} else number


def _bin(x: str, scale: Scale) -> str:
    """SQL for the bin of a value, from 0; -1 and the number of bins for what lies outside of all."""
    if not scale.width:
        return f"CASE WHEN {x} IS NOT NULL THEN 0 END"
    low, high, half = (f"{each!r}::DOUBLE" for each in (scale.low, scale.high, scale.width / 2))
    place = f"floor(({x} / 2 - {low} / 2) / {half})"  # halves, for a difference can be infinite
    return f"""CASE
        WHEN {x} < {low} THEN -1
        WHEN {x} > {high} THEN {scale.bins}
        WHEN {x} IS NOT NULL THEN CAST(least({place}, {scale.bins - 1}) AS INTEGER)
    END"""


def _struct(fields: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"'{name}': {value}" for name, value in fields.items()) + "}"
