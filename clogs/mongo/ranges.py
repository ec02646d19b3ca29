"""Stretches of a collection: which documents, in which order, and how to go on in the middle of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile
from typing import Any
from uuid import UUID

from bson import Decimal128, Int64, ObjectId
from bson.binary import UUID_SUBTYPE, Binary
from bson.datetime_ms import DatetimeMS

from clogs.mongo.documents import Document, field_at

OBJECT_ID_BYTES = 12

MOST_TIES = 10_000
"""How many ids fit a query; documents of one date beyond them are read again after a fault."""

_TYPES: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("number", (int, float, Int64, Decimal128)),
    ("string", (str,)),
    ("binData", (bytes, Binary, UUID)),
    ("objectId", (ObjectId,)),
)
"""The types that an ``_id`` usually has, as MongoDB's queries and Python name them, in BSON's order.

From MongoDB's manual, "Comparison/Sort Order". A comparison in a query stays within one of them.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRange:
    """Documents to be read in the order of one field.

    Attributes:
        field: ``_id``; or a field with an index, of which ``start`` is a moment in UTC.
        start: The field's first value; None for the collection's beginning, with ``_id`` only.
        stop: The first value after the last; None for the end.
        query: What the documents have to match, too.
    """

    field: str
    start: Any = None
    stop: Any = None
    query: Mapping[str, Any]

    @classmethod
    def of_seconds(cls, start: int | None, stop: int | None) -> KeyRange:
        """The documents whose ``_id`` is an ObjectId of these seconds since 1970, UTC, without the last.

        Without ``stop``, it has no end; without ``start``, it is all documents with another ``_id``.
        """
        if start is None:
            return cls(field="_id", query={"$nor": [{"_id": {"$type": "objectId"}}]})
        first, last = (_first_of(second) for second in (start, stop))
        return cls(field="_id", start=first, stop=last, query={})

    @property
    def is_whole(self) -> bool:
        """Whether it holds documents, between its first and last ``_id``, whatever their dates."""
        return self.field == "_id" and not self.query

    def filter(self, position: Position | None = None) -> dict[str, Any]:
        """The query for the documents of this range that come after ``position``."""
        bounds = {"$gte": self.start, "$lt": self.stop}
        within = {operator: value for operator, value in bounds.items() if value is not None}
        conditions = [dict(self.query), {self.field: within} if within else {}]
        if position:
            conditions.append(position.filter())
        present = [condition for condition in conditions if condition]
        if len(present) > 1:
            return {"$and": present}
        return present[0] if present else {}

    def split(self, first: object, last: object, cuts: Iterable[object]) -> list[KeyRange]:
        """Cut this range at those of some ids that lie between its ends, ``first`` and ``last``.

        By date it cannot be: one that changes meanwhile is then in two parts, the old version perhaps last.
        If the ends are not of one of the usual types, there are ids of several, and it is not cut.
        """
        type_ = _type_rank(first)
        inside: dict[Any, object] = {}
        if type_ is not None and type_ == _type_rank(last):
            orders = ((_order(cut), cut) for cut in cuts if _type_rank(cut) == type_)
            inside = {order: cut for order, cut in orders if _order(first) < order <= _order(last)}
        bounds = [self.start, *(inside[order] for order in sorted(inside)), self.stop]
        return [replace(self, start=start, stop=stop) for start, stop in pairwise(bounds)]


def even_cuts(first: ObjectId, last: ObjectId, parts: int) -> list[ObjectId]:
    """Ids that cut what is between two into ``parts`` of the same length."""
    low, high = (int.from_bytes(each.binary) for each in (first, last))
    numbers = (low + (high - low) * part // parts for part in range(1, parts))
    return [ObjectId(number.to_bytes(OBJECT_ID_BYTES)) for number in numbers]


def _type_rank(value: object) -> int | None:
    """The rank of an id's type in `_TYPES`; a bool is an int in Python, and Code a str, but not here."""
    return next((rank for rank, (_, types) in enumerate(_TYPES) if type(value) in types), None)


def _order(value: Any) -> Any:  # noqa: ANN401  # of any type
    """What orders ids of one type as MongoDB does."""
    match value:
        case ObjectId():
            return value.binary
        case Decimal128():
            return value.to_decimal()
        case UUID():
            return len(value.bytes), UUID_SUBTYPE, value.bytes
        case bytes():
            return len(value), getattr(value, "subtype", 0), bytes(value)
    return value


def _first_of(second: int | None) -> ObjectId | None:
    """The smallest ObjectId of a second since 1970; None after the last one that has any."""
    return None if second is None or second >= 2**32 else ObjectId(second.to_bytes(4) + bytes(8))


@dataclass(frozen=True, slots=True)
class Position:
    """How far a range was read.

    Attributes:
        field: The field that orders the range.
        value: Its last value.
        ids: The ``_id`` of every document read that has this value, where others may have it, too.
    """

    field: str
    value: Any
    ids: tuple[Any, ...] = ()

    def filter(self) -> dict[str, Any]:
        """The query for what comes after."""
        if self.field != "_id":
            return {self.field: {"$gte": self.value}, "_id": {"$nin": list(self.ids)}}
        read: list[dict[str, Any]] = [{"$lte": self.value}]
        # Of rare types nothing is said: what comes before them is read twice, which is harmless.
        rank = _type_rank(self.value) or 0
        read += ({"$type": name} for name, _ in _TYPES[:rank])
        # One $nor each: MongoDB takes it for $not, and $not can use an index.
        return {"$and": [{"$nor": [{"_id": condition}]} for condition in read]}

    @classmethod
    def after(cls, documents: Sequence[Document], field: str, before: Position | None) -> Position | None:
        """The position after reading ``documents``, which followed the position ``before``.

        A document whose field holds no Date, but an array with one, does not move it.
        """
        if field == "_id":
            return next((cls(field, each["_id"]) for each in reversed(documents) if "_id" in each), before)
        dated = [each for each in documents if isinstance(field_at(each, field), DatetimeMS)]
        if not dated:
            return before
        last = field_at(dated[-1], field)
        ties = takewhile(lambda each: field_at(each, field) == last, reversed(dated))
        ids = tuple(each.get("_id") for each in ties)
        if before and before.value == last:
            ids += before.ids
        return cls(field, last, ids if len(ids) <= MOST_TIES else ())
