"""Dead letters: what was rejected, whole, with the reasons why."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from clogs.errors import ClogsError, DataError, UsageError
from clogs.files import reading, write_content
from clogs.terminal.text import count

Stage = Literal["import", "transcript", "extract", "load"]
"""What rejected it; ``transcript`` is an extraction that read transcripts in place of MongoDB."""

Encoding = Literal["text", "base64"]


logger = logging.getLogger(__name__)


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A rejected document, line or landing file."""

    stage: Stage
    source: str  # FILE:LINE, a document's _id or the name of a landing file
    reasons: tuple[str, ...]  # everything that is wrong with it
    # A line's text, Extended JSON, or base64 of bytes that are not text. For a landing file, its path below
    # the folder of the dead letters.
    document: str
    run: str
    at: Annotated[datetime, msgspec.Meta(tz=True)]  # when it was rejected, in UTC
    encoding: Encoding
    # What an import adds to a line: whose it is, and where from. Replayed by somebody else, it is still that.
    fields: dict[str, str] = {}

    @property
    def id(self) -> str:
        """The same for the same thing rejected again, by whichever run."""
        identity = f"{self.stage}\0{self.source}\0{self.document}"
        return hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    @property
    def raw(self) -> bytes:
        """The bytes that ``document`` stands for; ValueError if it is not base64, though it should be."""
        if self.encoding == "base64":
            return base64.b64decode(self.document, validate=True)
        return self.document.encode()


def as_text(raw: bytes) -> tuple[str, Encoding]:
    """Bytes as the ``document`` of a dead letter, and its ``encoding``."""
    try:
        return raw.decode(), "text"
    except UnicodeDecodeError:
        return base64.b64encode(raw).decode(), "base64"


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter without its document, which may have 16 MiB: thousands of these fit in memory."""

    id: str
    at: datetime
    stage: Stage
    source: str
    reasons: tuple[str, ...]
    run: str
    encoding: Encoding


Reasons = dict[str, tuple[str, ...]]
"""Why dead letters are rejected again, by id: what the stages answer to a replay."""


def write(folder: Path, letters: Sequence[DeadLetter]) -> None:
    """Make dead letters durable, as one JSON Lines file named by its content.

    The same letters written by a run that was killed and by the next one are one file.
    """
    if not letters:
        return
    digest = hashlib.blake2b("".join(letter.id for letter in letters).encode(), digest_size=8).hexdigest()
    content = msgspec.json.Encoder().encode_lines(letters)
    write_content(folder / f"{letters[0].stage}-{digest}.jsonl", content)


def read(folder: Path) -> Iterator[DeadLetter]:
    """Read every dead letter once, as it was rejected last, in no particular order."""
    newest = _newest(folder)  # in a pass of its own, so that only one file's documents are in memory
    for _, letters in _files(folder):
        for letter in letters:
            if newest.get(letter.id) == letter.at:
                del newest[letter.id]
                yield letter


def judge(rejected: int, total: int, *, stage: Stage, noun: str, kept: str, max_rejected: float) -> None:
    """Warn of what a run rejected; ``kept`` is what became of the others, ``max_rejected`` a share, 0 to 1.

    Raises:
        DataError: It is more than that.
    """
    reasons = f"clogs dead-letters list --stage {stage}"
    if rejected > max_rejected * total:
        raise DataError(
            f"{rejected:,} of {total:,} {noun}s were rejected, more than the {max_rejected:.1%} of"
            f" quality.max_rejected. The other {noun}s are {kept}.",
            hint=f"Their reasons: {reasons}",
        )
    if rejected:
        logger.warning("%s rejected; the reasons: %s", count(rejected, noun), reasons)


def headers(folder: Path) -> list[Header]:
    """All dead letters without their documents, the newest first."""
    found = [msgspec.convert(letter, Header, from_attributes=True) for letter in read(folder)]
    return sorted(found, key=lambda header: (-header.at.timestamp(), header.source))


def choose(found: Sequence[Header], ids: Sequence[str] = (), stage: Stage | None = None) -> list[Header]:
    """The dead letters of a stage whose ids begin with the given texts, each once; without ids, all of them.

    Raises:
        UsageError: No id begins with one of the texts, or several do.
    """
    chosen: dict[str, Header] = {}
    for given in ids:
        # An empty id (an unset shell variable) begins every id, and would choose the one letter there may be.
        matches = [header for header in found if given and header.id.startswith(given.lower())]
        if len(matches) != 1:
            kind = "Several dead letters have" if matches else "No dead letter has"
            raise UsageError(
                f"{kind} an id that begins with {given!r}.", hint="The ids: clogs dead-letters list --json"
            )
        chosen[matches[0].id] = matches[0]
    return [header for header in (chosen.values() if ids else found) if stage in {None, header.stage}]


def remove(folder: Path, ids: Collection[str]) -> None:
    """Remove dead letters for good; the caller holds the run lock.

    The other letters of a file are written to a new one before it is removed. If killed in between, they are
    there twice, and `read` gives them once.
    """
    newest = _newest(folder)
    for path, letters in _files(folder):
        if any(letter.id in ids for letter in letters):
            # A file is named by its letters' ids, so an older copy could replace the file of the newest one.
            kept = (letter for letter in letters if letter.id not in ids)
            write(folder, [letter for letter in kept if letter.at == newest[letter.id]])
            unlink(path)


def unlink(path: Path) -> None:
    """Remove a file if it exists."""
    try:
        path.unlink(missing_ok=True)
    except OSError as exc:
        raise ClogsError(
            f"Cannot remove {path}: {exc.strerror}.", hint="Fix the permissions of its folder."
        ) from exc


def _newest(folder: Path) -> dict[str, datetime]:
    """When each dead letter was rejected last."""
    newest: dict[str, datetime] = {}
    for _, letters in _files(folder):
        for letter in letters:
            newest[letter.id] = max(letter.at, newest.get(letter.id, letter.at))
    return newest


def _files(folder: Path) -> Iterator[tuple[Path, list[DeadLetter]]]:
    decoder = msgspec.json.Decoder(DeadLetter)
    for path in sorted(folder.glob("*.jsonl")):
        with reading(path):
            try:
                letters = decoder.decode_lines(path.read_bytes())
            except FileNotFoundError:  # another run has just removed letters
                continue
            except (msgspec.DecodeError, UnicodeDecodeError) as exc:
                raise ClogsError(
                    f"A file in {folder} does not hold dead letters: {path.name}: {exc}",
                    hint="Remove the line that is not one, or move the file away.",
                ) from exc
        yield path, letters
