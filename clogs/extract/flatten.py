"""Scanned documents as rows with the columns of ``raw.conversations``, by expressions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from clogs.schema import COLUMNS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC) - _EPOCH) // _MICROSECOND

_INSTANTS = {column.name: column.field for column in COLUMNS if column.field and column.kind == "instant"}
"""Columns, and their fields."""

_USUAL = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d\.\d{3}Z$"
"""How Claude Code writes instants."""


def flatten(scanned: pl.LazyFrame) -> pl.LazyFrame:
    """Turn the rows of `clogs.extract.rows.SCANNED` into those of ``raw.conversations``.

    Returns:
        The same rows, with the table's columns and those of `SCANNED`. A row whose document does not fit has
        every reason in ``reasons``. ``version`` is a hash of the document: it holds for one version of
        Polars, and after another one is installed, the lookback window is landed once more.
    """
    return (
        scanned.with_columns(
            *(_microseconds(name) for name in _INSTANTS),
            pl.col("message_raw", "entry_raw").cast(pl.String),  # JSON is UTF-8
            version=pl.col("raw").hash(seed=1),
        )
        .with_columns(reasons=with_reasons(*(_misfit(name, field) for name, field in _INSTANTS.items())))
        .with_columns(_instant(name) for name in _INSTANTS)
        .with_columns(date=pl.coalesce("timestamp", "ingested_at", "extracted_at").dt.date())
    )


def with_reasons(*reasons: pl.Expr) -> pl.Expr:
    """The column ``reasons`` with more of them, of which most are null."""
    lines = pl.concat_str("reasons", *reasons, separator="\n", ignore_nulls=True)
    return pl.when(lines != "").then(lines)


def _microseconds(name: str) -> pl.Expr:
    """An instant in microseconds since 1970, UTC, as ``<name>_us``; null where it is absent or none."""
    text, ms = pl.col(name), pl.col(f"{name}_ms")
    usual = pl.when(text.str.contains(_USUAL)).then(text)
    rare = pl.when(~text.str.contains(_USUAL)).then(text)
    moment = usual.str.to_datetime("%Y-%m-%dT%H:%M:%S%.3fZ", time_unit="us", strict=False, cache=False)
    in_range = pl.when(ms.is_between(_FIRST // 1000, _LAST // 1000)).then(ms * 1000)
    return pl.coalesce(
        moment.cast(pl.Int64), in_range, rare.map_elements(_parsed, return_dtype=pl.Int64)
    ).alias(f"{name}_us")


def _parsed(text: str) -> int | None:
    """Microseconds since 1970 in UTC of an ISO 8601 text; without a time zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


def _misfit(name: str, field: str) -> pl.Expr:
    """Why an instant does not fit; null where it does, or is absent."""
    us, is_date = pl.col(f"{name}_us"), pl.col(f"{name}_ms").is_not_null()
    return (
        pl.when(us.is_null() & pl.col(name).is_not_null())
        .then(pl.lit(f"{field} is not an ISO 8601 date and time"))
        .when(~us.is_between(_FIRST, _LAST) | (us.is_null() & is_date))
        .then(pl.lit(f"{field} is out of the years 1 to 9999"))
    )


def _instant(name: str) -> pl.Expr:
    us = pl.col(f"{name}_us")
    return pl.when(us.is_between(_FIRST, _LAST)).then(us).cast(pl.Datetime("us", "UTC")).alias(name)
