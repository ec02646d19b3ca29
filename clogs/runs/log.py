"""What scheduled runs say, in one file that does not grow for ever."""

from __future__ import annotations

import logging
from pathlib import Path

from clogs.terminal.logs import log_file

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
    path = state_dir / "logs" / FILE_NAME
    form = "%(asctime)s %(process)d %(levelname)s %(message)s"
    handler = log_file(path, form, most_bytes=MOST_BYTES, older_files=OLDER_FILES)
    logging.getLogger("clogs").addHandler(handler)
    return path
