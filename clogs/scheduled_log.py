"""What scheduled runs say, in one file that does not grow for ever."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

from clogs.errors import ClogsError
from clogs.files import make_private_dir
from clogs.log_lines import LogLines

FILE_NAME = "scheduled.log"
MOST_BYTES = 1024 * 1024
OLDER_FILES = 5


def scheduled_log(state_dir: Path) -> Path:
    """Write all that clogs says from here on into a log, too, until the process ends.

    It takes debugging messages, so that a quiet run leaves a line for each step; at 1 MiB the log is put
    aside, and five older ones are kept. Called once, after the settings were read.

    Args:
        state_dir: The state folder; the log stands in its ``logs``.

    Returns:
        The log.

    Raises:
        ClogsError: It cannot be written.
    """
    path = make_private_dir(state_dir / "logs") / FILE_NAME
    try:
        path.touch(mode=0o600)
        handler = RotatingFileHandler(path, maxBytes=MOST_BYTES, backupCount=OLDER_FILES, encoding="utf-8")
    except OSError as exc:
        raise ClogsError(f"Cannot write {path}: {exc.strerror}.", hint="Fix its permissions.") from exc
    handler.setFormatter(LogLines("%(asctime)s %(process)d %(levelname)s %(message)s"))
    logging.getLogger("clogs").addHandler(handler)
    return path
