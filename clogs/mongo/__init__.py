"""MongoDB: the one place that imports pymongo and bson, and maps their errors to ours."""

from clogs.mongo.changes import Changes
from clogs.mongo.client import connect
from clogs.mongo.documents import (
    FIRST_MS,
    Document,
    decode,
    encode,
    extended_json,
    field_at,
    from_extended_json,
    id_text,
    jsonable,
    milliseconds,
    moment_of,
    object_id,
    utc,
)
from clogs.mongo.errors import retrying
from clogs.mongo.identity import Address, Identity
from clogs.mongo.ranges import KeyRange
from clogs.mongo.reading import Reply
from clogs.mongo.source import Source

__all__ = [
    "FIRST_MS",
    "Address",
    "Changes",
    "Document",
    "Identity",
    "KeyRange",
    "Reply",
    "Source",
    "connect",
    "decode",
    "encode",
    "extended_json",
    "field_at",
    "from_extended_json",
    "id_text",
    "jsonable",
    "milliseconds",
    "moment_of",
    "object_id",
    "retrying",
    "utc",
]
