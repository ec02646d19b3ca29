"""What a line of a log looks like, on stderr and in files."""

from __future__ import annotations

import logging

from clogs.terminal.text import printable

FORM = "%(asctime)s %(levelname)s %(message)s"
TIME = "%Y-%m-%dT%H:%M:%S%z"


class LogLines(logging.Formatter):
    """Messages without control characters: they may quote transcripts, which are hostile.

    Args:
        form: What stands in a line, as for `logging.Formatter`.
    """

    def __init__(self, form: str = FORM) -> None:
        super().__init__(form, TIME)

    def format(self, record: logging.LogRecord) -> str:
        """Write a message, each of its lines made harmless."""
        return "\n".join(map(printable, super().format(record).split("\n")))
