"""What every command is given: the settings in force, and the terminal."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from clogs.errors import LockedError
from clogs.terminal.console import Terminal, configure_logging

if TYPE_CHECKING:
    from clogs.runs.records import Trigger
    from clogs.settings import LoadedSettings, Settings
    from clogs.terminal.progress import Progress


@Parameter(parse=False)
class Session:
    """One call of the command line, with its global options; `environ` replaces the process's own."""

    def __init__(
        self,
        *,
        config: Path | None,
        verbose: bool,
        quiet: bool,
        terminal: Terminal,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.config = config
        self.terminal = terminal
        self._environ = environ
        self._flags: dict[str, tuple[str, object]] = {}
        if verbose:
            self._flags["logging.level"] = ("--verbose", "DEBUG")
        elif quiet:
            self._flags["logging.level"] = ("--quiet", "WARNING")
        # Only the flags are known so far; `loaded` sets the level and format that the settings ask for.
        configure_logging(level=str(self._flags.get("logging.level", ("", "INFO"))[1]), log_format="text")

    def read_from(self, paths: Sequence[Path]) -> None:
        """Let ``--from``, if it is given, decide what is read; call it before the settings are loaded."""
        if paths:
            self._flags["source.paths"] = ("--from", [str(path) for path in paths])

    @cached_property
    def loaded(self) -> LoadedSettings:
        """The settings with their origins.

        Raises:
            SettingsError: They are wrong; every fault is listed.
        """
        from clogs.settings import load_settings

        loaded = load_settings(config=self.config, flags=self._flags, environ=self._environ)
        logging = loaded.settings.logging
        configure_logging(level=logging.level, log_format=logging.format)
        return loaded

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.loaded.settings

    def lock(self, command: str) -> AbstractContextManager[None]:
        """Hold the run lock while a command runs. See `clogs.runs.lock.run_lock`."""
        from clogs.runs.lock import run_lock

        return run_lock(self.settings.data.state_dir, command=command)

    @cached_property
    def trigger(self) -> Trigger:
        """Who started this: the entries that ``clogs schedule`` makes set a variable."""
        from clogs.runs.records import TRIGGER_VARIABLE

        schedulers: dict[str, Trigger] = {"cron": "cron", "systemd": "systemd"}
        return schedulers.get(os.environ.get(TRIGGER_VARIABLE, ""), "hand")

    @cached_property
    def confirm_reading(self) -> Callable[[str], bool] | None:
        """Asks before everything is read again; None in a scheduled run, where nobody answers."""
        hint = "Answer in a terminal, or read everything: clogs extract --full-backfill"
        return partial(self.terminal.confirm, hint=hint) if self.trigger == "hand" else None

    @contextmanager
    def leaving_to_next(self) -> Iterator[None]:
        """End a scheduled run that finds the lock held, with no message: cron would mail it."""
        try:
            yield
        except LockedError as error:
            if self.trigger == "hand":
                raise
            self.terminal.say(error.message)
            raise SystemExit(error.exit_code) from None

    @contextmanager
    def run(self, command: str) -> Iterator[Progress]:
        """Hold the run lock, and show progress."""
        with self.lock(command), self.terminal.progress(command) as progress:
            yield progress


Flag = Annotated[bool, Parameter(negative="", show_default=False)]
"""An option without a ``--no-`` form."""
