"""Try clogs in a scheduler's bare environment, before it is scheduled."""

from __future__ import annotations

import os
import pwd
import shlex
import subprocess
from collections.abc import Mapping

import msgspec

from clogs.errors import ClogsError
from clogs.schedule.entries import Scheduler

FOLDERS = ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "CLOGS_CONFIG")
"""What decides where the settings file and the data are by default."""


def rehearse(
    words: tuple[str, ...],
    settings: Mapping[str, object],
    *,
    scheduler: Scheduler,
    variables: Mapping[str, str],
) -> None:
    """Run ``clogs config`` as a scheduler would, and compare its settings with those in force here.

    The latter are given as `LoadedSettings.visible` returns them, and ``variables`` are the crontab's. The
    scheduler is only named in messages: systemd gives a command no more than cron does.
    """
    command = shlex.join((*words, "config", "--json"))
    environment = _environment(variables)
    found = _settings_there(command, scheduler, environment)
    expected = msgspec.json.decode(msgspec.json.encode(settings, enc_hook=str))
    expected.pop("logging.level", None)  # --quiet and --verbose decide it for this call
    differing = sorted(key for key in expected if expected[key] != found.get(key))
    if differing:
        names = (*FOLDERS, *(key.replace(".", "_").upper() for key in differing))
        ours = [name for name in names if os.environ.get(name) != environment.get(name)]
        because = f", for these variables do: {', '.join(ours)}" if ours else ""
        raise ClogsError(
            f"These settings differ under {scheduler}: {', '.join(differing)}{because}.",
            hint="Set them in the settings file: this shell's variables do not reach a scheduled run.",
        )


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    try:
        user = pwd.getpwuid(os.getuid())
    except KeyError as exc:
        raise ClogsError(
            f"The system has no user with the id {os.getuid()}, so cron runs nothing for it.",
            hint="Run this as a user that the system has.",
        ) from exc
    # What cron gives a command, which it starts in the home folder; LOGNAME cannot be set (crontab(5)).
    bare = {"HOME": user.pw_dir, "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}
    return {**bare, **variables, "LOGNAME": user.pw_name}


def _settings_there(command: str, scheduler: Scheduler, environment: dict[str, str]) -> dict[str, object]:
    try:
        done = subprocess.run(  # noqa: S603  # this clogs, as cron would run it
            [environment["SHELL"], "-c", command],
            capture_output=True,
            check=True,
            cwd=environment["HOME"],
            env=environment,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )
        return {key: each["value"] for key, each in msgspec.json.decode(done.stdout)["settings"].items()}
    # A variable may be anything, and so may the answer of what runs instead of clogs.
    except (OSError, subprocess.SubprocessError, LookupError, TypeError, ValueError) as exc:
        reason = str(exc)
        if isinstance(exc, subprocess.CalledProcessError):
            lines = exc.stderr.decode(errors="replace").strip().split("\n")
            reason = lines[-1] or f"exit code {exc.returncode}"
        raise ClogsError(
            f"Without this shell's variables, as under {scheduler}, this fails: {command}: {reason}",
            hint="Install clogs so that it starts from any folder; in the checkout: pipx install .",
        ) from exc
