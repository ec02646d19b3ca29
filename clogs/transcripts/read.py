"""Claude Code's transcripts on disk: which files there are, and the entries in them.

Claude Code writes ``<home>/.claude/projects/<project>/<session>.jsonl``, one JSON object per line, only ever
appending; sub-agents stand in ``agent-*.jsonl`` beside it or in ``<session>/subagents/``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from clogs.errors import ClogsError, UsageError

PROJECTS = "projects"
NO_TRANSCRIPTS = frozenset({"journal.jsonl"})
"""Files of Claude Code that end in ``.jsonl`` and hold no conversation."""

TAIL_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Transcript:
    """One file.

    Attributes:
        path: Where it stands, absolute.
        project_id: The name of its project's folder.
        source_file: Its path below that folder, with forward slashes.
    """

    path: Path
    project_id: str
    source_file: str


class Position(msgspec.Struct, frozen=True):
    """How far a file has been read.

    Attributes:
        offset: Bytes.
        line: Lines that have ended before ``offset``.
        tail: A digest of the last `TAIL_BYTES` before ``offset``: another one means another file.
    """

    offset: int = 0
    line: int = 0
    tail: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is not blank.

    Attributes:
        number: Its number in the file, from 1.
        text: Its bytes, without the white space around them.
        entry: The object it holds; None if it holds none.
        fault: Why there is no entry.
    """

    number: int
    text: bytes
    entry: dict[str, Any] | None
    fault: str | None = None


def find(paths: Iterable[Path]) -> list[Transcript]:
    """Find the transcripts in files and folders, each once, sorted by path.

    A path may be Claude Code's own folder, its ``projects``, one project or one file.

    Raises:
        UsageError: A path does not exist, or none of them holds a transcript.
    """
    found: dict[Path, Transcript] = {}
    for path in paths:
        root = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100  # without .., and with its links
        if not root.exists():
            raise UsageError(f"There is no {path}.", hint="Name Claude Code's folder: clogs import ~/.claude")
        if (root / PROJECTS).is_dir():
            root /= PROJECTS
        files = [root] if root.is_file() else filter(Path.is_file, root.rglob("*.jsonl"))
        found |= {file: _transcript(file, root) for file in files if file.name not in NO_TRANSCRIPTS}
    if not found:
        raise UsageError(
            "There is no transcript (*.jsonl) in there.",
            hint="Name Claude Code's folder: clogs import ~/.claude",
        )
    return [found[path] for path in sorted(found)]


def transcript_at(path: Path) -> Transcript:
    """What `find` would tell of a file, by its path alone: the file may be gone."""
    return _transcript(path, None)


class Reading:
    """The lines of one file from a position on.

    Args:
        path: The file.
        start: Where an earlier reading ended. Where the file is no longer the one that was read then, it
            is read from its beginning.

    Attributes:
        position: Behind the last line given; a half-written last line is left for the next time.
    """

    def __init__(self, path: Path, start: Position) -> None:
        self._path = path
        self.position = start if start.tail == _tail(path, start.offset) else Position()

    def __iter__(self) -> Iterator[Line]:
        offset, number = self.position.offset, self.position.line
        with _opened(self._path) as file:
            file.seek(offset)
            for raw in file:
                line, ended = parse(number + 1, raw.strip(b"\0 \t\r\n")), raw.endswith(b"\n")
                if not ended and (line is None or line.fault):
                    break
                # The rest of a line that was taken before it ended is still that line.
                offset, number = offset + len(raw), number + ended
                if line:
                    yield line
        self.position = Position(offset, number, _tail(self._path, offset))


def parse(number: int, text: bytes) -> Line | None:
    """Read a line that has no white space around it; a blank one is None."""
    if not text:
        return None
    try:
        entry = _parsed(text)
    except (ValueError, RecursionError) as exc:
        fault = "holds more than one record" if b"}{" in text else f"is no JSON: {exc}"
        return Line(number, text, None, fault)
    if not isinstance(entry, dict):
        return Line(number, text, None, "is no JSON object")
    return Line(number, text, entry)


def _transcript(path: Path, root: Path | None) -> Transcript:
    project = _project_folder(path, root)
    return Transcript(path, project.name, path.relative_to(project).as_posix())


def _project_folder(path: Path, root: Path | None) -> Path:
    """The folder right below ``projects``, where that is given; else the likeliest one."""
    inside = (folder for folder in path.parents if root is None or folder.is_relative_to(root))
    for child, parent in pairwise(inside):
        if parent.name == PROJECTS:
            return child
    if path.parent.name == "subagents" and path.parents[2:]:
        return path.parents[2]
    if root is None or root.is_file() or any(root.glob("*.jsonl")):
        return path.parent
    return root / path.relative_to(root).parts[0]


def _parsed(text: bytes) -> object:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        # Half of an emoji (a lone surrogate) is JSON, but no Unicode: other writers of BSON replace it, too.
        legible = json.dumps(json.loads(text), ensure_ascii=False, allow_nan=False)
        return json.loads(legible.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))


def _tail(path: Path, offset: int) -> str:
    if not offset:
        return ""
    with _opened(path) as file:
        file.seek(max(0, offset - TAIL_BYTES))
        tail = file.read(min(offset, TAIL_BYTES))
    return hashlib.blake2b(tail, digest_size=8).hexdigest()


def _opened(path: Path) -> Any:  # noqa: ANN401
    try:
        return path.open("rb")
    except OSError as exc:
        raise ClogsError(
            f"Cannot read {path}: {exc.strerror}.", hint="Fix its permissions, then import again."
        ) from exc
