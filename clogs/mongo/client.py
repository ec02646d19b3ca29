"""The collection on its server, and pymongo's errors as ours."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import bson
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient, errors
from pymongo.collection import Collection

from clogs.errors import ClogsError, SettingsError, SourceError, TransientSourceError
from clogs.mongo.documents import CODEC, Document

ANSWER_TIMEOUT_MS = 5_000
"""How long the first answer may take, unless the URI says otherwise (``serverSelectionTimeoutMS``)."""

LARGEST_DOCUMENT = 16 * 1024 * 1024
"""In bytes of BSON, by MongoDB's limits; the driver would leave off in the middle of a batch."""

DUPLICATE_KEY = 11_000
AUTHENTICATION_FAILED = 18
UNAUTHORIZED = 13

_PLAUSIBLE_URI = re.compile(r"(?s)mongodb(\+srv)?://[^/?]+(/[^@?]*)?(\?.*)?")
"""Of a password with a bare slash, the driver would take what stands before it for a host."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A document that MongoDB would not take.

    Attributes:
        index: Its place among the documents offered, from 0.
        reason: What MongoDB or its driver said.
    """

    index: int
    reason: str


class Source:
    """One collection on a server that has answered.

    Attributes:
        name: Hosts, database and collection, without user and password; the same for the same source.
    """

    def __init__(self, collection: Collection[Document], name: str) -> None:
        self._collection = collection
        self.name = name

    def raw_batches(
        self, query: Mapping[str, Any], *, exclude: Sequence[str], batch_size: int, limit: int = 0
    ) -> Iterator[bytes]:
        """Stream the documents that match ``query``, in the server's natural order.

        Args:
            query: A MongoDB filter.
            exclude: Dotted paths that stay on the server. A server may send nested ones all the same.
            batch_size: Documents per batch, at most. The server ends a batch at 16 MB, too.
            limit: Documents in all, at most; 0 for no limit.

        Yields:
            Concatenated BSON documents, to be taken apart by `split` and `decode`.

        Raises:
            TransientSourceError: The connection or the cursor was lost.
            SourceError: The server refuses the query.
        """
        projection = dict.fromkeys(exclude, 0) or None
        with mapped_errors(self.name):
            cursor = self._collection.find_raw_batches(
                query, projection=projection, batch_size=batch_size, limit=limit
            )
            with cursor:
                yield from cursor

    def count(self, query: Mapping[str, Any], *, limit: int = 0) -> int:
        """Count the documents that match ``query``, up to ``limit`` where it is not 0."""
        with mapped_errors(self.name):
            if limit:
                return self._collection.count_documents(query, limit=limit)
            return self._collection.count_documents(query)

    def exists(self) -> bool:
        """Tell whether the collection is there; an empty one is."""
        with mapped_errors(self.name):
            return self._collection.name in self._collection.database.list_collection_names()

    def is_empty(self) -> bool:
        """Tell whether the collection holds no document, or is not there."""
        with mapped_errors(self.name):
            return self._collection.find_one({}, {"_id": 1}) is None

    def insert_absent(self, documents: Sequence[Document]) -> tuple[int, list[Refused]]:
        """Insert the documents whose ``_id`` is not there yet.

        Returns:
            How many were inserted, and those refused for another reason than their ``_id``.

        Raises:
            SourceError: The server cannot be written to.
        """
        refused, sound = [], []
        for index, document in enumerate(documents):
            try:
                raw = bson.encode(document, codec_options=CODEC)
            except (BSONError, OverflowError, RecursionError, UnicodeError, ValueError) as exc:
                refused.append(Refused(index, f"cannot be stored as BSON: {exc}"))
                continue
            if len(raw) > LARGEST_DOCUMENT:
                refused.append(Refused(index, f"is {len(raw):,} bytes of BSON, MongoDB takes 16 MiB"))
                continue
            sound.append((index, RawBSONDocument(raw)))
        inserted, rejected = self._insert([document for _, document in sound])
        return inserted, refused + [Refused(sound[each.index][0], each.reason) for each in rejected]

    def _insert(self, documents: Sequence[Any]) -> tuple[int, list[Refused]]:
        if not documents:
            return 0, []
        with mapped_errors(self.name):
            try:
                self._collection.insert_many(documents, ordered=False)
            except errors.BulkWriteError as exc:
                details = exc.details or {}
                rejected = [
                    Refused(fault["index"], f"MongoDB refused it: {fault.get('errmsg', fault['code'])}")
                    for fault in details.get("writeErrors", [])
                    if fault["code"] != DUPLICATE_KEY
                ]
                return details.get("nInserted", 0), rejected
        return len(documents), []


@contextmanager
def connect(uri: str, *, db: str, collection: str) -> Iterator[Source]:
    """Connect to a collection and wait for the server's first answer.

    Raises:
        SettingsError: The URI is malformed.
        TransientSourceError: No server answers.
        SourceError: No such host, or it refuses the user.
    """
    hosts = hosts_of(uri)
    with mapped_errors(hosts):
        client = _client(uri)
    with client:
        with mapped_errors(hosts):
            _first_answer(client, hosts)
        yield Source(client[db].get_collection(collection, CODEC), f"{db}.{collection} at {hosts}")


def hosts_of(uri: str) -> str:
    """The hosts of a MongoDB URI, without the user, the password and the options."""
    return re.split("[/?]", uri.partition("://")[2], maxsplit=1)[0].rpartition("@")[2]


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


@contextmanager
def mapped_errors(where: str) -> Iterator[None]:
    """Raise the driver's errors as ours; ``where`` says of what source, without any secret."""
    try:
        yield
    except errors.InvalidURI:
        # The driver's message can quote a piece of the password, so neither it nor its cause is shown.
        raise SettingsError(
            "mongo.uri is not a valid MongoDB URI, or one of its options is not.",
            hint="Percent-encode user and password: mongodb://user:p%40ss@host:27017",
        ) from None
    except (errors.ConnectionFailure, errors.CursorNotFound) as exc:
        raise TransientSourceError(
            f"MongoDB at {where} does not answer: {_first_line(exc)}",
            hint="Is it running, and is mongo.uri (MONGO_URI) right? Try: clogs config",
        ) from exc
    except errors.OperationFailure as exc:
        raise _refusal(exc, where) from exc
    except errors.PyMongoError as exc:
        raise SourceError(
            f"MongoDB at {where} cannot be used: {_first_line(exc)}",
            hint="Check mongo.uri (MONGO_URI): clogs config",
        ) from exc


def _refusal(exc: errors.OperationFailure, where: str) -> ClogsError:
    if exc.code == AUTHENTICATION_FAILED:
        message = f"MongoDB at {where} refuses the user or the password."
        return SourceError(message, hint="Check mongo.uri (MONGO_URI), and its authSource option.")
    if exc.code == UNAUTHORIZED:
        message = f"MongoDB at {where} does not allow this user: {_first_line(exc)}"
        return SourceError(message, hint="Grant the user the role `read`, or `readWrite` for clogs import.")
    kind = TransientSourceError if exc.has_error_label("RetryableWriteError") else SourceError
    return kind(f"MongoDB at {where} failed: {_first_line(exc)}", hint="The server's own log says more.")


def _first_answer(client: MongoClient[Document], hosts: str) -> None:
    try:
        client.admin.command("ping")
    except KeyError as exc:
        raise SourceError(
            f"The server at {hosts} does not know MongoDB's authentication.",
            hint="Take user and password out of mongo.uri (MONGO_URI).",
        ) from exc


def _first_line(exc: Exception) -> str:
    text = str(exc).partition("\n")[0].partition(", Timeout:")[0]
    return text.partition(" (configured timeouts")[0].rstrip(".") + "."
