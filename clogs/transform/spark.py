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
    return _unpacked(node) if isinstance(inner, exp.ArrayAgg) else node


def _list(node: exp.Expr) -> exp.Expr:
    """Values in structs, as Spark's lists leave out NULL."""
    if isinstance(node.this, exp.Order):
        raise ModelsError("Spark's lists have no order: sort what LIST gives.")
    is_distinct = isinstance(node.this, exp.Distinct)
    (value,) = node.this.expressions if is_distinct else (node.this,)
    packed = _call("NAMED_STRUCT", exp.Literal.string("value"), value)
    node.set("this", exp.Distinct(expressions=[packed]) if is_distinct else packed)
    return node if isinstance(node.parent, exp.Filter) else _unpacked(node)


def _unpacked(packed: exp.Expr) -> exp.Expr:
    """The values of a list of structs, or NULL where there are none."""
    is_empty = exp.EQ(this=_call("SIZE", packed.copy()), expression=exp.Literal.number(0))
    value = exp.Lambda(this=exp.column("value", "each"), expressions=[exp.to_identifier("each")])
    return exp.If(this=is_empty, true=exp.null(), false=_call("TRANSFORM", packed.copy(), value))


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
    """A list that is empty where the end comes first; Spark would count down."""
    start, end, step = node.args["start"], node.args["end"], node.args.get("step")
    if node.args.get("is_end_exclusive"):
        raise ModelsError("Spark's sequences have their end in them: use GENERATE_SERIES in place of RANGE.")
    series = _call("SEQUENCE", start, end, step)
    if step:  # by which Spark knows the direction, and refuses another
        return series
    return exp.If(this=exp.LT(this=end.copy(), expression=start.copy()), true=_call("ARRAY"), false=series)


def _unnest(node: exp.Expr) -> exp.Expr:
    if node.args.get("offset"):
        raise ModelsError("Spark counts the rows of UNNEST ... WITH ORDINALITY from 0.")
    return node


def _element(node: exp.Expr) -> exp.Expr:
    """An element by its place from 1, or from the end if it is negative; NULL beyond the ends."""
    values, place = node.expressions
    return _call("TRY_ELEMENT_AT", values, exp.Nullif(this=place, expression=exp.Literal.number(0)))


def _sorted(node: exp.Expr) -> exp.Expr:
    """In ascending order, NULL last."""
    if node.args.get("asc"):
        raise ModelsError(
            "Spark sorts a list in ascending order only: use LIST_SORT of nothing but the list."
        )
    return _call("ARRAY_SORT", node.this)


def _distinct(node: exp.Expr) -> exp.Expr:
    """Each value once, without NULL."""
    return _call("ARRAY_COMPACT", _call("ARRAY_DISTINCT", node.this))


def _reduce(node: exp.Expr) -> exp.Expr:
    values, step, first = node.expressions
    return _call("AGGREGATE", values, first, step)


def _row(node: exp.Expr) -> exp.Expr:
    return _call("STRUCT", *node.expressions)


def _matches(node: exp.Expr) -> exp.Expr:
    node.set("expression", exp.Literal.string(_pattern(node)))
    return node


def _extract(name: str) -> Translation:
    def translate(node: exp.Expr) -> exp.Expr:
        group = node.args.get("group") or exp.Literal.number(0)
        return _call(name, node.this, exp.Literal.string(_pattern(node)), group)

    return translate


def _replace(node: exp.Expr) -> exp.Expr:
    """The first match, with what comes before it, as Spark replaces all; or all by the option 'g'."""
    pattern, new = _pattern(node), _constant(node.args["replacement"])
    if node.text("modifiers") == "g":
        new = java_replacement(new)
    else:
        pattern, new = rf"^([\s\S]*?)({pattern})", f"$1{java_replacement(new, groups_before=2)}"
    return _call("REGEXP_REPLACE", node.this, *map(exp.Literal.string, (pattern, new)))


def _pattern(node: exp.Expr) -> str:
    """The pattern of a function, in Java's words."""
    options = "".join(map(node.text, ("flag", "parameters", "modifiers")))
    if options not in {"", "g"}:
        raise ModelsError(f"Spark has no option {options!r} of a pattern: begin it with (?i) or (?s).")
    return java_pattern(_constant(node.expression))


def _constant(text: exp.Expr) -> str:
    if not text.is_string:
        raise ModelsError(f"Spark needs a constant pattern and replacement: {text.sql('duckdb')}")
    return text.name


_TRANSLATIONS: dict[object, Translation] = {
    exp.ArgMax: _best("MAX_BY"),
    exp.ArgMin: _best("MIN_BY"),
    exp.ArrayAgg: _list,
    exp.ArrayDistinct: _distinct,
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
    exp.RegexpExtract: _extract("REGEXP_EXTRACT"),
    exp.RegexpExtractAll: _extract("REGEXP_EXTRACT_ALL"),
    exp.RegexpLike: _matches,
    exp.RegexpReplace: _replace,
    exp.RegexpSplit: _matches,
    exp.Week: _date_part("WEEKOFYEAR"),
    exp.SortArray: _sorted,
    exp.Unnest: _unnest,
    exp.Window: _window,
    exp.WithinGroup: _within_group,
    "LIST_EXTRACT": _element,
    "LIST_REDUCE": _reduce,
    "ROW": _row,
}
