"""MongoDB: the one place that imports pymongo and bson, and maps their errors to ours."""

from clogs.mongo.client import LARGEST_DOCUMENT, Address, Refused, Source, connect
from clogs.mongo.documents import (
    CODEC,
    Document,
    decode,
    extended_json,
    field_at,
    from_extended_json,
    id_text,
    jsonable,
    milliseconds,
    moment_of,
    object_id,
    split,
    utc,
)
from clogs.mongo.errors import mapped_errors
from clogs.mongo.ranges import KeyRange, Position
from clogs.mongo.reading import Broken, Reading, Reply

__all__ = [
    "CODEC",
    "LARGEST_DOCUMENT",
    "Address",
    "Broken",
    "Document",
    "KeyRange",
    "Position",
    "Reading",
    "Refused",
    "Reply",
    "Source",
    "connect",
    "decode",
    "extended_json",
    "field_at",
    "from_extended_json",
    "id_text",
    "jsonable",
    "mapped_errors",
    "milliseconds",
    "moment_of",
    "object_id",
    "split",
    "utc",
]
