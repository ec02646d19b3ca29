"""How far transcripts have been read, in a file of the state."""

from __future__ import annotations

import msgspec

from clogs.errors import ClogsError
from clogs.transcripts.read import FilePosition

Positions = dict[str, FilePosition]
"""By the absolute paths of the transcripts."""


def decode_positions(content: bytes | None, *, name: str) -> Positions:
    """Decode what `encode_positions` made; without it, nothing has been read.

    Raises:
        ClogsError: The file of this name is damaged.
    """
    if content is None:
        return {}
    try:
        return msgspec.json.decode(content, type=Positions)
    except msgspec.DecodeError as exc:
        raise ClogsError(
            f"{name}, which says how far transcripts have been read, is damaged.",
            hint="Remove it: all transcripts are then read again, and no line is there twice.",
        ) from exc


def encode_positions(positions: Positions) -> bytes:
    """Encode positions: once they are durable, lines before them are never read again."""
    return msgspec.json.encode(positions)
