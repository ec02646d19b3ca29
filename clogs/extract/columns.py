"""The values of one field of many documents, as one typed column."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import polars as pl

from clogs.landing.files import POLARS_TYPES
from clogs.mongo import milliseconds, moment_of
from clogs.schema import Column, Kind

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC) - _EPOCH) // _MICROSECOND


class _MisfitError(Exception):
    """A value that does not fit its column."""


def column_of(values: Sequence[object], column: Column, misfits: dict[int, list[str]]) -> pl.Series:
    """Build the column of one field: at once where every value has its type, else one by one.

    Args:
        values: The field's value in each document; None where it is absent.
        column: A column that is filled from a field.
        misfits: Gets a reason for each document whose value cannot be converted, by its place from 0.

    Returns:
        As many values as there are documents; null where the field is absent, null or a misfit.
    """
    if column.kind != "instant":
        try:
            return pl.Series(column.name, values, dtype=POLARS_TYPES[column.kind], strict=True)
        except (TypeError, ValueError, pl.exceptions.PolarsError):
            pass  # one of them is of another type
    convert = _CONVERT[column.kind]
    converted: list[object] = []
    for row, value in enumerate(values):
        try:
            converted.append(None if value is None else convert(value))
        except _MisfitError as misfit:
            converted.append(None)
            misfits.setdefault(row, []).append(f"{column.field} {misfit}")
    if column.kind == "instant":
        return pl.Series(column.name, converted, dtype=pl.Int64).cast(POLARS_TYPES["instant"])
    return pl.Series(column.name, converted, dtype=POLARS_TYPES[column.kind])


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool | int | float):
        return str(value).lower()
    if moment := moment_of(value):
        return moment.isoformat()
    if isinstance(value, uuid.UUID) or type(value).__name__ in {"ObjectId", "Decimal128"}:
        return str(value)
    raise _MisfitError(f"is {_kind(value)}, which does not fit a text column")


def _as_boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise _MisfitError(f"is {_kind(value)}, which is neither true nor false")


def _as_instant(value: object) -> int:
    """Microseconds since 1970 in UTC; a text without a time zone is UTC."""
    if isinstance(value, str):
        instant = _microseconds(value)
    elif (date := milliseconds(value)) is not None:
        instant = date * 1000
    else:
        raise _MisfitError(f"is {_kind(value)}, which is no date and time of the years 1 to 9999")
    if not _FIRST <= instant <= _LAST:
        raise _MisfitError("is out of the years 1 to 9999")
    return instant


def _microseconds(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise _MisfitError("is no ISO 8601 date and time") from exc
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


def _kind(value: object) -> str:
    name = type(value).__name__
    return _KINDS.get(name, f"of BSON type {name}")


_KINDS = {
    "bool": "a truth value",
    "DatetimeMS": "a date",
    "dict": "an object",
    "float": "a number",
    "int": "a number",
    "Int64": "a number",
    "list": "an array",
    "str": "text",
}

_CONVERT: dict[Kind, Callable[[object], object]] = {
    "text": _as_text,
    "instant": _as_instant,
    "boolean": _as_boolean,
}
