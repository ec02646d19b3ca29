"""Charts of the page, drawn by Altair as SVG, without a script or a server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import altair as alt
import polars as pl
import vl_convert
from markupsafe import Markup

WIDTHS = {"wide": 880, "narrow": 320}
"""In pixels: an SVG shrunk to a phone would have texts too small to read."""

UNITS = (("day", "utcyearmonthdate", 92), ("week", "utcyearweek", 2 * 366), ("month", "utcyearmonth", 10**6))
"""What a bar stands for, how Vega calls it, and up to how many days, so that bars stay wide enough to see."""


def timeline(days: Sequence[tuple[date, int]]) -> Markup:
    """Draw how many documents there are per day, week or month.

    Args:
        days: Days, the earliest first, with their documents.
    """
    if len(days) < 2:  # noqa: PLR2004  # one bar says nothing
        return Markup()
    span = (days[-1][0] - days[0][0]).days
    noun, unit = next((noun, unit) for noun, unit, most in UNITS if span <= most)
    busiest, most = max(days, key=lambda each: each[1])
    caption = f"Documents per {noun}. The busiest day was {busiest}, with {most:,}."
    # Vega reads a date without a time as UTC, whatever the time zone of this machine
    frame = pl.DataFrame({"day": [str(day) for day, _ in days], "documents": [rows for _, rows in days]})
    drawn = [
        Markup('<div class="{}">{}</div>').format(name, _bars(frame, unit, width))
        for name, width in WIDTHS.items()
    ]
    return Markup(
        '<figure class="timeline"><figcaption>{0}</figcaption>'
        '<div role="img" aria-label="{0}">{1}</div></figure>'
    ).format(caption, Markup().join(drawn))


def _bars(frame: pl.DataFrame, unit: str, width: int) -> Markup:
    x = alt.Axis(grid=False, format="%Y-%m-%d", labelBound=True)
    y = alt.Axis(domain=False, ticks=False, tickCount=3)
    chart = (
        alt.Chart(frame, width=width, height=130, padding=8, background="transparent")
        .mark_bar(aria=False)
        .encode(
            x=alt.X(f"{unit}(day):T", title=None, axis=x),
            y=alt.Y("documents:Q", aggregate="sum", title=None, axis=y),
        )
        .properties(autosize=alt.AutoSizeParams(type="fit", contains="padding"))
        .configure_view(stroke=None)
    )
    return Markup(vl_convert.vegalite_to_svg(chart.to_json()))  # noqa: S704  # of days and numbers alone
