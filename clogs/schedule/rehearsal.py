"""Whether clogs is the same under cron as in this shell."""

from __future__ import annotations

import os
import pwd
import shlex
import subprocess
from collections.abc import Mapping

import msgspec

from clogs.errors import ClogsError

PATIENCE = 60
"""Seconds."""

OF_THIS_CALL = frozenset({"logging.level"})
"""What ``--quiet`` and ``--verbose`` decide."""


def bare_environment() -> tuple[dict[str, str], str]:
    """All that cron gives a command: its environment, and the home folder it runs in.

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
    variables = {"HOME": user.pw_dir, "LOGNAME": user.pw_name, "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}
    return variables, user.pw_dir


def rehearse(words: tuple[str, ...], settings: Mapping[str, object]) -> None:
    """Let clogs tell its settings in cron's bare environment, and hold them against those in force here.

    Args:
        words: What runs clogs, with its settings file.
        settings: Those in force, by key, as `clogs config --json` has their values.

    Raises:
        ClogsError: It does not start there, or has other settings there.
    """
    there = _settings(shlex.join((*words, "config", "--json")))
    here = msgspec.json.decode(msgspec.json.encode(settings, enc_hook=str))
    others = sorted(key for key in here if key not in OF_THIS_CALL and here[key] != there.get(key))
    if others:
        raise ClogsError(
            f"Without this shell's variables, these settings would be others: {', '.join(others)}.",
            hint="Set them in the settings file: what is scheduled knows no variables.",
        )


def _settings(command: str) -> dict[str, object]:
    environment, home = bare_environment()
    try:
        done = subprocess.run(  # noqa: S603  # this clogs, as cron would run it
            ["/bin/sh", "-c", command],
            check=True,
            capture_output=True,
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE,
        )
        return {key: each["value"] for key, each in msgspec.json.decode(done.stdout)["settings"].items()}
    except subprocess.CalledProcessError as exc:
        said = exc.stderr.decode(errors="replace").strip().split("\n")[-1]
        raise _fails(command, said or f"exit code {exc.returncode}") from exc
    except (OSError, subprocess.TimeoutExpired, msgspec.DecodeError, LookupError, TypeError) as exc:
        raise _fails(command, str(exc)) from exc


def _fails(command: str, said: str) -> ClogsError:
    return ClogsError(
        f"Without this shell's variables, as cron runs it, this fails: {command}: {said}",
        hint="Install clogs so that it starts from any folder without variables: pipx install clogs",
    )
