"""Rejected documents once more, as if they had just been read."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from clogs.dead_letters import DeadLetter, Reasons
from clogs.extract.flatten import flatten
from clogs.extract.rows import rows_of
from clogs.extract.screen import screen
from clogs.extract.transcripts import document_of_letter
from clogs.landing.files import POLARS_TYPES, land
from clogs.landing.place import Place
from clogs.mongo import Document, Reply, decode, from_extended_json
from clogs.schema import COLUMNS


def replay_documents(
    letters: Sequence[DeadLetter],
    *,
    raw_dir: Place,
    exclude: Sequence[str],
    blocking_checks: tuple[str, ...],
    name: str,
) -> Reasons:
    """Land the documents of dead letters that fit by now.

    They are landed as of when they were rejected: a version that was read since then stays the newest.
    """
    reply = Reply([b""] * len(letters), [_document(letter) for letter in letters])
    # The newest extracted_at wins in the warehouse, so a letter must not get the time of its replay.
    moments = pl.Series("extracted_at", [letter.at for letter in letters], dtype=POLARS_TYPES["instant"])
    scanned = rows_of(reply, exclude=exclude, watermark_field="").with_columns(moments)
    rows = screen(flatten(scanned.lazy()), blocking_checks).collect()
    sound = rows.filter(pl.col("reasons").is_null()).select(column.name for column in COLUMNS)
    land(sound, raw_dir, name=name)
    reasons = zip(letters, rows["reasons"].to_list(), strict=True)
    return {letter.id: tuple(found.splitlines()) for letter, found in reasons if found}


def _document(letter: DeadLetter) -> Document | str:
    """The document, or the reason why it cannot be decoded."""
    if letter.stage == "transcript":
        return document_of_letter(letter)
    if letter.encoding == "text":
        return from_extended_json(letter.document)
    try:
        raw = letter.raw
    except ValueError as exc:
        return f"invalid base64: {exc}"
    return decode(raw)
