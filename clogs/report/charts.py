"""Charts of a report, described by Altair; Vega draws the same in the page, where scripts run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import altair as alt
import vl_convert
from markupsafe import Markup

from clogs.datadocs.charts import UNITS
from clogs.report.figures import Row
from clogs.report.sections import SECTIONS, Section
from clogs.report.text import WEEKDAYS, column_name

Altair = Any
"""Its own types name each word of Vega-Lite."""

WIDTH = 720
"""In pixels, of what is drawn without a script."""
PALETTE = ("#4c8bc9", "#d0812f", "#3f9e78", "#b36bb8", "#c4953a", "#6f7fd8", "#c95f6d", "#7d8a96")
"""Readable on light and on dark paper."""
MOST_BARS, STEP = 12, 22
"""Bars that lie below each other, and the height of each, in pixels."""
TIME_UNIT: Final = "utcyearmonthdate"
"""Replaced by a longer one where the days are many."""
QUANTITY = alt.Axis(domain=False, ticks=False, tickCount=4, format="~s")
TIME = alt.Axis(grid=False, format="%Y-%m-%d", labelBound=True)
LEGEND = alt.Legend(orient="top", columns=2, labelLimit=260)
DAY = alt.Tooltip("day", type="temporal", timeUnit=TIME_UNIT, format="%Y-%m-%d", title="from")


def describe(section: Section, rows: Sequence[Row]) -> dict[str, Any]:
    """The chart of a section's rows as Vega-Lite, as wide as what it stands in."""
    drawn = {"bars": _bars, "days": _days, "heat": _heat, "line": _line, "lines": _lines, "blocks": _blocks}
    height = {"height": STEP * min(len(rows), MOST_BARS)} if section.chart == "bars" else {}
    described: dict[str, Any] = (
        drawn[section.chart or "bars"](alt.Chart(alt.InlineData(values=list(rows))), section)
        .properties(
            width="container",
            background="transparent",
            autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        )
        .configure_view(stroke=None)
        .configure_range(category=list(PALETTE))
        .configure_mark(color=PALETTE[0])
        .to_dict(validate=False)  # of 0.15 s, it takes 0.1
    )
    return described | height


def draw(described: dict[str, Any], days: Sequence[str]) -> Markup:
    """The chart as SVG, for where no script runs; bars stand for weeks or months where days are many."""
    span = (date.fromisoformat(max(days)) - date.fromisoformat(min(days))).days if days else 0
    unit = next(unit for _, unit, most in UNITS if span <= most)
    text = json.dumps(described | {"width": WIDTH}).replace(f'"{TIME_UNIT}"', f'"{unit}"')
    return Markup(vl_convert.vegalite_to_svg(text))  # noqa: S704  # Vega escapes texts


def _bars(chart: Altair, section: Section) -> Altair:
    (name, *_), measure = section.by, section.measures[0]
    return (
        chart.transform_window(place="row_number()")
        .transform_filter(f"datum.place <= {MOST_BARS}")
        .mark_bar(height=14)
        .encode(
            y=alt.Y(name, type="nominal", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False)),
            x=_quantity(measure, alt.X),
            tooltip=_tooltip(name, *section.measures[:3]),
        )
    )


def _days(chart: Altair, section: Section) -> Altair:
    measure, series = section.measures[0], section.by[1:]
    color: Altair = alt.Undefined
    if series:
        color = alt.Color(series[0], type="nominal", title=None, legend=LEGEND)
    return (
        chart.mark_bar()
        .encode(
            x=_day(),
            y=_quantity(measure, alt.Y, "sum"),
            tooltip=[DAY, *_tooltip(*series, measure)],
            color=color,
        )
        .properties(height=200)
    )


def _heat(chart: Altair, section: Section) -> Altair:
    (weekday, hour), (measure, *_) = section.by, section.measures
    hours, weekdays = alt.Scale(domain=list(range(24))), alt.Scale(domain=list(range(7)))
    names = f"{json.dumps(WEEKDAYS)}[datum.value]"
    shades = alt.Scale(range=[0.15, 1])
    return (
        chart.mark_rect(cornerRadius=2)
        .encode(
            x=alt.X(hour, type="ordinal", scale=hours, title=None, axis=alt.Axis(labelAngle=0)),
            y=alt.Y(weekday, type="ordinal", scale=weekdays, title=None, axis=alt.Axis(labelExpr=names)),
            opacity=alt.Opacity(measure, type="quantitative", scale=shades, legend=None),
            tooltip=_tooltip(*section.by, measure),
        )
        .properties(height=7 * STEP)
    )


def _line(chart: Altair, section: Section) -> Altair:
    return (
        _folded(chart, section.measures[:2])
        .mark_line(point=True)
        .encode(
            x=_day(),
            y=alt.Y("value", type="quantitative", aggregate="median", title="seconds", axis=QUANTITY),
        )
        .properties(height=200)
    )


def _lines(chart: Altair, section: Section) -> Altair:
    added, removed = section.measures[:2]
    signed = chart.transform_calculate(**{removed: f"-datum.{removed}"})
    return (
        _folded(signed, [added, removed])
        .mark_bar()
        .encode(
            x=_day(), y=alt.Y("value", type="quantitative", aggregate="sum", title="lines", axis=QUANTITY)
        )
        .properties(height=200)
    )


def _blocks(chart: Altair, section: Section) -> Altair:
    (name,), measure = section.by, section.measures[0]
    bars = chart.mark_bar(width=3).encode(
        x=alt.X(name, type="temporal", title=None, axis=TIME),
        y=_quantity(measure, alt.Y),
        tooltip=_tooltip(name, *section.measures),
    )
    limit = chart.mark_rule(strokeDash=[5, 4], color=PALETTE[1]).encode(y=_quantity(measure, alt.Y, "max"))
    return alt.layer(bars, limit).properties(height=200)


def _folded(chart: Altair, measures: Sequence[str]) -> Altair:
    names = dict(zip(measures, map(column_name, measures), strict=True))
    return (
        chart.transform_fold(list(names), as_=["key", "value"])
        .transform_calculate(series=f"{json.dumps(names)}[datum.key]")
        .encode(
            color=alt.Color("series", type="nominal", title=None, legend=LEGEND),
            tooltip=[DAY, *_tooltip("series"), alt.Tooltip("value", type="quantitative", format=",")],
        )
    )


def _day() -> Altair:
    return alt.X("day", type="temporal", timeUnit=TIME_UNIT, title=None, axis=TIME)


def _quantity(measure: str, channel: Altair, aggregate: str | None = None) -> Altair:
    """A channel of a measure."""
    written = "$,.2~f" if measure.endswith("usd") else "~s"
    axis = alt.Axis(domain=False, ticks=False, tickCount=4, format=written)
    summed = aggregate or alt.Undefined
    return channel(measure, type="quantitative", title=column_name(measure), axis=axis, aggregate=summed)


def _tooltip(*columns: str) -> list[Altair]:
    numbers = {name for section in SECTIONS for name in section.measures}
    found = []
    for name in columns:
        written: Altair = "$,.2f" if name.endswith("usd") else ","
        kind: Altair = "quantitative" if name in numbers else "nominal"
        written = written if name in numbers else alt.Undefined
        found.append(alt.Tooltip(name, title=column_name(name), type=kind, format=written))
    return found
