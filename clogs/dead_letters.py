"""Dead letters: what could not be taken, whole, with the reasons why."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from clogs.errors import ClogsError, UsageError
from clogs.files import write_atomic

Stage = Literal["import", "extract", "load"]
Encoding = Literal["text", "base64"]

SHORTEST_ID = 8


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A rejected document or line.

    Attributes:
        stage: Who rejected it: ``import``, ``extract`` or ``load``.
        source: Where it came from: ``FILE:LINE``, a collection's document or a landing file.
        reasons: Everything that is wrong with it.
        document: The thing itself: the line, Extended JSON, or base64 where it is no text. Of a landing file
            its path below the folder of the dead letters.
        run: The run that rejected it.
        at: When, in UTC.
        encoding: How ``document`` is written; older letters do not tell.
    """

    stage: str
    source: str
    reasons: tuple[str, ...]
    document: str
    run: str
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    encoding: Encoding = "text"

    @property
    def key(self) -> str:
        """The same for the same thing rejected again, by whichever run."""
        identity = f"{self.stage}\0{self.source}\0{self.document}"
        return hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    @property
    def raw(self) -> bytes:
        """The bytes that ``document`` stands for.

        Raises:
            ValueError: They cannot be told from it.
        """
        if self.encoding == "base64":
            return base64.b64decode(self.document, validate=True)
        return self.document.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A dead letter without its document.

    Attributes:
        id: Its key.
        at: When it was rejected last, in UTC.
        stage: Who rejected it.
        source: Where it came from.
        reasons: Everything that is wrong with it.
        run: The run that rejected it.
        encoding: How its document is written.
    """

    id: str
    at: datetime
    stage: str
    source: str
    reasons: tuple[str, ...]
    run: str
    encoding: Encoding


@dataclass(slots=True)
class Replayed:
    """What became of dead letters that were run through today's code, by their keys.

    Attributes:
        passed: Those that are taken in, durably.
        rejected: The others, each with the reasons of today.
    """

    passed: set[str] = field(default_factory=set)
    rejected: dict[str, tuple[str, ...]] = field(default_factory=dict)


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
    write_atomic(folder / f"{letters[0].stage}-{digest}.jsonl", lambda path: path.write_bytes(content))


def read(folder: Path) -> Iterator[DeadLetter]:
    """Read every dead letter once, as it was rejected last, in no particular order.

    Raises:
        ClogsError: A file cannot be read, or holds something else.
    """
    newest = _newest(folder)
    for _, letters in _files(folder):
        for letter in letters:
            if newest.get(letter.key) == letter.at:
                del newest[letter.key]
                yield letter


def entries(folder: Path) -> list[Entry]:
    """All dead letters without their documents, the newest first.

    Raises:
        ClogsError: A file cannot be read, or holds something else.
    """
    found = [
        Entry(
            id=letter.key,
            at=letter.at,
            stage=letter.stage,
            source=letter.source,
            reasons=letter.reasons,
            run=letter.run,
            encoding=letter.encoding,
        )
        for letter in read(folder)
    ]
    found.sort(key=lambda entry: entry.source)
    return sorted(found, key=lambda entry: entry.at, reverse=True)


def choose(found: Sequence[Entry], ids: Iterable[str]) -> list[Entry]:
    """The dead letters whose ids begin like the given ones, each once.

    Raises:
        UsageError: None begins so, or several do.
    """
    chosen: dict[str, Entry] = {}
    for given in ids:
        matches = [entry for entry in found if given and entry.id.startswith(given.lower())]
        if len(matches) != 1:
            kind = "Several dead letters have" if matches else "No dead letter has"
            raise UsageError(
                f"{kind} an id that begins with {given!r}.", hint="The ids: clogs dead-letters list"
            )
        chosen[matches[0].id] = matches[0]
    return list(chosen.values())


def short_ids(found: Sequence[Entry]) -> dict[str, str]:
    """The beginnings of ids, of one length, that tell these dead letters apart."""
    ids = [entry.id for entry in found]
    length = SHORTEST_ID
    while len({each[:length] for each in ids}) < len(ids):
        length += 1
    return {each: each[:length] for each in ids}


def remove(folder: Path, keys: Collection[str]) -> None:
    """Remove dead letters for good; the caller holds the run lock.

    What else stands in their files is written anew first: killed in between, it is there twice, which `read`
    does not show.

    Raises:
        ClogsError: A file cannot be read, written or removed, or holds something else.
    """
    newest = _newest(folder)
    for path, letters in _files(folder):
        if any(letter.key in keys for letter in letters):
            # An older copy could take the place of the newest one: files are named by their letters' keys.
            kept = (letter for letter in letters if letter.key not in keys)
            write(folder, [letter for letter in kept if letter.at == newest[letter.key]])
            unlink(path)


def unlink(path: Path) -> None:
    """Remove a file, as far as it is there.

    Raises:
        ClogsError: It cannot be removed.
    """
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
            newest[letter.key] = max(letter.at, newest.get(letter.key, letter.at))
    return newest


def _files(folder: Path) -> Iterator[tuple[Path, list[DeadLetter]]]:
    decoder = msgspec.json.Decoder(DeadLetter)
    for path in sorted(folder.glob("*.jsonl")):
        try:
            letters = decoder.decode_lines(path.read_bytes())
        except FileNotFoundError:  # another run has removed letters just now
            continue
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise ClogsError(
                f"A file in {folder} does not hold dead letters: {path.name}: {exc}",
                hint="Remove the line that is none, or move the file away.",
            ) from exc
        except OSError as exc:
            raise ClogsError(
                f"Cannot read {path}: {exc.strerror}.", hint="Look for the cause with: clogs doctor"
            ) from exc
        yield path, letters
