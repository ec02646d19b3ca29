"""Damaged landing files, set aside among the dead letters."""

from __future__ import annotations

import filecmp
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from clogs import dead_letters
from clogs.dead_letters import DeadLetter
from clogs.files import write_atomic
from clogs.ledger import ledger_name


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
