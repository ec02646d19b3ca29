"""The log of the pipeline: one file for all runs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path

from clogs.errors import ClogsError
from clogs.files import make_private_dir, writing
from clogs.terminal.logs import LogLines

MAX_BYTES = 1024 * 1024  # then it becomes clogs.log.1
OLDER_FILES = 5

logger = logging.getLogger("clogs")


def log_path(state_dir: Path) -> Path:
    """Return where the log is. Its lines carry the id of their run."""
    return state_dir / "logs" / "clogs.log"


@contextmanager
def run_log(state_dir: Path, run: str) -> Iterator[None]:
    """Write every message of a run to the log, from DEBUG on, whatever the terminal shows."""
    path = log_path(state_dir)
    make_private_dir(path.parent)
    with writing(path, hint="Fix its permissions."):
        path.touch(mode=0o600)
        handler = RotatingFileHandler(path, maxBytes=MAX_BYTES, backupCount=OLDER_FILES, encoding="utf-8")
    handler.setFormatter(LogLines(f"%(asctime)s {run} %(levelname)s %(message)s"))
    logger.addHandler(handler)
    try:
        yield
    except ClogsError as error:
        logger.debug("The run ended early: %s", error.message)
        raise
    finally:
        logger.removeHandler(handler)
        with suppress(OSError):  # on a full disk, what is still buffered fails once more
            handler.close()
