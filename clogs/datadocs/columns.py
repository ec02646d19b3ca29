"""A table's columns as HTML: what each holds, in words and, on a scale, as a nanoplot."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import polars as pl
from great_tables import GT, nanoplot_options
from markupsafe import Markup

from clogs.datadocs.profile import FREE_TEXTS, LONGEST_VALUE, ColumnProfile, TableProfile
from clogs.terminal.text import percent, printable, shortened

# What reacts to the pointer takes 27 of 32 ms and 6 of 10 kB of a nanoplot, and a page has some 220 of them.
_BARS_ALONE = nanoplot_options(
    show_data_points=False,
    show_data_area=False,
    show_vertical_guides=False,
    show_y_axis_guide=False,
    interactive_data_values=False,
)
# great_tables repeats 14 kB of style for each table, in colours for light paper alone. The page has its own
# style, so that its policy need not allow any other.
_TABLE = re.compile(r"<table.*</table>", re.DOTALL)
_STYLES = re.compile(r"<style>.*?</style>|<defs>.*?</defs>| style=\"[^\"]*\"", re.DOTALL)
_LARGE, _LARGEST = 1e3, 1e15
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def column_table(table: TableProfile, *, key: Collection[str], anchor: str) -> Markup:
    """Lay out the columns of a table."""
    frame = pl.DataFrame(
        [_row(column, table.rows, is_key=column.name in key) for column in table.columns],
        schema=["column", "description", "nulls", "distinct", "bars", "values"],
        schema_overrides={"bars": pl.List(pl.Int64)},  # a table may have none
        orient="row",
    )
    drawn = (
        GT(frame, id=anchor, rowname_col="column")
        .tab_stubhead("Column")
        .cols_label(description="What it holds", nulls="NULL", distinct="Distinct", bars="Values")
        .cols_align("right", ["nulls", "distinct"])
        .cols_align("left", "bars")
        .fmt(str, columns=["column", "values"])  # they are HTML already; all else is escaped
        .fmt_nanoplot(
            "bars",
            rows=[index for index, column in enumerate(table.columns) if column.bars],
            plot_type="bar",
            options=_BARS_ALONE,
            alt="Rows by value, from the smallest to the largest: {x}",
        )
        .sub_missing("bars", missing_text="")
        .cols_merge(["bars", "values"], pattern="{0}{1}")
        .as_raw_html()
    )
    return Markup(_STYLES.sub("", "".join(_TABLE.findall(drawn))))  # noqa: S704  # escaped, see above


def _row(column: ColumnProfile, rows: int | None, *, is_key: bool) -> tuple[object, ...]:
    key = Markup(' <span class="key" title="Part of the key">key</span>') if is_key else ""
    name = Markup('<code>{}</code>{}<span class="type">{}</span>')
    return (
        name.format(printable(column.name), key, shortened(column.type)),
        printable(column.description),
        percent((rows - column.filled) / rows) if rows else "–",
        f"{'' if column.is_exact else '≈ '}{column.distinct:,}" if rows else "–",
        list(column.bars) or None,
        _most_frequent(column) if column.values else Markup("{}").format(_range(column)),
    )


def _most_frequent(column: ColumnProfile) -> Markup:
    one = Markup("<li><span>{}</span> {:,}</li>")
    values = [one.format(printable(value) or '""', rows) for value, rows in column.values]
    if more := column.distinct - len(values):
        values.append(Markup("<li>and {}{:,} more</li>").format("" if column.is_exact else "≈ ", more))
    return Markup('<ul class="values">{}</ul>').format(Markup().join(values))


def _range(column: ColumnProfile) -> str:
    """``0 to 14,109, median 12``; of texts that are not shown, why or how long they are."""
    if not column.points:
        return ""
    if column.kind == "text":
        if column.is_exact and column.distinct == column.filled > 1:
            return "unique"
        is_long = column.points[-1] > LONGEST_VALUE or column.name in FREE_TEXTS
        return f"up to {column.points[-1]:,.0f} characters" if is_long else "hardly repeats"
    first, _, median, _, last = (_said(column, point) for point in column.points)
    if first == last:
        return f"always {first}"
    estimated = "" if column.is_exact else "≈ "
    return f"{first} to {last}" + ("" if column.is_key else f", median {estimated}{median}")


def _said(column: ColumnProfile, point: float) -> str:
    """A place on the scale of a column: ``14,109``, ``0.0312``, ``2026-03-01``."""
    if column.kind == "day":
        return f"{_EPOCH + timedelta(days=point):%Y-%m-%d}"
    if column.kind == "instant":
        return f"{_EPOCH + timedelta(seconds=point):%Y-%m-%d %H:%M}"
    if column.is_key:
        return f"{point:.0f}"
    return f"{point:,.0f}" if _LARGE <= abs(point) < _LARGEST else f"{point:.4g}"
