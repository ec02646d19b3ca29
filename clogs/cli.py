"""The command line: global options, the list of commands, and how errors become exit codes."""

from __future__ import annotations

import inspect
import os
import re
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated

from cyclopts import (
    App,
    CoercionError,
    CycloptsError,
    Group,
    MissingArgumentError,
    Parameter,
    UnusedCliTokensError,
)

from clogs import __version__
from clogs.commands.session import Flag, Session
from clogs.errors import ClogsError, UsageError
from clogs.runs import signals
from clogs.terminal.console import Terminal, configure_logging
from clogs.terminal.text import nearest

GLOBAL = Group("Global options", sort_key=1)

COMMANDS = {
    "demo": "Run the whole pipeline on bundled sample transcripts, in a minute.",
    "init": "Write a commented clogs.toml.",
    "config": "Show the settings in force and where each came from.",
    "import": "Claude Code's own JSONL files → the MongoDB collection.",
    "pipeline": "Extract, load, transform and validate: what cron runs.",
    "schedule": "Install, show or remove the crontab entries.",
    "extract": "MongoDB → Parquet files, from where the last run ended.",
    "load": "Parquet files → raw.conversations in DuckDB.",
    "transform": "Build bronze, silver and gold.",
    "validate": "Check the data.",
    "dead-letters": "Show what was rejected and why; replay it, or remove it for good.",
    "status": "Show how things stand: watermark, freshness, row counts, last runs, dead letters.",
    "report": "Show what was spent, on what, and what failed.",
    "tables": "Show the tables that you can query, or the columns of one.",
    "query": "Ask the warehouse a question in SQL.",
    "compact": "Merge the many small landing files of past days.",
    "prune": "Remove old days from landing folder and warehouse.",
    "doctor": "Check everything a run needs; each finding with its remedy.",
    "completion": "Print a script that completes commands in bash, zsh or fish.",
}
"""In the order of the help: what a newcomer runs, the daily run and its steps, then what shows and tidies."""

KINDS: dict[object, str] = {
    bool: "true or false",
    datetime: "a date, such as 2026-11-01",
    float: "a number",
    int: "a whole number",
}
"""What an option takes, as people say it, by its type in Python."""

app = App(
    name="clogs",
    help="Claude Code's conversation logs, from MongoDB into a warehouse you can ask questions of.",
    help_epilogue="New here? Run: clogs demo",
    help_format="plaintext",
    version=__version__,
    version_flags=["--version", "-V"],
    result_action="return_value",
    group_commands=Group("Commands", sort_key=0),
)
app["--help"].group = GLOBAL
app["--version"].group = GLOBAL
for _name, _help in COMMANDS.items():
    _module = _name.replace("import", "import_").replace("-", "_")
    app.command(f"clogs.commands.{_module}:{_module}", name=_name, help=_help, sort_key=len(app._commands))  # noqa: SLF001


@app.meta.default
def _launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    config: Annotated[Path | None, Parameter(name=["--config", "-c"], group=GLOBAL)] = None,
    verbose: Annotated[Flag, Parameter(name=["--verbose", "-v"], group=GLOBAL)] = False,
    quiet: Annotated[Flag, Parameter(name=["--quiet", "-q"], group=GLOBAL)] = False,
) -> int:
    """Run a command.

    Args:
        tokens: The command and its options.
        config: The settings file (also: $CLOGS_CONFIG).
        verbose: Show debugging messages.
        quiet: Show warnings and errors only.
    """
    command, bound, ignored = app.parse_args(tokens)
    if "session" not in ignored:
        command(*bound.args, **bound.kwargs, **({"app": app} if "app" in ignored else {}))
        return 0
    terminal = Terminal(stdout_json=bound.arguments.get("json", False))
    try:
        session = Session(config=config, verbose=verbose, quiet=quiet, terminal=terminal)
        command(*bound.args, **bound.kwargs, session=session)
    except ClogsError as error:
        if signals.was_stopped():
            raise KeyboardInterrupt from error
        terminal.fail(error)
        return error.exit_code
    return 0


def main() -> None:
    """Run the command line and exit; files made on the way are readable by their owner alone."""
    os.umask(0o077)
    signals.listen()
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (`head`, a pager) has seen enough. Python flushes at exit, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except BaseException:
        if not signals.was_stopped():
            raise
        code = None
    if signals.was_stopped():
        signals.ignore_signals()
        code = signals.exit_code()
        print("Stopped. Everything is consistent; the next run goes on from here.", file=sys.stderr)  # noqa: T201
    # PyMongo's monitors make Python wait up to half a second; a thread that still reads would abort its end.
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    os._exit(code or 0)


def run(tokens: list[str]) -> int | None:
    """Run a command line without its first word, and return its exit code; None is 0."""
    if {"--help", "-h"} & set(tokens):
        # The help of a command is its docstring, not its line in the list of commands.
        for name in COMMANDS.keys() & set(tokens):
            app[name].help = None
            unwrap_help(app[name])
    try:
        code: int | None = app.meta(tokens, exit_on_error=False, print_error=False)
    except CycloptsError as exc:
        configure_logging(level="ERROR", log_format="text")
        error = _usage_error(exc)
        Terminal(stdout_json="--json" in tokens).fail(error)
        return error.exit_code
    return code


def unwrap_help(command: App) -> None:
    """Leave it to the terminal to break the lines of a command's docstring, and of its own commands'."""
    if function := command.default_command:
        text = inspect.cleandoc(function.__doc__ or "")
        # a line goes on in the next one, which for a parameter is indented; a list does not
        function.__doc__ = re.sub(r"(?<=\S)\n(?: {8})?(?=[^\s-])", " ", text)
    for name in command:
        if not name.startswith("-"):
            unwrap_help(command[name])


def _usage_error(exc: CycloptsError) -> UsageError:
    """What was wrong with the words, and the command whose help to read."""
    chain = exc.command_chain or ()
    message = str(exc)
    command = app
    for each in chain:
        command = command[each]
    known = [name for name in command if not name.startswith("-")] if chain else []
    if known and isinstance(exc, UnusedCliTokensError) and exc.unused_tokens:
        word = exc.unused_tokens[0]
        suggestion = nearest(word, known)
        message = f'Unknown command "{" ".join((*chain, word))}". '
        message += f'Did you mean "{suggestion}"?' if suggestion else f"Available: {', '.join(known)}."
    if isinstance(exc, CoercionError) and exc.token and exc.target_type in KINDS:
        message = f'{exc.token.keyword}: "{exc.token.value}" is not {KINDS[exc.target_type]}.'
    elif isinstance(exc, MissingArgumentError) and exc.argument:
        message = f"{exc.keyword or exc.argument.name} needs a value."
    elif isinstance(exc, UnusedCliTokensError) and message.startswith("Unused"):
        message = f"{' '.join(('clogs', *chain))} takes no such word: {' '.join(exc.unused_tokens or ())}"
    words = "The options" if chain else "The commands"
    return UsageError(message, hint=f"{words}: {' '.join(('clogs', *chain))} --help")
