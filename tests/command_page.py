"""The reference of commands, exit codes and settings: ``python tests/command_page.py`` writes it anew."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from io import StringIO
from textwrap import dedent

from conftest import PROJECT
from rich.console import Console

from clogs import errors
from clogs.cli import COMMANDS, app, unwrap_help
from clogs.settings.model import known_keys
from clogs.settings.sources import environment_name

PAGE = PROJECT / "docs" / "reference.md"
COMMAND = "python tests/command_page.py"
WIDTH = 100

_INTRODUCTION = f"""\
<!-- Generated. Change the commands, clogs/errors.py or clogs.toml, then run: {COMMAND} -->

# Reference

What `clogs COMMAND --help` says, all exit codes and all settings. [models.md](models.md) describes the
tables, and [checks.md](checks.md) the checks.

- [Commands](#commands)
- [Exit codes](#exit-codes)
- [Settings](#settings)

## Commands

stdout is data, stderr is progress and messages. `--json` prints exactly one JSON document on stdout, also
where a command fails. The global options stand before or after the command.
"""

_CPUS = {"duckdb.threads": "all CPUs"}
"""What clogs.toml can only give an example of."""

_EXIT_CODES = """\
## Exit codes

| code | when |
|---|---|
| 0 | Done, also where nothing is new. |"""

_SIGNALS = """\
| 129 | Stopped by a closed terminal (SIGHUP). All is consistent, and the next run goes on from there. |
| 130 | Stopped by Ctrl-C (SIGINT), likewise. |
| 143 | Stopped by SIGTERM, likewise. |

`clogs status` and `clogs doctor` end with 1 where something needs you, so that a monitor can ask them.
"""

_SETTINGS = """\
## Settings

`clogs.toml` is the first that is there of: the file after `--config`, the file in `$CLOGS_CONFIG`,
`./clogs.toml`, and `clogs.toml` in your configuration folder. A flag beats the environment, which beats the
file, which beats the default. `clogs config` shows each value in force and its origin: `default`, the file,
the environment variable or the flag.

A duration is a number of seconds or text: `"30 s"`, `"15 min"`, `"2 h"`, `"1 d"`; a year at most. A relative
path starts at the file's folder, and `~` is your home folder.
"""

SECTION = re.compile(r"^\[(\w+)\]$", re.MULTILINE)
EXPLAINED = re.compile(r"((?:^# (?!\w+ = ).*\n)+)((?:^# \w+ = .*\n?)*)", re.MULTILINE)
"""What explains keys, and the keys with their defaults below it."""


def page() -> str:
    """The whole page, the same for the same code."""
    lines = [_INTRODUCTION, *_commands(), _EXIT_CODES, *_exit_codes(), _SIGNALS, _SETTINGS, *_settings()]
    return "\n".join(lines)


def command_names() -> list[str]:
    """All commands as they are typed, each with its own commands after it."""
    names = []
    for name in COMMANDS:
        names.append(name)
        command = app[name]
        names += [f"{name} {each}" for each in command if not each.startswith("-")]
    return names


def settings() -> dict[str, tuple[str, str]]:
    """What clogs.toml says of each key: its default as it is written there, or a dash, and what it is."""
    found = {}
    _, *parts = SECTION.split((PROJECT / "clogs.toml").read_text(encoding="utf-8"))
    for section, text in zip(parts[::2], parts[1::2], strict=True):
        for words, keys in EXPLAINED.findall(text):
            said = " ".join(line.removeprefix("# ") for line in words.splitlines())
            said, _, example = said.partition(" For example: ")
            example_key, _, value = example.partition(" = ")
            if example:
                found[f"{section}.{example_key}"] = ("–", f"{said} For example: `{value}`")
            for key, default in re.findall(r"^# (\w+) = (.*)$", keys, re.MULTILINE):
                found[f"{section}.{key}"] = (f"`{default}`", said)
    return found


def _commands() -> Iterator[str]:
    yield f"```text\n{_printed(['--help']).rstrip()}\n```\n"
    for name in command_names():
        yield f"{'###' if name in COMMANDS else '####'} clogs {name}\n"
        yield f"```text\n{_help(name.split())}```\n"


def _help(command: list[str]) -> str:
    """What ``--help`` prints, from the docstring and not from the line in the list of commands."""
    listed, app[command[0]].help = app[command[0]].help, None
    unwrap_help(app[command[0]])
    try:
        text = _printed([*command, "--help"]).partition("╭─ Global options")[0]
    finally:
        app[command[0]].help = listed
    return f"{text.rstrip()}\n"


def _printed(tokens: list[str]) -> str:
    text = StringIO()
    app.meta(tokens, console=Console(file=text, width=WIDTH, color_system=None))
    return text.getvalue()


def _exit_codes() -> Iterator[str]:
    tree = inspect.getdoc(errors) or ""
    for code, when in sorted((int(code), when) for code, when in re.findall(r"\w+Error +(\d+) +(.+)", tree)):
        yield f"| {code} | {when[0].upper()}{when[1:]}. |"


def _settings() -> Iterator[str]:
    said = settings()
    section = ""
    for key in known_keys():
        if not key.startswith(f"{section}."):
            section = key.partition(".")[0]
            yield f"### {section}\n\n| key and variable | default | what it is |\n|---|---|---|"
        default, words = said[key]
        default = _CPUS.get(key, default)
        yield f"| `{key}`<br>`{environment_name(key)}` | {_cell(default)} | {_cell(words)} |"
        if key == [each for each in known_keys() if each.startswith(f"{section}.")][-1]:
            yield ""


def _cell(text: str) -> str:
    return dedent(text).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
