"""MongoDB: the one place that imports pymongo and bson, and maps their errors to ours."""

from clogs.mongo.client import LARGEST_DOCUMENT, Refused, Source, connect, hosts_of, mapped_errors
from clogs.mongo.documents import (
    CODEC,
    Document,
    decode,
    extended_json,
    field_at,
    id_text,
    jsonable,
    object_id,
    split,
    utc,
)

__all__ = [
    "CODEC",
    "LARGEST_DOCUMENT",
    "Document",
    "Refused",
    "Source",
    "connect",
    "decode",
    "extended_json",
    "field_at",
    "hosts_of",
    "id_text",
    "jsonable",
    "mapped_errors",
    "object_id",
    "split",
    "utc",
]
