"""How far transcripts have been read, in a file of the state."""

from __future__ import annotations

from pathlib import Path

import msgspec

from clogs.errors import ClogsError
from clogs.files import write_atomic
from clogs.transcripts.read import FilePosition

Positions = dict[str, FilePosition]
"""By the absolute paths of the transcripts."""


def read_positions(path: Path) -> Positions:
    """Read what `write_positions` wrote; without a file, nothing has been read.

    Raises:
        ClogsError: The file is damaged, or cannot be read.
    """
    if not path.exists():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=Positions)
    except (msgspec.DecodeError, OSError) as exc:
        raise ClogsError(
            f"{path}, which says how far transcripts have been read, is damaged.",
            hint="Remove it: all transcripts are then read again, and no line is there twice.",
        ) from exc


def write_positions(path: Path, positions: Positions) -> None:
    """Make positions durable: lines before them are never read again."""
    content = msgspec.json.encode(positions)
    write_atomic(path, lambda path: path.write_bytes(content))
