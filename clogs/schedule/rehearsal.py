"""Whether clogs is the same when it runs by itself as in this shell."""

from __future__ import annotations

import os
import pwd
import shlex
import subprocess
from collections.abc import Mapping

import msgspec

from clogs.errors import ClogsError

_FAILURES = (OSError, subprocess.TimeoutExpired, msgspec.DecodeError, LookupError, TypeError, ValueError)
"""What starting a command and understanding its answer may end with."""

PATIENCE = 60
"""Seconds."""

OF_THIS_CALL = frozenset({"logging.level"})
"""What ``--quiet`` and ``--verbose`` decide."""


def environment_of(variables: Mapping[str, str]) -> dict[str, str]:
    """All that cron gives a command; it runs in the home folder.

    Args:
        variables: What the crontab sets for it. That user's name cannot be set.

    Raises:
        ClogsError: This user is not in the system's list, so cron runs nothing for them.
    """
    try:
        user = pwd.getpwuid(os.getuid())
    except KeyError as exc:
        raise ClogsError(
            f"Nobody has the user id {os.getuid()} here, so cron runs nothing for it.",
            hint="Run this as a user that the system knows.",
        ) from exc
    bare = {"HOME": user.pw_dir, "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}
    return {**bare, **variables, "LOGNAME": user.pw_name}


def rehearse(words: tuple[str, ...], settings: Mapping[str, object], variables: Mapping[str, str]) -> None:
    """Let clogs tell its settings where it runs by itself, and hold them against those in force here.

    Args:
        words: What runs clogs, with its settings file.
        settings: Those in force, by key, as `clogs config --json` has their values.
        variables: What the crontab sets.

    Raises:
        ClogsError: It does not start there, or has other settings there.
    """
    there = _settings(shlex.join((*words, "config", "--json")), environment_of(variables))
    here = msgspec.json.decode(msgspec.json.encode(settings, enc_hook=str))
    others = sorted(key for key in here if key not in OF_THIS_CALL and here[key] != there.get(key))
    if others:
        raise ClogsError(
            f"When it runs by itself, these settings would be others: {', '.join(others)}.",
            hint="Set them in the settings file: the crontab's variables count there, this shell's do not.",
        )


def _settings(command: str, environment: Mapping[str, str]) -> dict[str, object]:
    try:
        done = subprocess.run(  # noqa: S603  # this clogs, as cron would run it
            [environment["SHELL"], "-c", command],
            check=True,
            capture_output=True,
            cwd=environment["HOME"],
            env=environment,
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE,
        )
        return {key: each["value"] for key, each in msgspec.json.decode(done.stdout)["settings"].items()}
    except subprocess.CalledProcessError as exc:
        said = exc.stderr.decode(errors="replace").strip().split("\n")[-1]
        raise _fails(command, said or f"exit code {exc.returncode}") from exc
    except _FAILURES as exc:
        raise _fails(command, str(exc)) from exc


def _fails(command: str, said: str) -> ClogsError:
    return ClogsError(
        f"When it runs by itself, without this shell's variables, this fails: {command}: {said}",
        hint="Install clogs so that it starts from any folder without variables: pipx install clogs",
    )
