"""Opening the DuckDB file, and making it."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from clogs.errors import ClogsError, HeldWarehouseError, WarehouseError
from clogs.files import write_atomic
from clogs.terminal.text import duration
from clogs.warehouse.connection import Connection
from clogs.warehouse.faults import mapped
from clogs.warehouse.layout import LOAD_FIRST, STORAGE_VERSION, Config, is_outdated, migrate

_FIRST_WAIT, _LONGEST_WAIT = 0.05, 5.0
"""Seconds until a held file is tried again."""

_LOGS = (".wal.recovery", ".wal.checkpoint", ".wal")
"""What DuckDB may leave beside a file: changes that it has still to write into it."""

_NO_WAIT = timedelta(0)

logger = logging.getLogger(__name__)


@contextmanager
def connect(
    path: Path,
    *,
    read_only: bool = False,
    threads: int | None = None,
    memory_limit: str | None = None,
    lock_timeout: timedelta = _NO_WAIT,
) -> Iterator[Connection]:
    """Open the warehouse, in UTC, and close it.

    Args:
        path: The DuckDB file. It is made where it is missing, with its folder, unless `read_only`.
        read_only: Only read; several processes may at once.
        threads: DuckDB's threads; None for as many as there are CPUs.
        memory_limit: As DuckDB writes it, ``4GB``; None for DuckDB's own.
        lock_timeout: How long to wait for another process that has it open.

    Raises:
        HeldWarehouseError: Another process has it open still.
        WarehouseError: The file is missing, or no DuckDB file of this series.
        ClogsError: The disk or the memory is full.
    """
    if read_only:
        require_file(path)
    elif not path.exists():
        _create(path)
    # a cache of landing files, which are read once, would take all the memory there is
    # and a name in somebody's SQL must not be looked up among Python's variables
    config: Config = {"enable_external_file_cache": False, "python_enable_replacements": False}
    config |= {"threads": threads} if threads else {}
    config |= {"memory_limit": memory_limit} if memory_limit else {}
    with mapped(path), _opened(path, config, lock_timeout, read_only=read_only) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def require_file(path: Path) -> None:
    """Raise unless the DuckDB file exists.

    Raises:
        WarehouseError: It does not.
    """
    if not path.exists():
        raise WarehouseError(f"The warehouse {path} does not exist yet.", hint=LOAD_FIRST)


def set_aside(path: Path) -> Path:
    """Move a damaged file, and what DuckDB had still to write into it, out of the way.

    Returns:
        Where the file is now.
    """
    aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    for suffix in (*_LOGS, ""):  # in this order: a file made anew must not meet the old one's
        with suppress(FileNotFoundError):
            path.with_name(f"{path.name}{suffix}").replace(f"{aside}{suffix}")
    return aside


def _opened(path: Path, config: Config, lock_timeout: timedelta, *, read_only: bool) -> Connection:
    """Open the file; to write to it, bring what an older version wrote up to date."""
    connection = _free(path, config, lock_timeout, read_only=read_only)
    if read_only:
        return connection
    shutil.rmtree(path.with_name(f"{path.name}.tmp"), ignore_errors=True)  # spilled by who was killed
    try:
        outdated = is_outdated(connection)
    except ClogsError:
        connection.close()
        raise
    if outdated:
        connection.close()
        logger.info("Bringing %s up to date with this version.", path)
        migrate(path, config)
        connection = _open(path, config, read_only=False)
    return connection


def _free(path: Path, config: Config, lock_timeout: timedelta, *, read_only: bool) -> Connection:
    """Open the file as soon as nobody else has it open."""
    retrying = Retrying(
        retry=retry_if_exception_type(HeldWarehouseError),
        stop=stop_after_delay(lock_timeout),
        wait=wait_exponential(multiplier=_FIRST_WAIT, max=_LONGEST_WAIT),
        before_sleep=partial(_say, lock_timeout),
        reraise=True,
    )
    return retrying(_open, path, config, read_only=read_only)


def _open(path: Path, config: Config, *, read_only: bool) -> Connection:
    with mapped(path):
        return duckdb.connect(path, read_only=read_only, config=config)


def _say(lock_timeout: timedelta, attempt: RetryCallState) -> None:
    if attempt.attempt_number == 1 and attempt.outcome:
        most = duration(lock_timeout.total_seconds())
        logger.info("%s Waiting up to %s for it.", attempt.outcome.exception(), most)


def _create(path: Path) -> None:
    """Make a file that is whole or absent: DuckDB can never open one whose making was cut short."""
    left = [log for suffix in _LOGS if (log := path.with_name(f"{path.name}{suffix}")).exists()]
    if left:
        raise WarehouseError(
            f"{left[0]} belongs to a warehouse that is no longer there.",
            hint="Put the warehouse back beside it, or move it away, too.",
        )

    def make(aside: Path) -> None:
        aside.unlink()
        duckdb.connect(aside, config={"storage_compatibility_version": STORAGE_VERSION}).close()
        aside.chmod(0o600)

    with mapped(path):
        write_atomic(path, make)
