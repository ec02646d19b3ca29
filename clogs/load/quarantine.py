"""Damaged landing files, set aside among the dead letters."""

from __future__ import annotations

import filecmp
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePath

from clogs import dead_letters
from clogs.dead_letters import DeadLetter, Reasons, unlink
from clogs.errors import ClogsError
from clogs.files import write_atomic
from clogs.landing.ledger import ledger_name
from clogs.landing.verify import DamagedError, check


def set_aside(damaged: Mapping[Path, str], *, raw_dir: Path, dead_letter_dir: Path, run: str) -> Path:
    """Move damaged files to the dead letters, each with its reason.

    Args:
        damaged: The reason why a file cannot be loaded, by its path.
        raw_dir: The landing folder.
        dead_letter_dir: Where they go, below ``landing``.
        run: The run's id.

    Returns:
        The folder where they are now.

    Raises:
        ClogsError: They cannot be written there.
    """
    folder = dead_letter_dir / "landing"
    places = {path: _place(path, ledger_name(path, raw_dir), folder, run) for path in damaged}
    letters = [
        DeadLetter(
            stage="load",
            source=ledger_name(path, raw_dir),
            reasons=(reason,),
            document=places[path].relative_to(dead_letter_dir).as_posix(),
            run=run,
            at=datetime.now(UTC),
            encoding="text",
        )
        for path, reason in damaged.items()
    ]
    dead_letters.write(dead_letter_dir, letters)
    for path, place in places.items():
        write_atomic(place, partial(shutil.copyfile, path))
        path.unlink()
    return folder


def _place(path: Path, name: str, folder: Path, run: str) -> Path:
    """Where a damaged file goes: below its run, if another one of its name is there already."""
    place = folder / name
    is_free = not place.exists() or filecmp.cmp(path, place, shallow=False)
    return place if is_free else folder / run / name


def restore(letters: Sequence[DeadLetter], *, raw_dir: Path, dead_letter_dir: Path) -> Reasons:
    """Put files that are sound by now back to where they were; the next load takes them.

    Args:
        letters: Dead letters of a load.
        raw_dir: The landing folder.
        dead_letter_dir: Where they were set aside.

    Returns:
        Why the others stay.

    Raises:
        ClogsError: A file cannot be written.
    """
    reasons = {letter.id: _put_back(letter, raw_dir, dead_letter_dir) for letter in letters}
    return {identity: (reason,) for identity, reason in reasons.items() if reason}


def discard(path: Path, *, dead_letter_dir: Path) -> None:
    """Remove a file that was set aside, and the folders that are empty then.

    Raises:
        ClogsError: It cannot be removed.
    """
    unlink(path)
    with suppress(OSError):
        for folder in path.relative_to(dead_letter_dir).parents[:-1]:
            (dead_letter_dir / folder).rmdir()


def quarantined_file(letter: DeadLetter, dead_letter_dir: Path) -> Path | None:
    """Where a letter's file is; None where it is gone, or where no letter's file can be."""
    path = dead_letter_dir / letter.document
    return path if _is_below(_folder(dead_letter_dir), path) and path.is_file() else None


def _put_back(letter: DeadLetter, raw_dir: Path, dead_letter_dir: Path) -> str | None:
    """Put one file back, or say why not. What a killed replay left half done is finished."""
    target, aside = raw_dir / letter.source, quarantined_file(letter, dead_letter_dir)
    if not _is_below(raw_dir, target):
        return f"{letter.source} is not in the landing folder"
    if aside is None:
        is_back = target.is_file()
        return _fault(target, raw_dir) if is_back else f"{letter.document} no longer exists"
    if reason := _fault(aside, _folder(dead_letter_dir)):
        return reason
    if not target.exists():
        write_atomic(target, partial(shutil.copyfile, aside))
    elif not filecmp.cmp(aside, target, shallow=False):
        return f"another file is at {target}"
    discard(aside, dead_letter_dir=dead_letter_dir)
    return None


def _fault(path: Path, root: Path) -> str | None:
    """Why a file cannot be loaded."""
    try:
        check(path, root)
    except DamagedError as exc:
        return str(exc)
    except ClogsError as error:
        return error.message
    return None


def _folder(dead_letter_dir: Path) -> Path:
    return dead_letter_dir / "landing"


def _is_below(folder: Path, path: PurePath) -> bool:
    return path.is_relative_to(folder) and ".." not in path.relative_to(folder).parts
