"""A reading returns every document once, whatever happens between two replies and whatever stands in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import pytest
from bson import Binary, DatetimeMS, ObjectId
from pymongo.collection import Collection
from replay import Server, replay

from clogs.errors import SourceError, TransientSourceError
from clogs.mongo import Address, KeyRange, Source, connect
from clogs.mongo.documents import CODEC
from clogs.mongo.reading import Reading

Document = dict[str, Any]

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LOST: Document = {"code": 43, "codeName": "CursorNotFound", "errmsg": "cursor id 1 not found"}
FORBIDDEN: Document = {"code": 13, "codeName": "Unauthorized", "errmsg": "not authorized"}
BY_ID = KeyRange(field="_id", query={})
BY_DATE = KeyRange(field="ingestedAt", start=NOON, query={})


def object_id(number: int) -> ObjectId:
    return ObjectId(number.to_bytes(12))


def entry(number: int, **fields: object) -> Document:
    """A document, of which always three have the same date."""
    return {"_id": object_id(number), "ingestedAt": NOON + timedelta(seconds=number // 3), **fields}


ENTRIES = [entry(number) for number in range(20)]
IDS = [each["_id"] for each in ENTRIES]


def encoded(*documents: Document) -> list[bytes]:
    return [bson.encode(document, codec_options=CODEC) for document in documents]


@pytest.fixture
def server() -> Iterator[Server]:
    """Twenty documents."""
    with replay(encoded(*ENTRIES)) as running:
        yield running


@pytest.fixture
def source(server: Server) -> Iterator[Source]:
    with connect(Address(server.uri, "claude_logs", "conversations")) as connected:
        yield connected


def reading_of(source: Source, key_range: KeyRange = BY_ID, *, limit: int = 0) -> Reading:
    return source.read(key_range, exclude=(), batch_size=4, limit=limit)


def ids(reading: Reading) -> list[ObjectId]:
    """The ids of all that is left."""
    replies = iter(reading.next_reply, None)
    return [each["_id"] for reply in replies for each in reply.documents if isinstance(each, dict)]


def ids_despite_faults(reading: Reading) -> tuple[list[ObjectId], int]:
    """The same, going on after each fault that passes, and the number of these."""
    found: list[ObjectId] = []
    for faults in range(5):
        with suppress(TransientSourceError):
            while reply := reading.next_reply():
                found += [each["_id"] for each in reply.documents if isinstance(each, dict)]
            return found, faults
    raise AssertionError("there is no end of faults")


# Order and replies


@pytest.mark.parametrize("key_range", [BY_ID, BY_DATE])
def test_every_document_is_read_once_in_order(source: Source, key_range: KeyRange) -> None:
    assert ids(reading_of(source, key_range)) == IDS


def test_no_reply_is_asked_for_before_it_is_needed(source: Source, server: Server) -> None:
    reading = reading_of(source)
    assert server.commands == []
    reading.next_reply()
    assert [next(iter(command)) for command in server.commands] == ["find"]


def test_dates_are_read_as_the_milliseconds_they_are(source: Source) -> None:
    reply = reading_of(source).next_reply()
    assert reply
    assert reply.documents[0] == {"_id": object_id(0), "ingestedAt": DatetimeMS(NOON)}


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 50])
def test_the_parts_of_a_collection_hold_each_document_once(source: Source, parts: int) -> None:
    ranges = source.split(parts)
    assert [each for part in ranges for each in ids(reading_of(source, part))] == IDS


def test_a_server_far_away_is_asked_for_more_at_once(source: Source, server: Server) -> None:
    source.read(BY_ID, exclude=(), batch_size=10_000).next_reply()
    far = Source(source._collection, source.address, round_trip=0.02)  # noqa: SLF001
    far.read(BY_ID, exclude=(), batch_size=10_000).next_reply()
    assert [command["batchSize"] < 10_000 for command in server.commands] == [True, False]


# Faults


@pytest.mark.parametrize("fault", [LOST, {"code": 91, "errmsg": "shutting down"}, None])
@pytest.mark.parametrize("place", [0, 1, 3])
@pytest.mark.parametrize("key_range", [BY_ID, BY_DATE])
def test_reading_goes_on_from_where_a_fault_broke_it_off(
    source: Source, server: Server, key_range: KeyRange, place: int, fault: Document | None
) -> None:
    # The driver repeats a `find` once by itself, so its own fault needs a twin.
    server.faults = {place: fault, place + 1: fault}
    found, faults = ids_despite_faults(reading_of(source, key_range))
    assert found == IDS
    assert faults in {1, 2}


def test_a_limit_holds_over_a_fault(source: Source, server: Server) -> None:
    server.faults = {1: LOST}
    found, _ = ids_despite_faults(reading_of(source, limit=6))
    assert found == IDS[:6]


def test_a_fault_that_does_not_pass_is_told_as_such(source: Source, server: Server) -> None:
    server.faults = {1: FORBIDDEN}
    reading = reading_of(source)
    reading.next_reply()
    with pytest.raises(SourceError, match="asks for a user and a password") as caught:
        reading.next_reply()
    assert type(caught.value) is SourceError


# Documents that are no BSON


@pytest.mark.parametrize("place", [0, 9, 19])
@pytest.mark.parametrize("key_range", [BY_ID, BY_DATE])
def test_a_document_that_cannot_be_decoded_harms_no_other(key_range: KeyRange, place: int) -> None:
    broken = bson.encode(entry(place, u=Binary(b"too short", 4)), codec_options=CODEC)
    documents = encoded(*ENTRIES)
    documents[place] = broken
    with (
        replay(documents) as server,
        connect(Address(server.uri, "claude_logs", "conversations")) as source,
    ):
        replies = list(iter(reading_of(source, key_range).next_reply, None))
    found = [each for reply in replies for each in reply.documents]
    assert [raw for reply in replies for raw in reply.raw] == documents
    reason = found.pop(place)
    assert isinstance(reason, str)
    assert reason.startswith("invalid BSON: ")
    assert [each["_id"] for each in found if isinstance(each, dict)] == IDS[:place] + IDS[place + 1 :]


# A real server


@pytest.mark.parametrize("last", [0, 1, 498, 999])
def test_a_server_finds_what_comes_after_an_id(
    mongo_uri: str, collection: Collection[Document], last: int
) -> None:
    every = [object_id(number) for number in range(1000)]
    collection.insert_many([{"_id": each} for each in reversed(every)])
    with connect(Address(mongo_uri, collection.database.name, collection.name)) as source:
        first = source.read(source.whole(), exclude=(), batch_size=10_000, limit=last + 1)
        assert ids(first) == every[: last + 1]
        first._limit = 0  # noqa: SLF001
        first._batches = None  # noqa: SLF001
        assert ids(first) == every[last + 1 :]
