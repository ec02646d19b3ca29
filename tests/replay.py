"""A server that speaks MongoDB's wire protocol and replays ready-made BSON: reading costs next to nothing.

It holds one collection, and knows the filters and orders that clogs asks for, by ``_id`` and the watermark
field. Documents are bytes, so they may hold what other servers cannot store.
"""

from __future__ import annotations

import itertools
import socketserver
import struct
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC
from typing import Any

import bson
from bson import CodecOptions, ObjectId
from bson.raw_bson import RawBSONDocument

Document = dict[str, Any]

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
REPLY_BYTES = 16 * 1024 * 1024
"""MongoDB ends a reply before it grows beyond this, unless a single document does."""

HELLO: Document = {
    "isWritablePrimary": True,
    "ismaster": True,
    "helloOk": True,
    "maxBsonObjectSize": REPLY_BYTES,
    "maxMessageSizeBytes": 48_000_000,
    "maxWriteBatchSize": 100_000,
    "minWireVersion": 0,
    "maxWireVersion": 17,
    "readOnly": False,
    "ok": 1.0,
}
_AWARE: CodecOptions[Document] = CodecOptions(tz_aware=True, tzinfo=UTC)
_RAW: CodecOptions[RawBSONDocument] = CodecOptions(RawBSONDocument, tz_aware=True, tzinfo=UTC)


class Documents:
    """The documents of the collection.

    Args:
        documents: Their BSON, ascending by ``_id``, and by ``field`` unless it is None.
        field: The watermark field, of which there is an index. None where there is none.

    Attributes:
        visible: How many of the documents are there, from the first on.
    """

    def __init__(self, documents: Sequence[bytes], *, field: str | None) -> None:
        self._documents = documents
        self._keys: dict[str, list[Any]] = {}
        self._arrays: dict[tuple[int, int], bytes] = {}
        self._ids: Documents | None = None
        self.indexes = ["_id", *filter(None, [field])]
        self.visible = len(documents)

    def places(self, query: Document) -> range:
        """The places of the documents that a filter lets through."""
        start, stop = 0, self.visible
        for name, operator, bound in _conditions(query):
            if operator == "$lt":
                stop = min(stop, bisect_left(self._values(name), bound))
            else:
                bisect = bisect_left if operator == "$gte" else bisect_right
                start = max(start, bisect(self._values(name), bound))
        return range(start, max(start, stop))

    def _values(self, name: str) -> list[Any]:
        """The values of a field, read when they are first asked for."""
        if name not in self._keys:
            self._keys[name] = [_value(each, name) for each in self._documents]
        return self._keys[name]

    def ids(self) -> Documents:
        """The same without any field but ``_id``."""
        if self._ids is None:
            values = self._values("_id")
            self._ids = Documents([bson.encode({"_id": each}) for each in values], field=None)
        return self._ids

    def replies(self, places: range, size: int) -> Iterator[bytes]:
        """The arrays of documents that a cursor gets, each made once."""
        start = places.start
        while start < places.stop:
            stop = self._stop(start, min(places.stop, start + size))
            if stop - start == 1:
                yield _array(self._documents[start:stop])  # large ones would double all the memory
            else:
                if (start, stop) not in self._arrays:
                    self._arrays[start, stop] = _array(self._documents[start:stop])
                yield self._arrays[start, stop]
            start = stop

    def _stop(self, start: int, stop: int) -> int:
        """Where a reply ends for its bytes."""
        total = 0
        for place in range(start, stop):
            total += len(self._documents[place])
            if total > REPLY_BYTES and place > start:
                return place
        return stop


def _conditions(query: Document) -> Iterator[tuple[str, str, Any]]:
    """The bounds in a filter of clogs. What follows a position follows the largest ``_id`` it names."""
    for name, condition in query.items():
        if name == "$and":
            for each in condition:
                yield from _conditions(each)
        elif name == "$or":  # for those without a single Date: documents here have one
            yield "_id", "$lt", ObjectId(bytes(12))
        elif name == "$nor":
            ((field, bound),) = condition[0].items()
            yield from ((field, "$gt", value) for operator, value in bound.items() if operator == "$lte")
            if bound == {"$type": "objectId"}:  # documents here have no other ids
                yield field, "$lt", ObjectId(bytes(12))
        elif "$nin" in condition:
            yield "_id", "$gt", max(condition["$nin"])
        else:
            yield from ((name, operator, bound) for operator, bound in condition.items())


class Server(socketserver.ThreadingTCPServer):
    """Serves `Documents` as the one collection of every database, on a port of the loopback interface.

    Attributes:
        hello: What it says of itself.
        commands: Every ``find`` and ``getMore`` so far.
        faults: Answers in place of those to ``commands`` of these places; None cuts the connection.
        pause: Seconds before each answer to one of them.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, documents: Documents, collection: str, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Connection)
        self.documents = documents
        self.collection = collection
        self.cursors: dict[int, Iterator[bytes]] = {}
        self.next_cursor = itertools.count(1)
        self.hello = dict(HELLO)
        self.commands: list[Document] = []
        self.faults: dict[int, Document | None] = {}
        self.pause = 0.0

    @property
    def uri(self) -> str:
        return f"mongodb://127.0.0.1:{self.server_address[1]}"


class _Connection(socketserver.StreamRequestHandler):
    server: Server
    disable_nagle_algorithm = True
    wbufsize = -1

    def handle(self) -> None:
        with suppress(ConnectionError):
            while header := self.rfile.read(16):
                size, request, _, code = struct.unpack("<iiii", header)
                body = self.rfile.read(size - 16)
                if code == OP_QUERY:
                    self._reply(
                        OP_REPLY, request, struct.pack("<iqii", 0, 0, 0, 1) + bson.encode(self.server.hello)
                    )
                else:
                    self._reply(OP_MSG, request, b"\0\0\0\0\0", *self._answer(bson.decode(body[5:], _AWARE)))

    def _reply(self, code: int, request: int, *parts: bytes) -> None:
        size = 16 + sum(map(len, parts))
        self.wfile.write(struct.pack("<iiii", size, 0, request, code))
        for part in parts:
            self.wfile.write(part)
        self.wfile.flush()

    def _answer(self, command: Document) -> tuple[bytes, ...]:
        server, name = self.server, next(iter(command))
        namespace = f"{command['$db']}.{server.collection}"
        if command["$db"] == "config":  # of a cluster, which this is not
            return self._batch("firstBatch", iter(()), 0, namespace)
        if name in {"find", "getMore"}:
            server.commands.append(command)
            place = len(server.commands) - 1
            time.sleep(server.pause)
            if place in server.faults:
                fault = server.faults[place]
                if fault is None:
                    raise ConnectionAbortedError
                return (bson.encode({"ok": 0.0, **fault}),)
        if name == "find":
            documents = server.documents
            if command.get("projection") == {"_id": 1}:
                documents = documents.ids()
            replies = documents.replies(self._found(command), command.get("batchSize", 10_000))
            return self._batch("firstBatch", replies, next(server.next_cursor), namespace)
        if name == "getMore":
            return self._batch("nextBatch", server.cursors[command[name]], command[name], namespace)
        return (bson.encode(self._small_answer(name, command, namespace)),)

    def _found(self, command: Document) -> range:
        places = self.server.documents.places(command.get("filter", {}))
        limit = abs(command.get("limit", 0)) or len(places)
        descending = -1 in command.get("sort", {}).values()
        return places[-limit:] if descending else places[:limit]

    def _small_answer(self, name: str, command: Document, namespace: str) -> Document:
        documents, first = self.server.documents, list[Document]()
        if name == "count":
            return {"n": len(documents.places(command.get("query", {}))), "ok": 1.0}
        if name == "aggregate":  # the driver counts like this
            first = [{"n": len(documents.places(command["pipeline"][0]["$match"]))}]
        elif name == "listCollections":
            first = [{"name": self.server.collection, "type": "collection"}]
        elif name == "listIndexes":
            first = [{"v": 2, "key": {each: 1}, "name": f"{each}_1"} for each in documents.indexes]
        else:
            return self.server.hello
        return {"cursor": {"firstBatch": first, "id": 0, "ns": namespace}, "ok": 1.0}

    def _batch(self, key: str, replies: Iterator[bytes], cursor: int, namespace: str) -> tuple[bytes, ...]:
        array = next(replies, _array([]))
        following = next(replies, None)
        self.server.cursors.pop(cursor, None)
        if following is not None:
            self.server.cursors[cursor] = itertools.chain([following], replies)
        tail = bson.encode({"id": bson.Int64(cursor if following is not None else 0), "ns": namespace})[4:]
        inner = b"\x04" + key.encode() + b"\0"
        outer = b"\x03cursor\0"
        ok = bson.encode({"ok": 1.0})[4:]
        inner_size = 4 + len(inner) + len(array) + len(tail)
        total = 4 + len(outer) + inner_size + len(ok)
        return struct.pack("<i", total) + outer + struct.pack("<i", inner_size) + inner, array, tail + ok


@contextmanager
def replay(documents: Sequence[bytes], *, field: str | None = "ingestedAt") -> Iterator[Server]:
    """Serve documents from a thread of this process."""
    with Server(Documents(documents, field=field), "conversations") as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def _value(document: bytes, name: str) -> Any:  # noqa: ANN401  # of whatever type it has
    """The value of a field, without a look at the others."""
    return RawBSONDocument(document, _RAW)[name]


def _array(documents: Sequence[bytes]) -> bytes:
    body = b"".join(b"\x03%d\0%b" % pair for pair in enumerate(documents))
    return struct.pack("<i", len(body) + 5) + body + b"\0"
