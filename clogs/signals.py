"""Ctrl-C, ``kill`` and a closed terminal all end a run the same way: tidily, with the right exit code."""

from __future__ import annotations

import signal
from types import FrameType

SHELL_BASE = 128
"""A shell reports a program stopped by signal N as 128 + N."""


class Stop:
    """Turns SIGINT, SIGTERM and SIGHUP into ``KeyboardInterrupt`` and remembers which one came.

    DuckDB turns an interrupt into an error of its own, so it is the memory that decides, not the exception.
    """

    def __init__(self) -> None:
        self.signal: int | None = None

    @property
    def exit_code(self) -> int | None:
        """130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP; None where no signal came."""
        return None if self.signal is None else SHELL_BASE + self.signal

    def listen(self) -> None:
        """Install the handlers; only the main thread may."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._interrupt)

    def _interrupt(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number
        raise KeyboardInterrupt
