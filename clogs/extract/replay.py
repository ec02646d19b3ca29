"""Rejected documents once more, as if they had just been read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from clogs.dead_letters import DeadLetter, Reasons
from clogs.extract.flatten import batch_of
from clogs.extract.screen import screen
from clogs.landing.files import POLARS_TYPES, land
from clogs.mongo import Document, decode, from_extended_json


def replay_documents(
    letters: Sequence[DeadLetter],
    *,
    raw_dir: Path,
    exclude: Sequence[str],
    blocking_checks: tuple[str, ...],
    name: str,
) -> Reasons:
    """Land the documents of dead letters that fit by now.

    They are landed as of when they were rejected: a version that was read since then stays the newest.
    """
    decoded = [(letter, _document(letter)) for letter in letters]
    sound = [(letter, document) for letter, document in decoded if not isinstance(document, str)]
    rows, rejected = screen(
        [document for _, document in sound], exclude=exclude, blocking_checks=blocking_checks
    )
    fitting = [letter.at for place, (letter, _) in enumerate(sound) if place not in rejected]
    # The newest extracted_at wins in the warehouse, so a letter must not get the time of its replay.
    moments = pl.Series(fitting, dtype=POLARS_TYPES["instant"])
    land(batch_of(rows, extracted_at=moments), raw_dir, name=name)
    broken: Reasons = {letter.id: (reason,) for letter, reason in decoded if isinstance(reason, str)}
    return broken | {sound[place][0].id: tuple(reasons) for place, reasons in rejected.items()}


def _document(letter: DeadLetter) -> Document | str:
    """The document, or the reason why it cannot be decoded."""
    if letter.encoding == "text":
        return from_extended_json(letter.document)
    try:
        raw = letter.raw
    except ValueError as exc:
        return f"invalid base64: {exc}"
    return decode(raw)
