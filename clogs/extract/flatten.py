"""Documents into frames: the columns of ``raw.conversations``, and who does not fit them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import polars as pl

from clogs.extract.columns import column_of
from clogs.landing.files import POLARS_TYPES
from clogs.mongo import Document, field_at, id_text, jsonable
from clogs.schema import COLUMNS

_FILLED = tuple(column for column in COLUMNS if column.field)
_FIELDS = tuple(column.field for column in COLUMNS if column.field)
_ABSENT = (None,) * len(_FIELDS)

_to_json = msgspec.json.Encoder(enc_hook=jsonable).encode


@dataclass(frozen=True, slots=True)
class Flattened:
    """Some documents, taken apart.

    Attributes:
        frame: A row per document that fits, in their order: all columns that are filled from the document.
        misfits: The places, from 0, of those that do not fit, and every reason why.
    """

    frame: pl.DataFrame
    misfits: dict[int, list[str]]


Faults = Mapping[int, list[str]]
"""What is wrong with rows, by their places from 0."""


def flatten(
    documents: Sequence[Document],
    *,
    exclude: Sequence[str],
    check: Callable[[pl.DataFrame], Faults] = lambda _rows: {},
) -> Flattened:
    """Turn documents into rows.

    Each document is visited while the CPU's cache still holds it, so a few hundred at a time are best.

    Args:
        documents: As decoded from BSON. They are left as they are but for excluded fields, which are removed.
        exclude: Dotted paths of the fields to leave out, for those that the server sent all the same.
        check: Tells what else is wrong with rows, in which a value that does not fit its column is null.
    """
    _drop(documents, exclude)
    others = [document.copy() for document in documents]
    messages = [document.pop("message", None) for document in others]
    ids = [document.pop("_id", None) for document in others]
    fields = [list(map(document.pop, _FIELDS, _ABSENT)) for document in others]
    misfits = {row: ["_id is absent"] for row, document in enumerate(documents) if "_id" not in document}
    values = zip(*fields, strict=True) if documents else [()] * len(_FIELDS)
    frame = pl.DataFrame(
        [
            pl.Series("_id", map(id_text, ids), dtype=pl.String),
            *(column_of(each, column, misfits) for each, column in zip(values, _FILLED, strict=True)),
            *_messages(messages),
            _json("entry_raw", others),
        ]
    )
    for row, reasons in check(frame).items():
        misfits.setdefault(row, []).extend(reasons)
    if misfits:
        frame = frame.with_row_index("row").filter(~pl.col("row").is_in(list(misfits))).drop("row")
    return Flattened(frame, misfits)


def batch_of(rows: pl.DataFrame, *, extracted_at: datetime | pl.Series) -> pl.DataFrame:
    """Add to rows of `flatten` what does not come from the documents.

    Args:
        rows: All that were read together.
        extracted_at: When they were read, with a time zone; a series says it of each row.

    Returns:
        The columns of ``raw.conversations``, in their order.
    """
    moments = pl.lit(extracted_at.astimezone(UTC)) if isinstance(extracted_at, datetime) else extracted_at
    return (
        rows.with_columns(moments.cast(POLARS_TYPES["instant"]).alias("extracted_at"))
        .with_columns(date=pl.coalesce("timestamp", "ingested_at", "extracted_at").dt.date())
        .select(column.name for column in COLUMNS)
    )


def _messages(messages: Sequence[object]) -> list[pl.Series]:
    """The columns of ``message``."""
    raw = [None if isinstance(message, str) else message for message in messages]
    roles, contents = zip(*map(_role_and_content, messages), strict=True) if messages else ((), ())
    return [
        pl.Series("message_role", roles, dtype=pl.String),
        pl.Series("message_content", contents, dtype=pl.String),
        _json("message_raw", raw),
    ]


def _json(name: str, values: Sequence[object]) -> pl.Series:
    """Values as JSON. Taken as bytes, which spares the way through Python's strings; JSON is UTF-8."""
    encoded = [None if value is None else _to_json(value) for value in values]
    return pl.Series(name, encoded, dtype=pl.Binary).cast(pl.String)


def _role_and_content(message: object) -> tuple[str | None, str | None]:
    if isinstance(message, str):
        return None, message
    if not isinstance(message, dict):
        return None, None
    content = message.get("content")
    text = _lines(content) if isinstance(content, list) else _text(content)
    return _text(message.get("role")), text


def _lines(blocks: Sequence[object]) -> str | None:
    """The text of a list of content blocks, a line or more for each that has one."""
    lines = [line for block in blocks if (line := _line(block)) is not None]
    return "\n".join(lines) if lines else None


def _line(block: object) -> str | None:
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
