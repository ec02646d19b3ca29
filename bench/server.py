"""A process that serves made-up documents, ready-made: ``python -m bench.server COUNT [WHOLE] [LARGE]``."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import bson
from bson import ObjectId
from replay import Documents, Server

from bench.documents import entries
from clogs.settings.model import MongoSettings

EXCLUDE = MongoSettings().exclude
LARGE_BYTES = 15 * 1024 * 1024


def documents(count: int, *, whole: bool, large: int) -> Iterator[bytes]:
    """Make BSON documents.

    Args:
        count: How many.
        whole: With the fields that clogs leaves on the server, as from a server that sends them all the same.
        large: How many of them hold an image of 15 MB.
    """
    every = count // large if large else 0
    for number, entry in enumerate(entries(count)):
        if not whole:
            leave_out(entry)
        if every and number % every == 0:
            source = {"type": "base64", "media_type": "image/png", "data": "A" * LARGE_BYTES}
            entry["message"] = {"role": "user", "content": [{"type": "image", "source": source}]}
        yield bson.encode(entry)


def leave_out(entry: dict[str, Any]) -> None:
    """Do what a server does with the projection of clogs."""
    for path in EXCLUDE:
        *parents, last = path.split(".")
        inner: Any = entry
        for name in parents:
            inner = inner.get(name)
            if not isinstance(inner, dict):
                break
        else:
            inner.pop(last, None)


def main(count: str, whole: str, large: str, hidden: str) -> None:
    """Serve until standard input ends; a line there shows the hidden newest documents, too."""
    made = Documents(
        list(documents(int(count), whole=whole == "whole", large=int(large))), field="ingestedAt"
    )
    made.visible = int(count) - int(hidden)
    made.places({"_id": {"$gte": ObjectId()}, "ingestedAt": {"$gte": datetime.now(UTC)}})  # now it knows them
    gc.freeze()
    with Server(made, "conversations") as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdout.write(f"{server.uri}\n")
        sys.stdout.flush()
        for _ in sys.stdin:
            made.visible = int(count)


if __name__ == "__main__":
    main(*sys.argv[1:])
