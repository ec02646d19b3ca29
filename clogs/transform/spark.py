"""DuckDB's SQL in Spark's words, where sqlglot's are others, mean something else, or are missing.

One function per meaning. Times are compared in a session whose time zone is UTC.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from clogs.errors import ModelsError
from clogs.transform.patterns import java_pattern, java_replacement

Translation = Callable[[exp.Expr], exp.Expr]


def to_spark(query: exp.Query) -> str:
    """Translate a SELECT.

    Raises:
        ModelsError: It asks for something that Spark cannot give.
    """
    query = query.copy()
    for node in reversed(list(query.walk())):  # what is inside comes first
        name = node.name.upper() if isinstance(node, exp.Anonymous) else type(node)
        if translate := _TRANSLATIONS.get(name):
            node.replace(translate(node))
    return query.sql("spark", comments=False)


def _call(name: str, *arguments: exp.Expr | None) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=[each for each in arguments if each])


def _type(node: exp.Expr) -> exp.Expr:
    """A time without a zone is one of UTC."""
    return exp.DataType.build("TIMESTAMPTZ") if node.is_type("TIMESTAMPNTZ") else node


def _date_part(name: str) -> Translation:
    return lambda node: exp.cast(_call(name, node.this), "BIGINT")


def _date_format(pattern: str) -> Translation:
    return lambda node: _call("DATE_FORMAT", node.this, exp.Literal.string(pattern))


def _iso_weekday(node: exp.Expr) -> exp.Expr:
    """From 1, a Monday; Spark's week begins with Sunday."""
    since_monday = exp.Mod(
        this=exp.paren(_call("DAYOFWEEK", node.this) + 5), expression=exp.Literal.number(7)
    )
    return exp.paren(since_monday + 1)


def _weekday(node: exp.Expr) -> exp.Expr:
    """From 0, a Sunday."""
    return exp.paren(_call("DAYOFWEEK", node.this) - 1)


def _logarithm(node: exp.Expr) -> exp.Expr:
    """To the base 10, unless it has another."""
    return node if node.expression else _call("LOG10", node.this)


def _date_diff(node: exp.Expr) -> exp.Expr:
    """Milliseconds by the clock, as DuckDB counts them: Spark would drop what is left of each."""
    if node.text("unit").upper() != "MILLISECOND":
        unit = node.text("unit").lower()
        raise ModelsError(f"Spark has no DATE_DIFF in {unit}s as DuckDB counts them.")
    later, earlier = (_call("UNIX_MILLIS", each) for each in (node.this, node.expression))
    return exp.paren(exp.Sub(this=later, expression=earlier))


def _quantile(node: exp.Expr) -> exp.Expr:
    """The exact one, of both forms."""
    return _call("PERCENTILE", node.this, node.expression) if node.expression else node


def _within_group(node: exp.Expr) -> exp.Expr:
    if not isinstance(node.this, exp.PercentileCont):
        return node
    (ordered,) = node.expression.expressions
    return _call("PERCENTILE", ordered.this, node.this.this)


def _best(name: str) -> Translation:
    """The value of the row that is first or last; a row without one does not count."""

    def translate(node: exp.Expr) -> exp.Expr:
        is_given = node.this.copy().is_(exp.null()).not_()
        return exp.Filter(this=_call(name, node.this, node.expression), expression=exp.Where(this=is_given))

    return translate


def _filter(node: exp.Expr) -> exp.Expr:
    """One condition, where an aggregate brings one of its own."""
    inner = node.this
    if isinstance(inner, exp.Filter):
        both = exp.and_(inner.expression.this, node.expression.this)
        return exp.Filter(this=inner.this, expression=exp.Where(this=both))
    return _null_if_empty(node) if isinstance(inner, exp.ArrayAgg) else node


def _list(node: exp.Expr) -> exp.Expr:
    if isinstance(node.this, exp.Order):
        raise ModelsError("Spark's lists have no order: sort what LIST gives.")
    return node if isinstance(node.parent, exp.Filter) else _null_if_empty(node)


def _null_if_empty(values: exp.Expr) -> exp.Expr:
    """A list of values, or NULL where there are none."""
    is_empty = exp.EQ(this=_call("SIZE", values.copy()), expression=exp.Literal.number(0))
    return exp.If(this=is_empty, true=exp.null(), false=values.copy())


def _window(node: exp.Expr) -> exp.Expr:
    """An aggregate of some rows of a window."""
    inner = node.this
    if isinstance(inner, exp.Filter):
        condition = inner.expression.this
        of = inner.this.this
        counted = exp.Literal.number(1) if isinstance(of, exp.Star) else of
        inner.this.set("this", exp.Case().when(condition, counted))
        node.set("this", inner.this)
    elif isinstance(inner, (exp.RowNumber, exp.Rank, exp.DenseRank)):
        return exp.cast(node.copy(), "BIGINT")
    return node


def _series(node: exp.Expr) -> exp.Expr:
    return _call("SEQUENCE", node.args["start"], node.args["end"], node.args.get("step"))


def _unnest(node: exp.Expr) -> exp.Expr:
    if node.args.get("offset"):
        raise ModelsError("Spark counts the rows of UNNEST ... WITH ORDINALITY from 0.")
    return node


def _element(node: exp.Expr) -> exp.Expr:
    """An element by its place from 1; NULL beyond the ends."""
    values, place = node.expressions
    return _call("GET", values, exp.Sub(this=exp.paren(place), expression=exp.Literal.number(1)))


def _reduce(node: exp.Expr) -> exp.Expr:
    values, step, first = node.expressions
    return _call("AGGREGATE", values, first, step)


def _row(node: exp.Expr) -> exp.Expr:
    return _call("STRUCT", *node.expressions)


def _matches(node: exp.Expr) -> exp.Expr:
    node.set("expression", _pattern(node.expression))
    return node


def _extract(node: exp.Expr) -> exp.Expr:
    group = node.args.get("group") or exp.Literal.number(0)
    return _call("REGEXP_EXTRACT", node.this, _pattern(node.expression), group)


def _replace(node: exp.Expr) -> exp.Expr:
    """The first match; Spark replaces all, so it must be one that cannot come twice."""
    pattern = node.expression.name
    if node.text("modifiers") != "g" and not (pattern.startswith("^") or pattern.endswith("$")):
        raise ModelsError(f"Spark replaces every match: REGEXP_REPLACE of {pattern!r} needs the option 'g'.")
    new = exp.Literal.string(java_replacement(node.args["replacement"].name))
    return _call("REGEXP_REPLACE", node.this, _pattern(node.expression), new)


def _pattern(pattern: exp.Expr) -> exp.Expr:
    if not pattern.is_string:
        raise ModelsError(f"Spark needs a constant pattern: {pattern.sql('duckdb')}")
    return exp.Literal.string(java_pattern(pattern.name))


_TRANSLATIONS: dict[object, Translation] = {
    exp.ArgMax: _best("MAX_BY"),
    exp.ArgMin: _best("MIN_BY"),
    exp.ArrayAgg: _list,
    exp.DateDiff: _date_diff,
    exp.DataType: _type,
    exp.Dayname: _date_format("EEEE"),
    exp.DayOfWeek: _weekday,
    exp.DayOfWeekIso: _iso_weekday,
    exp.Filter: _filter,
    exp.GenerateSeries: _series,
    exp.Log: _logarithm,
    exp.Monthname: _date_format("MMMM"),
    exp.PercentileCont: _quantile,
    exp.RegexpExtract: _extract,
    exp.RegexpLike: _matches,
    exp.RegexpReplace: _replace,
    exp.Week: _date_part("WEEKOFYEAR"),
    exp.Unnest: _unnest,
    exp.Window: _window,
    exp.WithinGroup: _within_group,
    "LIST_EXTRACT": _element,
    "LIST_REDUCE": _reduce,
    "ROW": _row,
}
