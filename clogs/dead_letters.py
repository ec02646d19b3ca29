"""Dead letters: what could not be taken, whole, with the reasons why."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from clogs.files import write_atomic


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A rejected document or line.

    Attributes:
        stage: Who rejected it: ``import``, ``extract`` or ``load``.
        source: Where it came from: ``FILE:LINE``, a collection's document or a landing file.
        reasons: Everything that is wrong with it.
        document: The thing itself: the line, Extended JSON, or base64 where it is no text.
        run: The run that rejected it.
        at: When, in UTC.
    """

    stage: str
    source: str
    reasons: tuple[str, ...]
    document: str
    run: str
    at: datetime

    @property
    def key(self) -> str:
        """The same for the same thing rejected again, by whichever run."""
        identity = f"{self.stage}\0{self.source}\0{self.document}"
        return hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def write(folder: Path, letters: Sequence[DeadLetter]) -> None:
    """Make dead letters durable, as one JSON Lines file named by what it holds.

    The same letters written by a run that was killed and by the next one are one file.

    Raises:
        ClogsError: The folder cannot be written to.
    """
    if not letters:
        return
    digest = hashlib.blake2b("".join(letter.key for letter in letters).encode(), digest_size=8).hexdigest()
    content = msgspec.json.Encoder().encode_lines(letters)
    write_atomic(folder / f"{letters[0].stage}-{digest}.jsonl", lambda aside: aside.write_bytes(content))


def read(folder: Path) -> Iterator[DeadLetter]:
    """Read every dead letter once, in no particular order."""
    seen: set[str] = set()
    for path in sorted(folder.glob("*.jsonl")):
        for letter in msgspec.json.Decoder(DeadLetter).decode_lines(path.read_bytes()):
            if letter.key not in seen:
                seen.add(letter.key)
                yield letter
