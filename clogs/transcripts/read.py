"""The lines of a transcript: one JSON object each, in a file that Claude Code only ever appends to."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from clogs.files import reading

BATCH_LINES = 1_000
BATCH_BYTES = 1024 * 1024
"""A batch ends when it has more, or `BATCH_LINES`."""
TAIL_BYTES = 1024


logger = logging.getLogger(__name__)


class FilePosition(msgspec.Struct, frozen=True):
    """How far a file has been read."""

    offset: int = 0  # bytes
    line: int = 0  # lines that end before the offset
    tail: str = ""  # a digest of the last `TAIL_BYTES` before the offset; if it differs, so does the file


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is not blank, without the white space around it."""

    number: int  # from 1
    text: bytes
    entry: dict[str, Any] | None
    fault: str | None = None  # why it holds no entry


def read_batches(path: Path, start: FilePosition) -> Iterator[tuple[list[Line], FilePosition]]:
    """Read the lines of a file from a position on, batch by batch.

    A file that was replaced or truncated since is read from its beginning. A half-written last line is left
    for the next time. The last batch may be empty.
    """
    batch: list[Line] = []
    size = 0
    with reading(path, hint="Fix its permissions, then run this again."), path.open("rb") as file:
        if start.tail != _tail(file.fileno(), start.offset):
            logger.info("%s was rewritten since it was read: it is read from its beginning.", path)
            start = FilePosition()
        file.seek(start.offset)
        offset, number = start.offset, start.line
        for raw in file:
            line, ended = parse(number + 1, raw.strip(b"\0 \t\r\n")), raw.endswith(b"\n")
            if not ended and (line is None or line.fault):
                break
            # A whole line that had not ended when it was read leaves its line feed for the next time.
            offset, number = offset + len(raw), number + ended
            if line:
                batch.append(line)
                size += len(line.text)
            if len(batch) == BATCH_LINES or size > BATCH_BYTES:
                yield batch, FilePosition(offset, number, _tail(file.fileno(), offset))
                batch, size = [], 0
        yield batch, FilePosition(offset, number, _tail(file.fileno(), offset))


def parse(number: int, text: bytes) -> Line | None:
    """Read a line that has no white space around it; a blank one is None."""
    if not text:
        return None
    try:
        entry = _parsed(text)
    except (ValueError, RecursionError) as exc:
        fault = "holds more than one record" if b"}{" in text else f"is not JSON: {exc}"
        return Line(number, text, None, fault)
    if not isinstance(entry, dict):
        return Line(number, text, None, "is not a JSON object")
    return Line(number, text, entry)


def _parsed(text: bytes) -> object:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        # Half of an emoji (a lone surrogate) is JSON but not Unicode; other writers of BSON replace it, too.
        legible = json.dumps(json.loads(text), ensure_ascii=False, allow_nan=False)
        return json.loads(legible.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))


def _tail(descriptor: int, offset: int) -> str:
    if not offset:
        return ""
    # pread leaves the file's position alone, which the iteration over its lines depends on.
    tail = os.pread(descriptor, min(offset, TAIL_BYTES), max(0, offset - TAIL_BYTES))
    return hashlib.blake2b(tail, digest_size=8).hexdigest()
