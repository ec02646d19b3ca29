"""Damaged landing files, in quarantine among the dead letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from clogs import dead_letters
from clogs.dead_letters import DeadLetter, Reasons, unlink
from clogs.errors import ClogsError
from clogs.files import write_content
from clogs.landing.ledger import ledger_name
from clogs.landing.place import Place, delete, put, read
from clogs.landing.verify import DamagedError, verified

FOLDER = "landing"  # in the folder of the dead letters


def quarantine(damaged: Mapping[Place, str], *, raw_dir: Place, dead_letter_dir: Path, run: str) -> Path:
    """Move damaged files, each with its reason, to the dead letters, and return the folder where they are."""
    folder = dead_letter_dir / FOLDER
    contents: dict[Path, bytes] = {}
    letters: list[DeadLetter] = []
    for path, reason in damaged.items():
        name = ledger_name(path, raw_dir)
        target, content = folder / name, read(path) or b""
        if target.exists() and target.read_bytes() != content:
            target = folder / run / name
        contents[target] = content
        letters.append(
            DeadLetter(
                stage="load",
                source=name,
                reasons=(reason,),
                document=target.relative_to(dead_letter_dir).as_posix(),
                run=run,
                at=datetime.now(UTC),
                encoding="text",
            )
        )
    # Letters first: a kill in between leaves letters whose files the next load quarantines again.
    dead_letters.write(dead_letter_dir, letters)
    for target, content in contents.items():
        write_content(target, content)
    for path in damaged:
        delete(path)
    return folder


def restore(letters: Sequence[DeadLetter], *, raw_dir: Place, dead_letter_dir: Path) -> Reasons:
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


def _restore(letter: DeadLetter, raw_dir: Place, dead_letter_dir: Path) -> str | None:
    """Put one file back, or return why not. What a killed replay left half done is completed."""
    name = PurePosixPath(letter.source)
    if name.is_absolute() or ".." in name.parts:
        return f"{letter.source} is not in the landing folder"
    target, quarantined = raw_dir / letter.source, quarantined_file(letter, dead_letter_dir)
    there = read(target)
    if quarantined is None and there is None:
        return f"{letter.document} no longer exists"
    try:
        with verified(quarantined or target):
            pass
    except (DamagedError, ClogsError) as exc:
        return str(exc)
    if quarantined is None:
        return None
    content = quarantined.read_bytes()
    if there is None:
        put(target, content)
    elif there != content:
        return f"another file is at {target}"
    discard(quarantined, dead_letter_dir=dead_letter_dir)
    return None


def _is_below(folder: Path, path: Path) -> bool:
    return path.is_relative_to(folder) and ".." not in path.relative_to(folder).parts
