"""What is run by itself, and when."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from clogs.errors import ClogsError

Name = Literal["hourly", "refresh"]
Scheduler = Literal["cron", "systemd"]

DAILY_REFRESH = "0 2 * * *"
REFRESH_OPTION = "--full-refresh"

FIRST_MINUTE = 15
"""A daily refresh begins on the hour, so the hourly run leaves it the first quarter."""

MINUTES = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A command and when it runs.

    Attributes:
        name: ``hourly``, what is new; ``refresh``, everything anew.
        expression: When, as crontab(5) has it.
        words: The command, each argument a word.
    """

    name: Name
    expression: str
    words: tuple[str, ...]


def plan(words: tuple[str, ...], *, hourly: str, daily_refresh: str | None) -> tuple[Entry, ...]:
    """Put together what is to run.

    Args:
        words: What runs clogs, with its settings file.
        hourly: When the run of what is new comes.
        daily_refresh: When the full refresh comes; None for never.
    """
    pipeline = (*words, "--quiet", "pipeline")
    entries = [Entry(name="hourly", expression=hourly, words=pipeline)]
    if daily_refresh:
        refresh = (*pipeline, REFRESH_OPTION)
        entries.append(Entry(name="refresh", expression=daily_refresh, words=refresh))
    return tuple(entries)


def words_of(command: str) -> tuple[str, ...]:
    """Read a command that somebody may have edited: one that is no command line is one word."""
    try:
        return tuple(shlex.split(command))
    except ValueError:
        return (command,)


def name_of(words: tuple[str, ...]) -> Name:
    """Tell which of the entries a command is."""
    return "refresh" if words[-1:] == (REFRESH_OPTION,) else "hourly"


def clogs_words(*, program: str, config: Path | None) -> tuple[str, ...]:
    """What runs this clogs from any folder, in an environment that knows no path to it.

    Args:
        program: What this process was started as: ``sys.argv[0]``.
        config: The settings file in force.

    Raises:
        ClogsError: A line break in a path, which no crontab can hold.
    """
    started = Path(program).absolute()  # a link, as pipx makes it, outlives what it points at
    run = [sys.executable, "-m", "clogs"] if started.name == "__main__.py" else [str(started)]
    words = (*run, "--config", str(config)) if config else tuple(run)
    if any("\n" in word or "\r" in word for word in words):
        raise ClogsError("A path with a line break cannot stand in a schedule.", hint="Rename that folder.")
    return words


def default_hourly(data_dir: Path) -> str:
    """Every hour at a minute that stays the same here, and that not everybody has.

    Args:
        data_dir: Where this one keeps its data.
    """
    here = f"{os.getuid()}@{platform.node()}:{data_dir}"
    chance = int.from_bytes(hashlib.sha256(os.fsencode(here)).digest()[:8], "big")
    return f"{FIRST_MINUTE + chance % MINUTES} * * * *"
