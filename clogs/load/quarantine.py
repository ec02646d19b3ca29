"""Damaged landing files, in quarantine among the dead letters."""

from __future__ import annotations

import filecmp
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from clogs import dead_letters
from clogs.dead_letters import DeadLetter, Reasons, unlink
from clogs.errors import ClogsError
from clogs.files import write_atomic
from clogs.landing.ledger import ledger_name
from clogs.landing.verify import DamagedError, verify

FOLDER = "landing"  # in the folder of the dead letters


def quarantine(damaged: Mapping[Path, str], *, raw_dir: Path, dead_letter_dir: Path, run: str) -> Path:
    """Move damaged files, each with its reason, to the dead letters, and return the folder where they are."""
    folder = dead_letter_dir / FOLDER
    places: dict[Path, Path] = {}
    letters: list[DeadLetter] = []
    for path, reason in damaged.items():
        name = ledger_name(path, raw_dir)
        place = folder / name
        if place.exists() and not filecmp.cmp(path, place, shallow=False):
            place = folder / run / name
        places[path] = place
        letters.append(
            DeadLetter(
                stage="load",
                source=name,
                reasons=(reason,),
                document=place.relative_to(dead_letter_dir).as_posix(),
                run=run,
                at=datetime.now(UTC),
                encoding="text",
            )
        )
    # Letters first: a kill in between leaves letters whose files the next load quarantines again.
    dead_letters.write(dead_letter_dir, letters)
    for path, place in places.items():
        write_atomic(place, partial(shutil.copyfile, path))
        path.unlink()
    return folder


def restore(letters: Sequence[DeadLetter], *, raw_dir: Path, dead_letter_dir: Path) -> Reasons:
    """Put files that are intact again back in the landing folder, and return why the others stay."""
    reasons = {letter.id: _restore(letter, raw_dir, dead_letter_dir) for letter in letters}
    return {identity: (reason,) for identity, reason in reasons.items() if reason}


def quarantined_file(letter: DeadLetter, dead_letter_dir: Path) -> Path | None:
    """Return a letter's file; None where it is gone, or outside the quarantine."""
    path = dead_letter_dir / letter.document
    return path if _is_below(dead_letter_dir / FOLDER, path) and path.is_file() else None


def discard(path: Path, *, dead_letter_dir: Path) -> None:
    """Remove a file in quarantine, and the folders that are empty then."""
    unlink(path)
    with suppress(OSError):
        for folder in path.relative_to(dead_letter_dir).parents[:-1]:
            (dead_letter_dir / folder).rmdir()


def _restore(letter: DeadLetter, raw_dir: Path, dead_letter_dir: Path) -> str | None:
    """Put one file back, or return why not. What a killed replay left half done is completed."""
    target, quarantined = raw_dir / letter.source, quarantined_file(letter, dead_letter_dir)
    if not _is_below(raw_dir, target):
        return f"{letter.source} is not in the landing folder"
    if quarantined is None and not target.is_file():
        return f"{letter.document} no longer exists"
    try:
        verify(quarantined or target)
    except (DamagedError, ClogsError) as exc:
        return str(exc)
    if quarantined is None:
        return None
    if not target.exists():
        write_atomic(target, partial(shutil.copyfile, quarantined))
    elif not filecmp.cmp(quarantined, target, shallow=False):
        return f"another file is at {target}"
    discard(quarantined, dead_letter_dir=dead_letter_dir)
    return None


def _is_below(folder: Path, path: Path) -> bool:
    return path.is_relative_to(folder) and ".." not in path.relative_to(folder).parts
