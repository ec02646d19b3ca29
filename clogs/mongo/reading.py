"""Reading a stretch of a collection in replies, taken up again where a fault broke it off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pymongo.collection import Collection

from clogs.mongo.documents import Document, decode, decode_all, split
from clogs.mongo.ranges import KeyRange, Position


@dataclass(frozen=True, slots=True)
class Reply:
    """Documents that came together, in the order of the range.

    Attributes:
        raw: Their BSON, or the lines that they stand in.
        documents: The same decoded, to be changed at will; a text says why one cannot be.
        lines: Where these lines are, as FILE:LINE.
        position: Where reading goes on after them, as JSON.
    """

    raw: list[bytes]
    documents: list[Document | str]
    lines: list[str] | None = None
    position: str | None = None

    @classmethod
    def of(cls, raw: list[bytes], batch: bytes) -> Reply:
        """Decode documents, which ``batch`` holds one after the other: at once where they are all sound."""
        return cls(raw, [*(decode_all(batch) or map(decode, raw))])


class Reading:
    """The documents of a range, reply by reply."""

    def __init__(
        self,
        collection: Collection[Document],
        ask: Callable[[Callable[[], Any]], Any],
        key_range: KeyRange,
        *,
        projection: Mapping[str, Any] | None,
        documents_per_reply: int,
        limit: int,
    ) -> None:
        self._collection = collection
        self._ask = ask
        self._range = key_range
        self._options: dict[str, Any] = {"projection": projection, "batch_size": documents_per_reply}
        self._limit = limit
        self._read = 0
        self._position: Position | None = None
        self._batches: Iterator[Any] | None = None  # of bytes, though the driver's annotations differ

    def next_reply(self) -> Reply | None:
        """Read on, also after an error: what was returned before is not read again.

        Raises:
            TransientSourceError: The connection or the cursor was lost, and again after each delay.
            SourceError: The server refuses the query.
        """
        if self._limit and self._read >= self._limit:
            return None
        batch = self._ask(self._next_batch)
        if not batch:
            return None
        reply = Reply.of(split(batch), batch)
        self._read += len(reply.raw)
        sound = [each for each in reply.documents if not isinstance(each, str)]
        self._position = Position.after(sound, self._range.field, self._position)
        return reply

    def _next_batch(self) -> Any:  # noqa: ANN401  # bytes, or None at the end
        try:
            self._batches = self._batches or self._open()
            return next(self._batches, None)
        except BaseException:
            self._batches = None
            raise

    def _open(self) -> Iterator[Any]:
        query = self._range.filter(self._position)
        limit = self._limit and self._limit - self._read
        options = {**self._options, "limit": limit, "sort": [(self._range.field, 1)]}
        return iter(self._collection.find_raw_batches(query, **options))
