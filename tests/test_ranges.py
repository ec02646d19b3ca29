"""A range is cut into parts that hold each document once, and goes on after any document."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from bson import (
    Binary,
    Code,
    DatetimeMS,
    DBRef,
    Decimal128,
    Int64,
    MaxKey,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
)

from clogs.mongo import KeyRange, ranges
from clogs.mongo.ranges import Position, even_cuts

Document = dict[str, Any]

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=4)
WHOLE = KeyRange(field="_id", query={})
SINCE = KeyRange(field="ingestedAt", start=NOON, query={})


def object_id(number: int) -> ObjectId:
    return ObjectId(number.to_bytes(12))


def dated(identity: object, moment: object) -> Document:
    return {"_id": identity, "at": moment if not isinstance(moment, datetime) else DatetimeMS(moment)}


# Queries


@pytest.mark.parametrize(
    ("key_range", "query"),
    [
        (WHOLE, {}),
        (SINCE, {"ingestedAt": {"$gte": NOON}}),
        (KeyRange(field="_id", stop=5, query={}), {"_id": {"$lt": 5}}),
        (KeyRange(field="_id", start=0, stop=5, query={}), {"_id": {"$gte": 0, "$lt": 5}}),
        (KeyRange(field="_id", query={"at": {"$gte": NOON}}), {"at": {"$gte": NOON}}),
        (
            KeyRange(field="_id", start=1, query={"at": {"$gte": NOON}}),
            {"$and": [{"at": {"$gte": NOON}}, {"_id": {"$gte": 1}}]},
        ),
    ],
)
def test_a_range_is_a_query(key_range: KeyRange, query: Document) -> None:
    assert key_range.filter() == query


def test_a_range_goes_on_after_a_position() -> None:
    assert SINCE.filter(Position("ingestedAt", LATER, (1, 2))) == {
        "$and": [{"ingestedAt": {"$gte": NOON}}, {"ingestedAt": {"$gte": LATER}, "_id": {"$nin": [1, 2]}}]
    }


@pytest.mark.parametrize(
    ("value", "before"),
    [
        (5, []),
        (Int64(5), []),
        (0.5, []),
        (Decimal128("1"), []),
        ("x", ["number"]),
        (object_id(1), ["number", "string", "binData"]),
    ],
)
def test_after_an_id_come_the_larger_ones_of_its_type_and_all_of_later_types(
    value: object, before: Sequence[str]
) -> None:
    types = [{"$nor": [{"_id": {"$type": name}}]} for name in before]
    assert Position("_id", value).filter() == {"$and": [{"$nor": [{"_id": {"$lte": value}}]}, *types]}


IDS: list[tuple[str, object]] = [
    ("minKey", MinKey()),
    ("null", None),
    ("number", 0.5),
    ("number", 7),
    ("string", "a"),
    ("string", "b"),
    ("object", {"a": 1}),
    ("object", {"a": 2}),
    ("binData", b"x"),
    ("binData", uuid.UUID(int=5)),
    ("objectId", object_id(1)),
    ("objectId", object_id(2)),
    ("bool", True),
    ("date", DatetimeMS(5)),
    ("timestamp", Timestamp(1, 1)),
    ("regex", Regex("x")),
    ("dbPointer", DBRef("c", 1)),
    ("javascript", Code("x")),
    ("maxKey", MaxKey()),
]
"""Ids of all types in BSON's order, each with the type that comparisons in a query stay within."""


@pytest.mark.parametrize("place", range(len(IDS)))
def test_after_an_id_of_any_type_nothing_is_left_out_that_comes_later(place: int) -> None:
    assert max(left_out(place)) == place


def left_out(place: int) -> set[int]:
    """The places of the ids that the query for what comes after one of them leaves out."""
    type_, value = IDS[place]
    conditions = [each["$nor"][0]["_id"] for each in Position("_id", value).filter()["$and"]]
    assert conditions[0] == {"$lte": value}
    smaller = {other for other, (name, _) in enumerate(IDS[: place + 1]) if name == type_}
    names = {each["$type"] for each in conditions[1:]}
    return smaller | {other for other, (name, _) in enumerate(IDS) if name in names}


# Positions


@pytest.mark.parametrize(
    ("documents", "before", "expected"),
    [
        ([{"_id": 1}, {"_id": 2}], None, Position("_id", 2)),
        ([{"_id": 1}, {}], None, Position("_id", 1)),
        ([], Position("_id", 7), Position("_id", 7)),
        ([{"_id": None}], None, Position("_id", None)),
    ],
)
def test_a_position_by_id_is_the_last_id(
    documents: list[Document], before: Position | None, expected: Position
) -> None:
    assert Position.after(documents, "_id", before) == expected


NOON_MS, LATER_MS = DatetimeMS(NOON), DatetimeMS(LATER)


@pytest.mark.parametrize(
    ("documents", "before", "expected"),
    [
        ([dated(1, NOON), dated(2, LATER)], None, Position("at", LATER_MS, (2,))),
        ([dated(1, NOON), dated(2, NOON)], None, Position("at", NOON_MS, (2, 1))),
        ([dated(3, NOON)], Position("at", NOON_MS, (2, 1)), Position("at", NOON_MS, (3, 2, 1))),
        ([dated(3, LATER)], Position("at", NOON_MS, (2, 1)), Position("at", LATER_MS, (3,))),
        ([dated(1, NOON), dated(2, [NOON])], None, Position("at", NOON_MS, (1,))),
        ([dated(2, [NOON])], Position("at", NOON_MS, (1,)), Position("at", NOON_MS, (1,))),
        ([dated(2, "x")], None, None),
    ],
    ids=["the last", "ties", "ties with those before", "newer", "an array", "arrays only", "nothing dated"],
)
def test_a_position_by_date_knows_who_shares_it(
    documents: list[Document], before: Position | None, expected: Position | None
) -> None:
    assert Position.after(documents, "at", before) == expected


def test_more_ties_than_a_query_holds_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "MOST_TIES", 2)
    documents = [dated(number, NOON) for number in range(3)]
    assert Position.after(documents, "at", None) == Position("at", NOON_MS, ())


# Parts


def test_object_ids_are_cut_evenly() -> None:
    cuts = even_cuts(object_id(100), object_id(200), 4)
    assert cuts == [object_id(125), object_id(150), object_id(175)]


@pytest.mark.parametrize(
    "ids",
    [
        [object_id(1), object_id(2), object_id(3), object_id(4)],
        ["", "a", "é", "😀"],
        [-1, Decimal128("0.5"), 0.75, Int64(2)],
        [b"yy", Binary(b"a" * 16, 3), uuid.UUID(int=1), uuid.UUID(int=2)],
    ],
    ids=["ObjectIds", "texts", "numbers", "bytes"],
)
def test_a_range_is_cut_at_what_lies_inside(ids: list[Any]) -> None:
    first, *inside, last = ids
    others = [MinKey(), None, True, NOON, float("nan"), Code("x")]
    parts = WHOLE.split(first, last, [*reversed(ids), *inside, *others])
    assert [(part.start, part.stop) for part in parts] == list(pairwise([None, *inside, last, None]))


@pytest.mark.parametrize(
    ("first", "last"),
    [(None, None), (1, object_id(5)), (object_id(5), True), (NOON, LATER), (Code("a"), Code("z"))],
)
def test_what_has_ids_of_several_types_stays_whole(first: object, last: object) -> None:
    assert WHOLE.split(first, last, [2, "b", object_id(3), NOON]) == [WHOLE]


def test_the_query_of_a_range_is_that_of_its_parts() -> None:
    key_range = KeyRange(field="_id", query={"at": {"$gte": NOON}})
    assert [part.query for part in key_range.split(1, 9, [3])] == [key_range.query] * 2
