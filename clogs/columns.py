"""The values of one field of many documents, as one typed column."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from clogs.schemas import Column, Kind

if TYPE_CHECKING:
    from clogs.mongo import Document

POLARS_TYPES: dict[Kind, pl.DataType] = {
    "text": pl.String(),
    "instant": pl.Datetime("us", "UTC"),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
}

_USUAL_TYPES: dict[Kind, type] = {"text": str, "instant": datetime, "boolean": bool}
"""What a column is built from at once. Polars would take more, and a number for an instant."""

_ISO_INSTANT = r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](\.[0-9]+)?Z$"
_ISO_FORMAT = "%Y-%m-%dT%H:%M:%S%.fZ"
"""Lenient alone: it would take the years 0 and +12345, a second 60 and white space."""


class _MisfitError(Exception):
    """A value that does not fit its column."""


def column_of(documents: Sequence[Document], column: Column, misfits: dict[int, list[str]]) -> pl.Series:
    """Build the column of one field: at once where every value has the usual type, else one by one.

    Args:
        documents: The batch.
        column: A column that is filled from a field.
        misfits: Gets a reason for each document whose value cannot be converted, by its place from 0.

    Returns:
        As many values as there are documents; null where the field is absent, null or a misfit.
    """
    values = [document.get(column.field or "") for document in documents]
    types = set(map(type, values)) - {type(None)}
    if types <= {_USUAL_TYPES[column.kind]}:
        return pl.Series(column.name, values, dtype=POLARS_TYPES[column.kind])
    if column.kind == "instant" and types == {str}:
        texts = pl.Series(column.name, values, dtype=pl.String)
        instants = texts.str.to_datetime(_ISO_FORMAT, time_unit="us", time_zone="UTC", strict=False)
        if texts.str.contains(_ISO_INSTANT).all() and instants.null_count() == texts.null_count():
            return instants
    return _converted(column, values, misfits)


def _converted(column: Column, values: Sequence[object], misfits: dict[int, list[str]]) -> pl.Series:
    convert = _CONVERT[column.kind]
    converted: list[object] = []
    for row, value in enumerate(values):
        try:
            converted.append(None if value is None else convert(value))
        except _MisfitError as misfit:
            converted.append(None)
            misfits.setdefault(row, []).append(f"{column.field} {misfit}")
    return pl.Series(column.name, converted, dtype=POLARS_TYPES[column.kind])


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool | int | float):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
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


def _as_instant(value: object) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as exc:
            raise _MisfitError("is no ISO 8601 date and time") from exc
    if not isinstance(value, datetime):
        raise _MisfitError(f"is {_kind(value)}, which is no date and time of the years 1 to 9999")
    try:
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as exc:
        raise _MisfitError("is out of the years 1 to 9999") from exc


def _kind(value: object) -> str:
    name = type(value).__name__
    return _KINDS.get(name, f"of BSON type {name}")


_KINDS = {
    "bool": "a truth value",
    "datetime": "a date",
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
