"""What a collection is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from bson.raw_bson import RawBSONDocument
from pymongo import errors
from pymongo.collection import Collection

from clogs.errors import SourceError, TransientSourceError
from clogs.mongo.changes import Changes
from clogs.mongo.documents import CODEC, Document, encode, field_at, moment_of
from clogs.mongo.errors import NO_VIEW, ON_VIEW, mapped_errors, retrying
from clogs.mongo.identity import Address, Identity, hosts_of
from clogs.mongo.ranges import KeyRange, Position
from clogs.mongo.reading import Reading
from clogs.mongo.split import split

REPLY_DOCUMENTS = 250
"""Documents per reply from a server that is near: a CPU's cache holds so few until they are rows."""

SECONDS_PER_DOCUMENT = 1e-6
"""What the round trip of a reply may cost per document; from a server far away, replies hold more."""

PAGE_IDS = 50_000
"""How many ids are asked for at a time, some 1 MB."""

NOT_FOUND = 26
"""What a server says where the indexes of a collection that does not exist are asked for."""

DUPLICATE_KEY = 11_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refused:
    """A document that MongoDB would not take, by its place among those offered, from 0."""

    index: int
    reason: str


class Source:
    """One collection on a server that has answered.

    Whatever is asked is asked again after each of ``retry_delays`` while a fault is transient. One that is
    sent to another process connects there, and stays connected until that ends.
    """

    def __init__(
        self,
        collection: Collection[Document],
        address: Address,
        *,
        round_trip: float,
        replica_set: str | None = None,
        retry_delays: Sequence[timedelta] = (),
    ) -> None:
        self._collection = collection
        self._round_trip = round_trip
        self._replica_set = replica_set
        self.retry_delays = tuple(retry_delays)
        self.address = address
        self.name = address.name

    def ask(self, call: Callable[[], T]) -> T:
        """Call the driver: its errors become ours, and one that passes is a reason to try again."""
        where = self.address
        return retrying(self.retry_delays)(mapped_errors(where.hosts, has_user=where.has_user)(call))

    def read(
        self,
        key_range: KeyRange,
        *,
        exclude: Sequence[str],
        batch_size: int,
        only: Sequence[str] = (),
        limit: int = 0,
    ) -> Reading:
        """Read a range, all fields but some, or some ``only``; nothing is asked before the first reply is."""
        worth_a_trip = int(self._round_trip / SECONDS_PER_DOCUMENT)
        return Reading(
            self._collection,
            self.ask,
            key_range,
            projection=dict.fromkeys(only, 1) or dict.fromkeys(exclude, 0) or None,
            documents_per_reply=min(batch_size, max(REPLY_DOCUMENTS, worth_a_trip)),
            limit=limit,
        )

    def ids(self, key_range: KeyRange) -> Iterator[list[Any]]:
        """Read the ``_id`` of each document of a range by ``_id``, `PAGE_IDS` at a time."""
        collection = self._collection.with_options(CODEC)

        def ask(query: Document) -> list[Any]:
            found = collection.find(query, {"_id": 1}, sort=[("_id", 1)], limit=PAGE_IDS)
            return [each["_id"] for each in found]

        page = self.ask(partial(ask, key_range.filter()))
        while page:
            yield page
            page = self.ask(partial(ask, key_range.filter(Position("_id", page[-1]))))

    def changes(
        self, token: str | None, *, exclude: Sequence[str], batch_size: int, batch_bytes: int
    ) -> Changes:
        """Open the change stream at a token, or at this moment. See `clogs.mongo.changes.Changes`."""
        return Changes(
            self._collection,
            self.name,
            token,
            exclude=exclude,
            documents_per_reply=batch_size,
            bytes_per_reply=batch_bytes,
        )

    def whole(self) -> KeyRange:
        """All documents, in the order of their ``_id``: every collection has an index of it."""
        return KeyRange(field="_id", query={})

    def since(self, field: str, moment: datetime) -> KeyRange:
        """The documents with a Date in ``field`` that is not before ``moment``.

        They are read in the order of that field where an index gives it. Else the server searches all
        documents, and they are read by their ``_id``.
        """
        if self.is_indexed(field):
            return KeyRange(field=field, start=moment, query={})
        return replace(self.whole(), query={field: {"$gte": moment}})

    def split(self, parts: int) -> list[KeyRange]:
        """Cut all documents, by ``_id``, into about equal ranges. See `clogs.mongo.split.split`."""
        return split(self._collection, self.ask, self.whole(), parts)

    def is_indexed(self, field: str) -> bool:
        """Return whether an index orders all documents that have a Date in ``field``."""
        indexes = self._listed("listIndexes", self._collection.name)
        if indexes is None:  # to list them is a right of its own; to use one is not
            return self._has_index(field)
        return any(
            next(iter(index["key"].items())) in {(field, 1), (field, -1)}
            and not index.keys() & {"partialFilterExpression", "collation", "hidden"}
            for index in indexes
        )

    def _has_index(self, field: str) -> bool:
        try:
            self.ask(lambda: self._collection.find_one({}, {"_id": 1}, hint=[(field, 1)]))
        except TransientSourceError:
            raise
        except SourceError:
            return False
        return True

    def create_index(self, field: str) -> bool:
        """Create an index on ``field``, and the collection with it; return False if there was one."""
        index = {"key": {field: 1}, "name": f"{field}_1"}
        command = partial(self._collection.database.command, "createIndexes", self._collection.name)
        answer = self.ask(partial(command, indexes=[index]))
        # not every server counts them
        return bool(answer.get("numIndexesBefore", 0) < answer.get("numIndexesAfter", 1))

    def count(self, query: Mapping[str, Any], *, limit: int = 0) -> int:
        """Count the documents that match ``query``, up to ``limit`` where it is not 0."""
        limited: dict[str, Any] = {"limit": limit} if limit else {}
        return self.ask(lambda: self._collection.count_documents(query, **limited))

    def estimated_count(self) -> int:
        """About how many documents the collection holds, by its metadata: at once."""
        return self.ask(self._collection.estimated_document_count)

    def count_undated(self, field: str) -> int:
        """Count the documents without a single Date of the year 1 or later in ``field``."""
        dated = {"$gte": datetime.min}  # noqa: DTZ901  # BSON's Dates are UTC
        return self.count({"$or": [{"$nor": [{field: dated}]}, {field: {"$type": "array"}}]})

    def newest(self, field: str) -> datetime | None:
        """The largest single Date in ``field`` that is not after now, in UTC; None without one."""
        # an array is found by any of its Dates, and sorted by its largest one
        query = {field: {"$lte": datetime.now(UTC)}, "$nor": [{field: {"$type": "array"}}]}
        found = self.ask(lambda: self._collection.find_one(query, {field: 1}, sort=[(field, -1)]))
        return moment_of(field_at(found, field)) if found else None

    def exists(self) -> bool:
        """Return whether the collection exists; an empty one does.

        Raises:
            SourceError: It is a view.
        """
        named = {"name": self._collection.name}
        # With authorizedCollections, a role for this collection alone is enough.
        found = self._listed("listCollections", 1, filter=named, nameOnly=True, authorizedCollections=True)
        if found is None:
            return not self.is_empty()
        mine = next((each for each in found if each["name"] == self._collection.name), None)
        if mine and mine.get("type") == "view":
            raise SourceError(f"{self.name} is a view, and clogs reads collections.", hint=NO_VIEW)
        return mine is not None

    def identity(self) -> Identity:
        """What the collection is, however its server is reached."""
        named = {"name": self._collection.name}
        # only who may list collections is told more than their names
        found = self._listed("listCollections", 1, filter=named) or []
        infos = [each.get("info", {}).get("uuid") for each in found if each["name"] == named["name"]]
        uuid = next((str(each) for each in infos if isinstance(each, UUID)), None)
        hosts = hosts_of(self.address.hosts)
        return Identity(replica_set=self._replica_set, uuid=uuid, hosts=hosts)

    def _listed(self, command: str, value: object, **options: Any) -> list[Document] | None:  # noqa: ANN401
        """The answer to a command that lists a few things; None where this user may not.

        The driver's own methods would ask the primary.
        """
        database, preference = self._collection.database, self._collection.read_preference

        def ask() -> Document:
            try:
                return database.command(
                    command, value, read_preference=preference, codec_options=CODEC, **options
                )
            except errors.OperationFailure as exc:
                if exc.code in {NOT_FOUND, ON_VIEW}:
                    return {"cursor": {"firstBatch": []}}
                raise

        try:
            found: list[Document] = self.ask(ask)["cursor"]["firstBatch"]
        except TransientSourceError:
            raise
        except SourceError:
            return None
        return found

    def is_empty(self) -> bool:
        """Return whether the collection holds no document, or does not exist."""
        return self.ask(lambda: self._collection.find_one({}, {"_id": 1})) is None

    def insert_absent(self, documents: Sequence[Document]) -> tuple[int, list[Refused]]:
        """Insert the documents whose ``_id`` is new.

        Returns:
            How many were inserted, and those refused for another reason than their ``_id``.

        Raises:
            SourceError: The server cannot be written to.
        """
        refused, sound = [], []
        for index, document in enumerate(documents):
            raw = encode(document)
            if isinstance(raw, str):
                refused.append(Refused(index, raw))
            else:
                sound.append((index, RawBSONDocument(raw)))
        inserted, faults = self._insert([document for _, document in sound])
        return inserted, refused + [
            Refused(sound[fault["index"]][0], f"MongoDB refused it: {fault.get('errmsg', fault['code'])}")
            for fault in faults
            if fault["code"] != DUPLICATE_KEY
        ]

    def _insert(self, documents: Sequence[Any]) -> tuple[int, list[dict[str, Any]]]:
        if not documents:
            return 0, []

        def insert() -> tuple[int, list[dict[str, Any]]]:
            try:
                self._collection.insert_many(documents, ordered=False)
            except errors.BulkWriteError as exc:
                details = exc.details or {}
                return details.get("nInserted", 0), details.get("writeErrors", [])
            return len(documents), []

        return self.ask(insert)
