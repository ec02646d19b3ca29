"""What a line of a log looks like, on stderr and in files, and opening such a file."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

from clogs.files import make_private_dir, writing
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


def log_file(path: Path, form: str = FORM, *, most_bytes: int = 0, older_files: int = 0) -> logging.Handler:
    """Open a log that its owner alone can read, with its folder.

    Args:
        path: Its file.
        form: What stands in a line, as for `logging.Formatter`.
        most_bytes: Where it is put aside and a new one begun; 0 for never.
        older_files: How many of those are kept.

    Raises:
        ClogsError: It cannot be written.
    """
    make_private_dir(path.parent)
    with writing(path, hint="Fix its permissions."):
        path.touch(mode=0o600)
        handler = RotatingFileHandler(path, maxBytes=most_bytes, backupCount=older_files, encoding="utf-8")
    handler.setFormatter(LogLines(form))
    return handler
