"""Rejected documents once more, as if they had just been read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from clogs.dead_letters import DeadLetter, Replayed
from clogs.extract.flatten import batch_of
from clogs.extract.screen import screen
from clogs.landing.files import POLARS_TYPES, land
from clogs.mongo import Document, decode, from_extended_json


def replay(
    letters: Sequence[DeadLetter],
    *,
    raw_dir: Path,
    exclude: Sequence[str],
    blocking_checks: tuple[str, ...],
    name: str,
) -> Replayed:
    """Land the documents of dead letters that fit by now.

    They are landed as of when they were rejected: a version that was read since then stays the newest.

    Args:
        letters: Dead letters of an extraction; a few hundred at a time are best.
        raw_dir: The landing folder.
        exclude: Dotted paths of fields to leave out.
        blocking_checks: Names of the checks that a document must pass.
        name: What makes the landing files' names unique.

    Raises:
        ClogsError: A file cannot be written.
    """
    replayed = Replayed()
    decoded: list[tuple[DeadLetter, Document]] = []
    for letter in letters:
        document = _document(letter)
        if isinstance(document, str):
            replayed.rejected[letter.key] = (document,)
        else:
            decoded.append((letter, document))
    rows, rejected = screen(
        [document for _, document in decoded], exclude=exclude, blocking_checks=blocking_checks
    )
    fitting = [letter for place, (letter, _) in enumerate(decoded) if place not in rejected]
    moments = pl.Series([letter.at for letter in fitting], dtype=POLARS_TYPES["instant"])
    land(batch_of(rows, extracted_at=moments), raw_dir, name=name)
    replayed.passed.update(letter.key for letter in fitting)
    replayed.rejected |= {decoded[place][0].key: tuple(reasons) for place, reasons in rejected.items()}
    return replayed


def _document(letter: DeadLetter) -> Document | str:
    """The document, or the reason why it cannot be decoded."""
    if letter.encoding == "text":
        return from_extended_json(letter.document)
    try:
        raw = letter.raw
    except ValueError as exc:
        return f"invalid base64: {exc}"
    return decode(raw)
