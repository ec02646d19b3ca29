"""Where a large collection is cut into ranges that are read side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bson import ObjectId
from pymongo.collection import Collection

from clogs.errors import SourceError, TransientSourceError
from clogs.mongo.documents import CODEC, Document
from clogs.mongo.ranges import KeyRange, even_cuts

SAMPLES = 20
"""Ids looked at for each cut."""

Ask = Callable[[Callable[[], Any]], Any]
"""Calls the driver, and again where a fault may pass."""


def split(collection: Collection[Document], ask: Ask, whole: KeyRange, parts: int) -> list[KeyRange]:
    """Cut all documents, by ``_id``, into about equal ranges, each of one shard where that can be seen.

    There is one if they have ids of several types.
    """
    first, last = ask(lambda: [_end(collection, direction) for direction in (1, -1)])
    if isinstance(first, ObjectId) and isinstance(last, ObjectId):
        cuts: list[Any] = even_cuts(first, last, parts)
    else:
        cuts = ask(lambda: _sampled(collection, parts))
    return whole.split(first, last, [*cuts, *_chunks(collection, ask)])


def _end(collection: Collection[Document], direction: int) -> Any:  # noqa: ANN401  # of any type
    """The first or the last id."""
    found = collection.find_one({}, {"_id": 1}, sort=[("_id", direction)])
    return found and found.get("_id")


def _sampled(collection: Collection[Document], parts: int) -> list[Any]:
    """Ids that cut the documents into equal parts."""
    sample = {"$sample": {"size": parts * SAMPLES}}
    found = collection.aggregate([sample, {"$project": {"_id": 1}}, {"$sort": {"_id": 1}}])
    return [each["_id"] for each in found][SAMPLES::SAMPLES]


def _chunks(collection: Collection[Document], ask: Ask) -> list[Any]:
    """The first id of each chunk, if the collection is sharded by ``_id`` and this user may see it."""
    config = collection.database.client.get_database("config", CODEC)
    name = collection.full_name

    def firsts() -> list[Any]:
        sharded = config["collections"].find_one({"_id": name, "key": {"_id": 1}})
        if not sharded:
            return []
        # before MongoDB 5.0 by the name
        named = {"$or": [{"uuid": sharded.get("uuid")}, {"ns": name}]}
        return [each["min"]["_id"] for each in config["chunks"].find(named, {"min": 1})]

    try:
        found: list[Any] = ask(firsts)
    except TransientSourceError:
        raise
    except SourceError:
        return []
    return found
