"""What every command is given: the settings in force, and the terminal."""

from __future__ import annotations

import contextlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from clogs.terminal import Terminal, configure_logging

if TYPE_CHECKING:
    from clogs.settings import Loaded, Settings


class Session:
    """One call of the command line.

    Args:
        config: The settings file named by ``--config``.
        verbose: ``--verbose`` was given: debugging messages, too.
        quiet: ``--quiet`` was given: warnings and errors only.
        terminal: Where to write.
    """

    def __init__(self, *, config: Path | None, verbose: bool, quiet: bool, terminal: Terminal) -> None:
        self.config = config
        self.terminal = terminal
        self._flags: dict[str, tuple[str, object]] = {}
        if verbose:
            self._flags["logging.level"] = ("--verbose", "DEBUG")
        elif quiet:
            self._flags["logging.level"] = ("--quiet", "WARNING")
        configure_logging(level=str(self._flags.get("logging.level", ("", "INFO"))[1]), log_format="text")

    def overlay(self, flag: str, **values: object) -> None:
        """Set settings by a command's flag, before they are loaded; ``__`` stands for the dot."""
        self._flags |= {key.replace("__", "."): (flag, value) for key, value in values.items()}
        with contextlib.suppress(AttributeError):
            del self.loaded

    @cached_property
    def loaded(self) -> Loaded:
        """The settings with their origins.

        Raises:
            SettingsError: They are wrong; every fault is listed.
        """
        from clogs.settings import load_settings

        loaded = load_settings(config=self.config, flags=self._flags)
        configure_logging(
            level=loaded.settings.logging.level,
            log_format=loaded.settings.logging.format,
        )
        return loaded

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.loaded.settings
