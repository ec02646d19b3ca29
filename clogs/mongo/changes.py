"""A collection's change stream, taken up at a token, until it has caught up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from bson import Timestamp, json_util
from bson.raw_bson import RawBSONDocument
from pymongo import errors
from pymongo.change_stream import ChangeStream
from pymongo.collection import Collection
from pymongo.read_concern import ReadConcern

from clogs.errors import LostChangesError, NoChangesError, TransientSourceError
from clogs.mongo.documents import CODEC, Document
from clogs.mongo.errors import NOT_A_REPLICA_SET, ON_VIEW, UNAUTHORIZED, mapped_errors
from clogs.mongo.reading import Reply

AWAIT_MS = 50
"""How long the server may look for changes before it answers that there are none."""

NO_CHANGES = {
    UNAUTHORIZED: "this user lacks the privilege changeStream",
    ON_VIEW: "it is a view",
    NOT_A_REPLICA_SET: "the server is not part of a replica set",
}
"""What it means where a server refuses to open a stream at all."""

LOST = frozenset(
    {
        136,  # CappedPositionLost
        260,  # InvalidResumeToken
        280,  # ChangeStreamFatalError: the token was not found
        286,  # ChangeStreamHistoryLost: the token is older than the oplog
        10334,  # BSONObjectTooLarge: a change of more than 16 MB, which every attempt would meet again
    }
)
"""Codes of a stream that cannot go on from its token, now or later."""

ENDS = {
    "drop": "was dropped",
    "rename": "was renamed",
    "dropDatabase": "was dropped with its database",
    "invalidate": "was replaced",
}

_MONGODB_TOKEN = re.compile("82([0-9A-F]{8})([0-9A-F]{8})")
"""The time of a token of MongoDB, which begins with it; other servers have their own forms."""


class Changes:
    """The documents that changed, in their newest versions, reply by reply.

    Attributes:
        token: Where the stream goes on after what was returned, as Extended JSON.
        deleted: How many documents were deleted, of those changes.
    """

    def __init__(
        self,
        collection: Collection[Document],
        where: str,
        token: str | None,
        *,
        exclude: Sequence[str],
        documents_per_reply: int,
        bytes_per_reply: int,
    ) -> None:
        """Open the stream at ``token``, or at this moment.

        Raises:
            NoChangesError: The deployment, or this user, has no change streams.
            LostChangesError: The stream does not reach back to the token.
            TransientSourceError: The connection was lost.
        """
        # the server takes no other read concern for a change stream, whatever the URI says
        self._collection: Collection[Any] = collection.with_options(
            CODEC.with_options(document_class=RawBSONDocument), read_concern=ReadConcern("majority")
        )
        self._where = where
        left_out = ["updateDescription", *(f"fullDocument.{path}" for path in exclude)]
        self._pipeline = [{"$project": dict.fromkeys(left_out, 0)}]
        self._documents, self._bytes = documents_per_reply, bytes_per_reply
        self._ended: str | None = None
        self._has_caught_up = False
        self.deleted = 0
        with mapped_errors(where):
            self._now = self._cluster_time()
        with self._mapped_errors():
            self._stream: ChangeStream[Any] | None = self._open(token)
            self.token = _as_text(self._stream.resume_token)

    def next_reply(self) -> Reply | None:
        """Read on, also after an error; None at the moment that the stream was opened, or where it ended.

        A reply holds one version of each document, and is as large as asked for unless it is the last.

        Raises:
            TransientSourceError: The connection was lost.
            LostChangesError: Changes since the token are gone.
        """
        newest: dict[bytes, bytes] = {}
        deleted: set[bytes] = set()
        size = 0
        try:
            with self._mapped_errors():
                self._stream = self._stream or self._open(self.token)
                while size < self._bytes and len(newest) < self._documents:
                    change = self._next_change(self._stream)
                    if change is None:
                        break
                    key = bytes(change["documentKey"].raw)
                    if change["operationType"] == "delete":
                        deleted.add(key)
                    # of a document that is gone by now there is none; its deletion follows
                    elif document := change.get("fullDocument"):
                        raw = bytes(document.raw)  # of a large reply it is a view
                        size += len(raw) - len(newest.pop(key, b""))
                        newest[key] = raw
        except BaseException:
            self.close()
            raise
        self.token = _as_text(self._stream.resume_token)
        self.deleted += len(deleted)
        if newest:
            documents = list(newest.values())
            return replace(Reply.of(documents, b"".join(documents)), position=self.token)
        self.close()
        return None

    def raise_for_end(self) -> None:
        """Raise a `LostChangesError` if what was returned is all: the collection is another one by now."""
        if self._ended:
            raise LostChangesError(f"The collection {self._where} {self._ended}.")

    def close(self) -> None:
        """End the stream on the server; reading on opens it again."""
        if self._stream:
            self._stream.close()
        self._stream = None

    def _open(self, token: str | None) -> ChangeStream[Any]:
        return self._collection.watch(
            self._pipeline,
            full_document="updateLookup",
            resume_after=json_util.loads(token) if token else None,
            max_await_time_ms=AWAIT_MS,
            batch_size=0,  # of the first reply: with changes in it, the driver would have no token yet
        )

    def _next_change(self, stream: ChangeStream[Any]) -> Any:  # noqa: ANN401  # a RawBSONDocument
        """The next change of a document; None where the stream has caught up, or ended."""
        before = None
        while not (self._has_caught_up or self._ended):
            change = stream.try_next()
            if change is not None:
                self._ended = ENDS.get(change["operationType"])
                self._has_caught_up = self._now is not None and change["clusterTime"] > self._now
                if not self._ended:
                    return change
            else:
                # A busy server answers before it has searched all its changes, but moves the token.
                token = stream.resume_token
                self._has_caught_up = token == before or self._is_now(token)
                before = token
        return None

    def _is_now(self, token: Mapping[str, Any] | None) -> bool:
        time = _MONGODB_TOKEN.match(str((token or {}).get("_data")))
        if time is None or self._now is None:
            return True
        return Timestamp(*(int(part, 16) for part in time.groups())) >= self._now

    def _cluster_time(self) -> Timestamp | None:
        admin = self._collection.database.client.admin
        hello = admin.command("hello", read_preference=self._collection.read_preference)
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            raise self._no_changes(NOT_A_REPLICA_SET)
        return hello.get("operationTime")

    def _no_changes(self, code: int) -> NoChangesError:
        return NoChangesError(
            f"{self._where} has no change stream: {NO_CHANGES[code]}.",
            hint='Set pipeline.source_mode (PIPELINE_SOURCE_MODE) to "auto"'
            + (", or grant it." if code == UNAUTHORIZED else "."),
            is_refused=code == UNAUTHORIZED,
        )

    @contextmanager
    def _mapped_errors(self) -> Iterator[None]:
        with mapped_errors(self._where):
            try:
                yield
            except errors.OperationFailure as exc:
                if exc.code in NO_CHANGES:
                    raise self._no_changes(exc.code) from exc
                if exc.code in LOST:
                    message = f"The change stream of {self._where} does not reach back to the last run."
                    raise LostChangesError(message) from exc
                if exc.has_error_label("ResumableChangeStreamError"):
                    message = f"The change stream of {self._where} broke off."
                    raise TransientSourceError(message) from exc
                raise


def _as_text(token: Mapping[str, Any] | None) -> str:
    return json_util.dumps(dict(token or {}))
