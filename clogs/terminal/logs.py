"""Lines of a log, on stderr and in files."""

from __future__ import annotations

import logging

from clogs.terminal.text import printable


class LogLines(logging.Formatter):
    """Lines without control characters: messages may quote transcripts, which are hostile."""

    def __init__(self, line_format: str = "%(asctime)s %(levelname)s %(message)s") -> None:
        super().__init__(line_format, "%Y-%m-%dT%H:%M:%S%z")

    def format(self, record: logging.LogRecord) -> str:
        """Format a record, and make each of its lines harmless."""
        return "\n".join(map(printable, super().format(record).split("\n")))
