"""Reading a stretch of a collection in replies, taken up again where a fault broke it off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pymongo.collection import Collection
from pymongo.cursor import Cursor, RawBatchCursor
from pymongo.errors import PyMongoError

from clogs.mongo.documents import UNDECODABLE, Document, decode, split
from clogs.mongo.errors import mapped_errors
from clogs.mongo.ranges import KeyRange, Position


@dataclass(frozen=True, slots=True)
class Reply:
    """Documents that came together.

    Attributes:
        documents: In the order of the range; the reader's own, to be changed at will.
        broken: What came with them but cannot be decoded: bytes, and the reason.
    """

    documents: list[Document]
    broken: list[tuple[bytes, str]] = field(default_factory=list)


class Reading:
    """The documents of a range, reply by reply.

    The driver decodes a reply whole. Of one that holds a document it cannot decode, and of all that
    follow, the bytes are read, and decoded here one by one.
    """

    def __init__(
        self,
        collection: Collection[Document],
        where: str,
        key_range: KeyRange,
        *,
        projection: Mapping[str, Any] | None,
        documents_per_reply: int,
        limit: int,
    ) -> None:
        self._collection = collection
        self._where = where
        self._range = key_range
        self._options: dict[str, Any] = {"projection": projection, "batch_size": documents_per_reply}
        self._limit = limit
        self._read = 0
        self._position: Position | None = None
        self._decoded = True
        self._replies: Iterator[Reply] | None = None

    def next_reply(self) -> Reply | None:
        """Read on, also after an error: what was returned before is not read again.

        Raises:
            TransientSourceError: The connection or the cursor was lost.
            SourceError: The server refuses the query.
        """
        try:
            with mapped_errors(self._where):
                reply = self._next()
        except BaseException:
            self._replies = None
            raise
        if reply:
            self._read += len(reply.documents) + len(reply.broken)
            self._position = Position.after(reply.documents, self._range.field, self._position)
        return reply

    def _next(self) -> Reply | None:
        if self._limit and self._read >= self._limit:
            return None
        try:
            self._replies = self._replies or self._open()
            return next(self._replies, None)
        except PyMongoError:
            raise
        except UNDECODABLE:
            if not self._decoded:
                raise
            self._decoded = False
            self._replies = self._open()
            return next(self._replies, None)

    def _open(self) -> Iterator[Reply]:
        query = self._range.filter(self._position)
        limit = self._limit and self._limit - self._read
        options = {**self._options, "limit": limit, "sort": [(self._range.field, 1)]}
        if self._decoded:
            return _decoded(self._collection.find(query, **options))
        return _taken_apart(self._collection.find_raw_batches(query, **options))


def _decoded(cursor: Cursor[Document]) -> Iterator[Reply]:
    """Group what a cursor yields as it came from the server, without asking for more before it is needed."""
    taken = 0
    with cursor:
        for document in cursor:
            rest = cursor.retrieved - taken - 1
            taken = cursor.retrieved
            yield Reply([document, *(cursor.to_list(rest) if rest else ())])


def _taken_apart(cursor: RawBatchCursor[Document]) -> Iterator[Reply]:
    """Decode each document alone."""
    with cursor:
        batch: Any  # bytes, though the driver's annotations say otherwise
        for batch in cursor:
            reply = Reply([])
            for raw in split(batch):
                document = decode(raw)
                if isinstance(document, str):
                    reply.broken.append((raw, document))
                else:
                    reply.documents.append(document)
            yield reply
