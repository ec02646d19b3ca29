"""Documents into one frame: the columns of ``raw.conversations``, and who does not fit them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import polars as pl

from clogs.columns import POLARS_TYPES, column_of
from clogs.mongo import Document, field_at, id_text, jsonable
from clogs.schemas import COLUMNS

_OWN_FIELDS = frozenset({"_id", "message"} | {column.field for column in COLUMNS if column.field})
_BLOCK_FIELDS = ("type", "text", "name")
_MESSAGE = pl.Struct({"content": pl.List(pl.Struct(dict.fromkeys(_BLOCK_FIELDS, pl.String())))})

_to_json = msgspec.json.Encoder(enc_hook=jsonable).encode


@dataclass(frozen=True, slots=True)
class Flattened:
    """One batch of documents, taken apart.

    Attributes:
        frame: A row per document that fits, in their order, with the columns of ``raw.conversations``.
        misfits: The places, from 0, of those that do not fit, and every reason why.
    """

    frame: pl.DataFrame
    misfits: dict[int, list[str]]


def flatten(documents: Sequence[Document], *, extracted_at: datetime, exclude: Sequence[str]) -> Flattened:
    """Turn documents into rows.

    Args:
        documents: As decoded from BSON. Excluded nested fields are removed from them in place.
        extracted_at: When they were read, with a time zone.
        exclude: Dotted paths of the fields to leave out, for those that the server sent all the same.
    """
    _drop(documents, exclude)
    misfits = {row: ["_id is absent"] for row, document in enumerate(documents) if "_id" not in document}
    series = [column_of(documents, column, misfits) for column in COLUMNS if column.field]
    frame = (
        pl.DataFrame(series)
        .with_columns(
            pl.Series("_id", [id_text(document.get("_id")) for document in documents], dtype=pl.String),
            pl.lit(extracted_at.astimezone(UTC)).cast(POLARS_TYPES["instant"]).alias("extracted_at"),
            pl.Series("entry_raw", [_entry(document) for document in documents], dtype=pl.String),
            *_messages([document.get("message") for document in documents]),
        )
        .with_columns(date=pl.coalesce("timestamp", "ingested_at", "extracted_at").dt.date())
        .with_columns(content_from_blocks().alias("blocks"))
        .with_columns(message_content=pl.coalesce("message_content", "blocks"))
        .select(column.name for column in COLUMNS)
    )
    if misfits:
        frame = frame.with_row_index("row").filter(~pl.col("row").is_in(list(misfits))).drop("row")
    return Flattened(frame, misfits)


def content_from_blocks() -> pl.Expr:
    """The text of a list of content blocks, by vectorised expressions.

    Reads:
        ``message_blocks``: the JSON of an object with the list ``content``, or null.

    Gives:
        Its texts, ``[tool_use: NAME]`` and ``[tool_result]``, joined by newlines; null if there are none.
    """
    kind = pl.element().struct.field("type")
    tool = pl.concat_str(pl.lit("[tool_use: "), pl.element().struct.field("name").fill_null(""), pl.lit("]"))
    line = (
        pl.when(kind == "text")
        .then(pl.element().struct.field("text"))
        .when(kind == "tool_use")
        .then(tool)
        .when(kind == "tool_result")
        .then(pl.lit("[tool_result]"))
    )
    content = pl.col("message_blocks").str.json_decode(_MESSAGE).struct.field("content")
    lines = content.list.eval(line).list.drop_nulls()
    return pl.when(lines.list.len() > 0).then(lines.list.join("\n"))


def _messages(messages: Sequence[object]) -> list[pl.Series]:
    """The columns of ``message``, and ``message_blocks`` for `content_from_blocks` to complete them."""
    names = ("message_role", "message_content", "message_raw", "message_blocks")
    rows = [_message(message) for message in messages]
    return [
        pl.Series(name, [row[place] for row in rows], dtype=pl.String) for place, name in enumerate(names)
    ]


def _message(message: object) -> tuple[str | None, str | None, str | None, str | None]:
    if message is None or isinstance(message, str):
        return None, message, None, None
    raw = _to_json(message).decode()
    if not isinstance(message, dict):
        return None, None, raw, None
    role, content = message.get("role"), message.get("content")
    role = role if role is None else _json_text(role)
    if not isinstance(content, list):
        return role, content if content is None else _json_text(content), raw, None
    if all(map(_is_plain_block, content)):
        return role, None, raw, raw
    return role, None, raw, _to_json({"content": [_plain_block(block) for block in content]}).decode()


def _is_plain_block(block: object) -> bool:
    return type(block) is dict and all(type(block.get(field, "")) is str for field in _BLOCK_FIELDS)


def _plain_block(block: object) -> dict[str, str]:
    """A block that a list of structs can hold, whatever the original is: all its fields are text."""
    if isinstance(block, str):
        return {"type": "text", "text": str(block)}
    if not isinstance(block, dict):
        return {}
    present = [field for field in _BLOCK_FIELDS if block.get(field) is not None]
    return {field: _json_text(block[field]) for field in present}


def _json_text(value: object) -> str:
    return str(value) if isinstance(value, str) else _to_json(value).decode()


def _entry(document: Document) -> str:
    return _to_json({key: value for key, value in document.items() if key not in _OWN_FIELDS}).decode()


def _drop(documents: Sequence[Document], exclude: Sequence[str]) -> None:
    for path in exclude:
        parent, _, last = path.rpartition(".")
        for document in documents:
            inner = field_at(document, parent) if parent else document
            if isinstance(inner, dict):
                inner.pop(last, None)
