"""What runs on a schedule, and when."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from clogs.errors import ClogsError
from clogs.schedule.cron import SHORTHANDS

Name = Literal["import", "hourly", "refresh"]
Scheduler = Literal["cron", "systemd"]

TITLES: dict[Name, str] = {"import": "import", "hourly": "what is new", "refresh": "full refresh"}

DAILY_REFRESH = "0 2 * * *"
REFRESH_OPTION = "--full-refresh"
IMPORT_COMMAND = "import"

# A daily refresh begins on the hour, so the hourly run leaves it the first quarter.
FIRST_MINUTE, LAST_MINUTE = 15, 45

IMPORT_LEAD = 5
"""Minutes: by then, an import is done, and the hourly run reads what it brought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A command and when it runs."""

    name: Name
    expression: str  # as in crontab(5)
    words: tuple[str, ...]  # the command, one argument each


def plan(words: tuple[str, ...], *, hourly: str, daily_refresh: str | None) -> tuple[Entry, ...]:
    """Make the entries that run clogs, given by its command; None for no refresh."""
    pipeline = (*words, "--quiet", "pipeline")
    entries = [Entry(name="hourly", expression=hourly, words=pipeline)]
    if daily_refresh:
        refresh = (*pipeline, "--reconcile", REFRESH_OPTION)
        entries.append(Entry(name="refresh", expression=daily_refresh, words=refresh))
    return tuple(entries)


def plan_import(words: tuple[str, ...], paths: Sequence[Path], *, hourly: str, default: str) -> Entry:
    """Make the entry that imports transcripts every hour, a lead before the minute of the hourly run.

    `default` gives the minute where `hourly`, an expression, too, has none or several.
    """
    minutes = (SHORTHANDS.get(each.lower(), each).partition(" ")[0] for each in (hourly, default))
    minute = next(int(each) for each in minutes if each.isdecimal())
    command = _on_one_line((*words, "--quiet", IMPORT_COMMAND, *map(str, paths)))
    return Entry(name="import", expression=f"{(minute - IMPORT_LEAD) % 60} * * * *", words=command)


def words_of(command: str) -> tuple[str, ...]:
    """Split a command line that somebody may have edited; one that cannot be split is one word."""
    try:
        return tuple(shlex.split(command))
    except ValueError:
        return (command,)


def name_of(words: tuple[str, ...]) -> Name:
    """Which of the entries a command belongs to."""
    if IMPORT_COMMAND in words:  # all paths in it are absolute
        return "import"
    return "refresh" if words[-1:] == (REFRESH_OPTION,) else "hourly"


def clogs_words(*, program: str, config: Path | None) -> tuple[str, ...]:
    """The command that runs this clogs, started as ``sys.argv[0]``, from any folder and without a PATH."""
    started = Path(program).absolute()  # a link, as pipx makes it, outlives what it points at
    run = [sys.executable, "-m", "clogs"] if started.name == "__main__.py" else [str(started)]
    return _on_one_line((*run, "--config", str(config)) if config else tuple(run))


def _on_one_line(words: tuple[str, ...]) -> tuple[str, ...]:
    if any("\n" in word or "\r" in word for word in words):
        raise ClogsError("A schedule cannot hold a path with a line break.", hint="Rename that folder.")
    return words


def default_hourly(data_dir: Path) -> str:
    """Every hour, at a minute of this installation's own, so that not everybody asks the server at once."""
    here = f"{os.getuid()}@{platform.node()}:{data_dir}"
    chance = int.from_bytes(hashlib.sha256(os.fsencode(here)).digest()[:8], "big")
    return f"{FIRST_MINUTE + chance % (LAST_MINUTE - FIRST_MINUTE + 1)} * * * *"
