"""Single documents: from BSON, to JSON, and what stands in them."""

from __future__ import annotations

import re
import struct
from datetime import UTC, datetime
from typing import Any

import bson
from bson import CodecOptions, ObjectId, json_util
from bson.binary import UuidRepresentation
from bson.codec_options import DatetimeConversion
from bson.datetime_ms import DatetimeMS
from bson.errors import BSONError

Document = dict[str, Any]

CODEC: CodecOptions[Document] = CodecOptions(
    uuid_representation=UuidRepresentation.STANDARD,
    unicode_decode_error_handler="replace",
    datetime_conversion=DatetimeConversion.DATETIME_MS,  # holds any date, and is faster than a datetime
)

FIRST_MS = int(DatetimeMS(datetime(1, 1, 1, tzinfo=UTC)))
_LAST_MS = int(DatetimeMS(datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)))

LARGEST_DOCUMENT = 16 * 1024 * 1024
"""In bytes of BSON, by MongoDB's limits; the driver would leave off in the middle of a batch."""

UNDECODABLE = (BSONError, ValueError, TypeError, OverflowError, RecursionError)
"""What the driver raises for a document that it cannot decode."""

_EXTENDED_JSON = json_util.RELAXED_JSON_OPTIONS.with_options(uuid_representation=UuidRepresentation.STANDARD)
_AS_DECODED = _EXTENDED_JSON.with_options(datetime_conversion=DatetimeConversion.DATETIME_MS)

_UNREADABLE = (*UNDECODABLE, ArithmeticError, AttributeError, LookupError)
"""What the driver raises for text that is not Extended JSON, for example a ``$binary`` without bytes."""

_LOOKS_LIKE_ANOTHER_TYPE = re.compile(
    r"[0-9a-f]{24}|true|false|null|-?\d+(\.\d+)?([eE][+-]?\d+)?|[{\[\"].*", re.DOTALL
)


def split(batch: bytes) -> list[bytes]:
    """Take a batch apart into the bytes of its documents, in their order."""
    documents, start = [], 0
    while start < len(batch):
        (size,) = struct.unpack_from("<i", batch, start)
        documents.append(batch[start : start + size])
        start += size
    return documents


def decode_all(batch: bytes) -> list[Document] | None:
    """Decode BSON documents that stand one after the other; None where one of them is not sound."""
    try:
        return bson.decode_all(batch, CODEC)
    except UNDECODABLE:
        return None


def decode(document: bytes) -> Document | str:
    """Decode one BSON document; invalid UTF-8 becomes U+FFFD, a Date a ``DatetimeMS``.

    Returns:
        The document, or why the bytes are none.
    """
    try:
        return bson.decode(document, CODEC)
    except UNDECODABLE as exc:
        return f"invalid BSON: {exc}"


def id_text(value: object) -> str:
    """An ``_id`` as text, different for different ids of whatever types.

    An ObjectId is its 24 hex digits, a string is itself, anything else is Extended JSON; a string that
    would read as one of the others is quoted as JSON writes it.
    """
    if isinstance(value, ObjectId):
        return str(value)
    if type(value) is str and not _LOOKS_LIKE_ANOTHER_TYPE.fullmatch(value):
        return value
    return extended_json(value)


def extended_json(value: object) -> str:
    """Any BSON value as relaxed Extended JSON (the MongoDB specification of that name, version 2)."""
    return json_util.dumps(value, json_options=_EXTENDED_JSON, ensure_ascii=False)


def from_extended_json(text: str) -> Document | str:
    """Read a document from Extended JSON, with the types that `decode` gives; a number may be another one.

    Returns:
        The document, or why the text is none.
    """
    try:
        document = json_util.loads(text, json_options=_AS_DECODED)
    except _UNREADABLE as exc:
        return f"invalid Extended JSON: {exc}"
    return document if isinstance(document, dict) else "invalid Extended JSON: no object"


def encode(document: Document) -> bytes | str:
    """Encode a document as BSON, or return why MongoDB would not take it."""
    try:
        raw = bson.encode(document, codec_options=CODEC)
    except (BSONError, OverflowError, RecursionError, UnicodeError, ValueError) as exc:
        return f"cannot be stored as BSON: {exc}"
    if len(raw) > LARGEST_DOCUMENT:
        return f"is {len(raw):,} bytes of BSON, MongoDB takes 16 MiB"
    return raw


def jsonable(value: object) -> Any:  # noqa: ANN401
    """A BSON value that JSON has no type for, as Extended JSON's object: an encoding hook.

    A Date of the years 1 to 9999 is a string in ISO 8601 form.
    """
    return moment_of(value) or json_util.default(value, _EXTENDED_JSON)


def object_id(value: bytes) -> ObjectId:
    """Make an ObjectId from 12 bytes."""
    return ObjectId(value)


def milliseconds(value: object) -> int | None:
    """A Date's milliseconds since 1970, UTC; None for any other value."""
    return int(value) if isinstance(value, DatetimeMS) else None


def moment_of(date: object) -> datetime | None:
    """A Date of the years 1 to 9999 as a datetime in UTC; None for any other value."""
    if not isinstance(date, DatetimeMS) or not FIRST_MS <= int(date) <= _LAST_MS:
        return None
    return date.as_datetime().replace(tzinfo=UTC)


def field_at(document: Document, path: str) -> Any:  # noqa: ANN401
    """The value at a dotted path; None where it is absent."""
    value: Any = document
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def utc(moment: datetime) -> datetime:
    """``moment`` cut to milliseconds, as a BSON Date holds it."""
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)
