"""Documents as rows with the columns of ``raw.conversations``, and why some are rejected."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import polars as pl

from clogs.landing.files import POLARS_TYPES
from clogs.mongo import Document, field_at, id_text, jsonable, milliseconds, moment_of
from clogs.schema import COLUMNS, Column, Kind

Rejected = dict[int, list[str]]
"""Every reason why a document is rejected, by its place among those flattened together, from 0."""

_FILLED = tuple(column for column in COLUMNS if column.field)
_FIELDS = tuple(column.field for column in COLUMNS if column.field)
_ABSENT = (None,) * len(_FIELDS)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC) - _EPOCH) // _MICROSECOND

_to_json = msgspec.json.Encoder(enc_hook=jsonable).encode


def flatten(documents: Sequence[Document], *, exclude: Sequence[str]) -> tuple[pl.DataFrame, Rejected]:
    """Turn documents into rows.

    Each document is visited while the CPU's cache still holds it, so a few hundred at a time are best.

    Args:
        documents: As decoded from BSON. They are left as they are but for excluded fields, which are removed.
        exclude: Dotted paths of the fields to leave out, for those that the server sent all the same.

    Returns:
        A row per document, in their order, with all columns that are filled from the document; and the
        documents that do not fit these columns, whose rows are null there.
    """
    _drop(documents, exclude)
    others = [document.copy() for document in documents]
    messages = [document.pop("message", None) for document in others]
    ids = [document.pop("_id", None) for document in others]
    fields = [list(map(document.pop, _FIELDS, _ABSENT)) for document in others]
    rejected = {row: ["_id is absent"] for row, document in enumerate(documents) if "_id" not in document}
    values = zip(*fields, strict=True) if documents else [()] * len(_FIELDS)
    roles, contents = zip(*map(_role_and_content, messages), strict=True) if messages else ((), ())
    frame = pl.DataFrame(
        [
            pl.Series("_id", map(id_text, ids), dtype=pl.String),
            *(column_of(each, column, rejected) for each, column in zip(values, _FILLED, strict=True)),
            pl.Series("message_role", roles, dtype=pl.String),
            pl.Series("message_content", contents, dtype=pl.String),
            _json("message_raw", [None if isinstance(message, str) else message for message in messages]),
            _json("entry_raw", others),
        ]
    )
    return frame, rejected


def batch_of(rows: pl.DataFrame, *, extracted_at: datetime | pl.Series) -> pl.DataFrame:
    """Add to rows of `flatten` what does not come from the documents.

    Returns:
        The columns of ``raw.conversations``, in their order.
    """
    moments = pl.lit(extracted_at.astimezone(UTC)) if isinstance(extracted_at, datetime) else extracted_at
    return (
        rows.with_columns(moments.cast(POLARS_TYPES["instant"]).alias("extracted_at"))
        .with_columns(date=pl.coalesce("timestamp", "ingested_at", "extracted_at").dt.date())
        .select(column.name for column in COLUMNS)
    )


def column_of(values: Sequence[object], column: Column, rejected: Rejected) -> pl.Series:
    """Build the column of one field."""
    if column.kind != "instant":
        try:
            return pl.Series(column.name, values, dtype=POLARS_TYPES[column.kind], strict=True)
        except (TypeError, ValueError, pl.exceptions.PolarsError):
            pass  # one of them is of another type, so each is converted alone, which takes far longer
    convert = _CONVERT[column.kind]
    converted: list[object] = []
    for row, value in enumerate(values):
        try:
            converted.append(None if value is None else convert(value))
        except _MisfitError as misfit:
            converted.append(None)
            rejected.setdefault(row, []).append(f"{column.field} {misfit}")
    if column.kind == "instant":
        return pl.Series(column.name, converted, dtype=pl.Int64).cast(POLARS_TYPES["instant"])
    return pl.Series(column.name, converted, dtype=POLARS_TYPES[column.kind])


class _MisfitError(Exception):
    """A value does not fit its column."""


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool | int | float):
        return str(value).lower()
    if moment := moment_of(value):
        return moment.isoformat()
    # bson's types stay in the room of MongoDB, so they are recognised by their names
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
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as exc:
            raise _MisfitError("is not an ISO 8601 date and time") from exc
        instant = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
    elif (date := milliseconds(value)) is not None:
        instant = date * 1000
    else:
        raise _MisfitError(f"is {_kind(value)}, which is not a date and time of the years 1 to 9999")
    if not _FIRST <= instant <= _LAST:
        raise _MisfitError("is out of the years 1 to 9999")
    return instant


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


def _json(name: str, values: Sequence[object]) -> pl.Series:
    # As bytes, which spares the way through Python's strings; JSON is UTF-8.
    encoded = [None if value is None else _to_json(value) for value in values]
    return pl.Series(name, encoded, dtype=pl.Binary).cast(pl.String)


def _role_and_content(message: object) -> tuple[str | None, str | None]:
    if isinstance(message, str):
        return None, message
    if not isinstance(message, dict):
        return None, None
    content = message.get("content")
    if isinstance(content, list):
        lines = [line for block in content if (line := _line(block)) is not None]
        return _text(message.get("role")), "\n".join(lines) if lines else None
    return _text(message.get("role")), _text(content)


def _line(block: object) -> str | None:
    """The text of one content block; it can have several lines."""
    if not isinstance(block, dict):
        return str(block) if isinstance(block, str) else None
    match block.get("type"):
        case "text":
            return _text(block.get("text"))
        case "tool_use":
            return f"[tool_use: {_text(block.get('name')) or ''}]"
        case "tool_result":
            return "[tool_result]"
    return None


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return _to_json(value).decode()


def _drop(documents: Sequence[Document], exclude: Sequence[str]) -> None:
    for path in exclude:
        parent, _, last = path.rpartition(".")
        top = path.partition(".")[0]
        for document in documents:
            if top in document:
                inner = field_at(document, parent) if parent else document
                if isinstance(inner, dict):
                    inner.pop(last, None)
