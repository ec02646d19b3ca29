"""A row per document: what takes Python's types is done here, all else by expressions in `flatten`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import msgspec
import polars as pl

from clogs.landing.files import POLARS_TYPES
from clogs.mongo import Document, Reply, field_at, id_text, jsonable, milliseconds, moment_of
from clogs.schema import COLUMNS, Column

FILLED = tuple(column for column in COLUMNS if column.field)
"""The columns that are made of one field each."""

_FIELDS = tuple(str(column.field) for column in FILLED)
_ABSENT = (None,) * len(_FIELDS)

SCANNED = pl.Schema(
    {
        "raw": pl.Binary(),
        "_id": pl.String(),
        **{column.name: pl.Boolean() if column.kind == "boolean" else pl.String() for column in FILLED},
        **{f"{column.name}_ms": pl.Int64() for column in FILLED if column.kind == "instant"},
        "message_role": pl.String(),
        "message_content": pl.String(),
        "message_raw": pl.Binary(),
        "entry_raw": pl.Binary(),
        "moment": pl.Int64(),
        "extracted_at": POLARS_TYPES["instant"],
        "reasons": pl.String(),
        "line": pl.String(),
        "position": pl.String(),
    }
)
"""A row per document, its BSON in ``raw``; where that cannot be decoded, all else is null but ``reasons``.

Fields are named as in ``raw.conversations``. Instants are texts, or milliseconds since 1970, UTC, in a
column that ends in ``_ms``; ``moment`` is the Date in the watermark field, likewise. ``message_raw`` and
``entry_raw`` are JSON. ``reasons`` say, in a line each, which values do not fit their columns, and are null
there. ``line`` and ``position`` are those of `clogs.mongo.Reply`, the latter in the last row of each.
"""

_to_json = msgspec.json.Encoder(enc_hook=jsonable).encode


def rows_of(reply: Reply, *, exclude: Sequence[str], watermark_field: str) -> pl.DataFrame:
    """Make the rows of a reply, without ``extracted_at``; its documents are used up."""
    reasons = {row: each for row, each in enumerate(reply.documents) if isinstance(each, str)}
    documents = [{} if isinstance(each, str) else each for each in reply.documents]
    _drop(documents, exclude)
    _count_patches(documents)
    others = [None if row in reasons else document for row, document in enumerate(documents)]
    for row, document in enumerate(others):
        if document is not None and "_id" not in document:
            reasons[row] = "_id is absent"
    moments = [milliseconds(field_at(document, watermark_field)) for document in documents]
    ids = [id_text(document.pop("_id")) if "_id" in document else None for document in documents]
    messages = [document.pop("message", None) for document in documents]
    fields = [list(map(document.pop, _FIELDS, _ABSENT)) for document in documents]
    nothing = [None] * len(documents)
    # 20,000 documents take 0.05 s of CPU here, and 0.10 s by `json_decode` and `list.eval`, which
    # would also take an object for a list of one, and write numbers in its own way.
    spoken = list(map(_role_and_content, messages))
    series = [
        series
        for index, column in enumerate(FILLED)
        for series in series_of(column, [values[index] for values in fields], reasons)
    ]
    return pl.DataFrame(
        [
            pl.Series("raw", reply.raw, dtype=pl.Binary),
            pl.Series("_id", ids, dtype=pl.String),
            *series,
            pl.Series("message_role", [role for role, _ in spoken], dtype=pl.String),
            pl.Series("message_content", [content for _, content in spoken], dtype=pl.String),
            _json("message_raw", [None if isinstance(message, str) else message for message in messages]),
            _json("entry_raw", others),
            pl.Series("moment", moments, dtype=pl.Int64),
            pl.Series("reasons", map(reasons.get, range(len(documents))), dtype=pl.String),
            pl.Series("line", reply.lines or nothing, dtype=pl.String),
            pl.Series("position", [*nothing[1:], reply.position][: len(documents)], dtype=pl.String),
        ]
    )


def series_of(column: Column, values: Sequence[object], reasons: dict[int, str]) -> list[pl.Series]:
    """Make the column of one field, or both of an instant; the reasons why values do not fit are added."""
    if column.kind == "instant":
        texts = [str(value) if isinstance(value, str) else None for value in values]
        dates = list(map(milliseconds, values))
        for row, value in enumerate(values):
            if value is not None and texts[row] is None and dates[row] is None:
                reason = f"is {_kind(value)}, which is not a date and time of the years 1 to 9999"
                _add(reasons, row, f"{column.field} {reason}")
        return [
            pl.Series(column.name, texts, dtype=pl.String),
            pl.Series(f"{column.name}_ms", dates, dtype=pl.Int64),
        ]
    dtype, convert = SCANNED[column.name], _as_boolean if column.kind == "boolean" else _as_text
    try:
        return [pl.Series(column.name, values, dtype=dtype, strict=True)]
    except (TypeError, ValueError, pl.exceptions.PolarsError):
        pass  # one of them is of another type, so each is converted alone, which takes far longer
    converted: list[object] = []
    for row, value in enumerate(values):
        try:
            converted.append(None if value is None else convert(value))
        except _MisfitError as misfit:
            converted.append(None)
            _add(reasons, row, f"{column.field} {misfit}")
    return [pl.Series(column.name, converted, dtype=dtype)]


def _add(reasons: dict[int, str], row: int, reason: str) -> None:
    reasons[row] = f"{reasons[row]}\n{reason}" if row in reasons else reason


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


def _json(name: str, values: Sequence[object]) -> pl.Series:
    return pl.Series(name, [None if value is None else _to_json(value) for value in values], dtype=pl.Binary)


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


def _count_patches(documents: Sequence[Document]) -> None:
    """Replace the patch of an edit by the numbers of its lines, and drop a result that is only a text."""
    for document in documents:
        result = document.get("toolUseResult")
        if isinstance(result, dict):
            if "structuredPatch" in result:
                result["structuredPatch"] = _lines_changed(result["structuredPatch"])
        elif result is not None:  # it repeats the tool_result block
            del document["toolUseResult"]


def _lines_changed(patch: object) -> dict[str, int] | None:
    """The lines that a patch adds and removes; None where a hunk does not list its lines."""
    hunks = patch if isinstance(patch, list) else [None]
    lines = [hunk.get("lines") if isinstance(hunk, dict) else None for hunk in hunks]
    if not all(isinstance(each, list) for each in lines):
        return None
    marks = [line[:1] for each in lines for line in each or () if isinstance(line, str)]
    return {"added": marks.count("+"), "removed": marks.count("-")}


def _drop(documents: Sequence[Document], exclude: Sequence[str]) -> None:
    for path in exclude:
        parent, _, last = path.rpartition(".")
        top = path.partition(".")[0]
        for document in documents:
            if top in document:
                inner = field_at(document, parent) if parent else document
                if isinstance(inner, dict):
                    inner.pop(last, None)
