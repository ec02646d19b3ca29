"""Damaged landing files, set aside among the dead letters."""

from __future__ import annotations

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
    names = {path: ledger_name(path, raw_dir) for path in damaged}
    letters = [
        DeadLetter(
            stage="load",
            source=names[path],
            reasons=(reason,),
            document=f"landing/{names[path]}",
            run=run,
            at=datetime.now(UTC),
        )
        for path, reason in damaged.items()
    ]
    dead_letters.write(dead_letter_dir, letters)
    for path, name in names.items():
        aside = dead_letter_dir / "landing" / name
        if aside.exists():  # another file of this name was damaged before
            aside = dead_letter_dir / "landing" / run / name
        write_atomic(aside, partial(shutil.copyfile, path))
        path.unlink()
    return dead_letter_dir / "landing"
