"""Connections, and the collection at their other end."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient, errors
from pymongo.collection import Collection

from clogs.errors import SettingsError, SourceError
from clogs.mongo.changes import Changes
from clogs.mongo.documents import CODEC, Document, encode, field_at, moment_of
from clogs.mongo.errors import mapped_errors
from clogs.mongo.ranges import KeyRange
from clogs.mongo.reading import Reading

ANSWER_TIMEOUT_MS = 4_000
"""How long the first answer may take, unless the URI says otherwise (``serverSelectionTimeoutMS``)."""

REPLY_DOCUMENTS = 250
"""Documents per reply from a server that is near: a CPU's cache holds so few until they are rows."""

SECONDS_PER_DOCUMENT = 1e-6
"""What the round trip of a reply may cost per document; from a server far away, replies hold more."""

HAS_NO_INDEXES = frozenset({26, 166})
"""What a server says of a collection that does not exist, and of a view."""

DUPLICATE_KEY = 11_000

_PLAUSIBLE_URI = re.compile(r"(?s)mongodb(\+srv)?://[^/?]+(/[^@?]*)?(\?.*)?")
"""Of a password with a bare slash, the driver would take what stands before it for a host."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A document that MongoDB would not take, by its place among those offered, from 0."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Address:
    """Where a collection is."""

    uri: str = field(repr=False)  # it can hold the password, so it is never shown
    db: str
    collection: str

    @property
    def hosts(self) -> str:
        """The hosts of the URI, without the user, the password and the options."""
        return re.split("[/?]", self.uri.partition("://")[2], maxsplit=1)[0].rpartition("@")[2]

    @property
    def name(self) -> str:
        """Hosts, database and collection, without user and password."""
        return f"{self.db}.{self.collection} at {self.hosts}"


class Source:
    """One collection on a server that has answered. Its name is the same for the same source.

    One that is sent to another process connects there, and stays connected until that ends.
    """

    def __init__(self, collection: Collection[Document], address: Address, *, round_trip: float) -> None:
        self._collection = collection
        self._round_trip = round_trip
        self.address = address
        self.name = address.name

    def __reduce__(self) -> tuple[Callable[[Address], Source], tuple[Address]]:
        return _connected, (self.address,)

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
            self.name,
            key_range,
            projection=dict.fromkeys(only, 1) or dict.fromkeys(exclude, 0) or None,
            documents_per_reply=min(batch_size, max(REPLY_DOCUMENTS, worth_a_trip)),
            limit=limit,
        )

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

    def split(self, key_range: KeyRange, parts: int) -> list[KeyRange]:
        """Cut a range by ``_id`` into about equal ones; into one if that is not possible."""
        if key_range.field != "_id":
            return [key_range]
        with mapped_errors(self.name):
            first, last = (
                self._collection.find_one(key_range.filter(), {"_id": 1}, sort=[("_id", direction)]) or {}
                for direction in (1, -1)
            )
        return key_range.split(first.get("_id"), last.get("_id"), parts)

    def is_indexed(self, field: str) -> bool:
        """Return whether an index orders all documents that have a Date in ``field``."""
        indexes = self._listed("listIndexes", self._collection.name)
        return any(
            next(iter(index["key"].items())) in {(field, 1), (field, -1)}
            and not index.keys() & {"partialFilterExpression", "collation", "hidden"}
            for index in indexes
        )

    def create_index(self, field: str) -> bool:
        """Create an index on ``field``, and the collection with it; return False if there was one."""
        index = {"key": {field: 1}, "name": f"{field}_1"}
        with mapped_errors(self.name):
            database = self._collection.database
            answer = database.command("createIndexes", self._collection.name, indexes=[index])
        # not every server counts them
        return bool(answer.get("numIndexesBefore", 0) < answer.get("numIndexesAfter", 1))

    def count(self, query: Mapping[str, Any], *, limit: int = 0) -> int:
        """Count the documents that match ``query``, up to ``limit`` where it is not 0."""
        with mapped_errors(self.name):
            if limit:
                return self._collection.count_documents(query, limit=limit)
            return self._collection.count_documents(query)

    def estimated_count(self) -> int:
        """About how many documents the collection holds, by its metadata: at once."""
        with mapped_errors(self.name):
            return self._collection.estimated_document_count()

    def count_undated(self, field: str) -> int:
        """Count the documents that no watermark finds: without a Date of the year 1 or later in ``field``."""
        return self.count({"$nor": [{field: {"$gte": datetime.min}}]})  # noqa: DTZ901  # BSON's Dates are UTC

    def newest(self, field: str) -> datetime | None:
        """The largest Date in ``field`` that is not after now, in UTC; None without one."""
        query = {field: {"$lte": datetime.now(UTC)}}
        with mapped_errors(self.name):
            found = self._collection.find_one(query, {field: 1}, sort=[(field, -1)])
        return moment_of(field_at(found, field)) if found else None

    def exists(self) -> bool:
        """Return whether the collection exists; an empty one does."""
        named = {"name": self._collection.name}
        # With authorizedCollections, a role for this collection alone is enough.
        found = self._listed("listCollections", 1, filter=named, nameOnly=True, authorizedCollections=True)
        return any(each["name"] == self._collection.name for each in found)

    def _listed(self, command: str, value: object, **options: Any) -> list[Document]:  # noqa: ANN401
        """The answer to a command that lists a few things; the driver's own methods would ask the primary."""
        database = self._collection.database
        with mapped_errors(self.name):
            try:
                answer = database.command(
                    command, value, read_preference=self._collection.read_preference, **options
                )
            except errors.OperationFailure as exc:
                if exc.code in HAS_NO_INDEXES:
                    return []
                raise
        found: list[Document] = answer["cursor"]["firstBatch"]
        return found

    def is_empty(self) -> bool:
        """Return whether the collection holds no document, or does not exist."""
        with mapped_errors(self.name):
            return self._collection.find_one({}, {"_id": 1}) is None

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
        with mapped_errors(self.name):
            try:
                self._collection.insert_many(documents, ordered=False)
            except errors.BulkWriteError as exc:
                details = exc.details or {}
                return details.get("nInserted", 0), details.get("writeErrors", [])
        return len(documents), []


@contextmanager
def connect(address: Address) -> Iterator[Source]:
    """Connect to a collection and wait for the server's first answer.

    Raises:
        SettingsError: The URI is malformed.
        TransientSourceError: No server answers.
        SourceError: No such host, or it refuses the user.
    """
    with mapped_errors(address.hosts):
        client = _client(address.uri)
    with client:
        with mapped_errors(address.hosts):
            round_trip = _first_answer(client, address.hosts)
        collection = client[address.db].get_collection(address.collection, CODEC)
        yield Source(collection, address, round_trip=round_trip)


_connections = ExitStack()


@cache
def _connected(address: Address) -> Source:
    return _connections.enter_context(connect(address))


def _client(uri: str) -> MongoClient[Document]:
    if not _PLAUSIBLE_URI.fullmatch(uri):
        raise errors.InvalidURI
    timeout = {"serverSelectionTimeoutMS": ANSWER_TIMEOUT_MS}
    options: dict[str, Any] = {} if "serverselectiontimeoutms" in uri.lower() else timeout
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # so the driver speaks of an unknown option
            return MongoClient(uri, appname="clogs", **options)
    except (UserWarning, ValueError) as exc:
        raise errors.InvalidURI from exc
    except OSError as exc:
        raise SettingsError(
            f"mongo.uri names a file that cannot be used: {exc.filename or ''} {exc.strerror}.",
            hint="Check its tlsCAFile and tlsCertificateKeyFile options.",
        ) from exc


def _first_answer(client: MongoClient[Document], hosts: str) -> float:
    """Wait until a server answers, and take the time of a second question to it, in seconds."""
    ping = partial(client.admin.command, "ping", read_preference=client.read_preference)
    try:
        ping()
    except KeyError as exc:
        raise SourceError(
            f"The server at {hosts} does not support MongoDB's authentication.",
            hint="Take user and password out of mongo.uri (MONGO_URI).",
        ) from exc
    asked = time.perf_counter()
    ping()
    return time.perf_counter() - asked
