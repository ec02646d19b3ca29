"""Opening and creating the DuckDB file, and what keeps together what is written to it."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from clogs.errors import HeldWarehouseError, WarehouseError
from clogs.files import write_atomic
from clogs.terminal.text import duration
from clogs.warehouse.faults import mapped

Connection = duckdb.DuckDBPyConnection
Error = duckdb.Error

STORAGE_VERSION = "v1.5.0"  # DuckDB's newest file format that all of 1.5 read; older ones have no zstd
BULK_MEMORY = 1_000_000_000  # bytes for many rows: more would only fill DuckDB's cache
LOAD_FIRST = "Load something first: clogs pipeline"

_LOGS = (".wal.recovery", ".wal.checkpoint", ".wal")
"""What DuckDB may leave beside a file: changes that it has still to write into it."""

logger = logging.getLogger(__name__)


@contextmanager
def connect(
    path: Path,
    *,
    read_only: bool = False,
    threads: int | None = None,
    memory_limit: str | None = None,
    lock_timeout: timedelta = timedelta(0),
) -> Iterator[Connection]:
    """Open the warehouse, in UTC, and close it.

    A missing file is created with its folder, unless `read_only`; several processes may read at once, and
    `lock_timeout` is how long to wait for another that has it open. None leaves a limit to DuckDB.

    Raises:
        HeldWarehouseError: Another process still has it open.
        WarehouseError: The file does not exist, or this DuckDB cannot read it.
        ClogsError: The disk or the memory is full.
    """
    if read_only:
        require_file(path)
    elif not path.exists():
        _create(path)
    config: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_file_cache": False,  # landing files are read once: a cache would only take memory
        "python_enable_replacements": False,  # a user's SQL must not see Python's variables
    }
    config |= {"threads": threads} if threads else {}
    config |= {"memory_limit": memory_limit} if memory_limit else {}

    def attempt() -> Connection:
        with mapped(path):
            return duckdb.connect(path, read_only=read_only, config=config)

    started = time.perf_counter()
    with mapped(path), while_held(lock_timeout)(attempt) as connection:
        purpose = "reading" if read_only else "writing"
        logger.debug("%s: opened for %s in %.2f s", path.name, purpose, time.perf_counter() - started)
        if not read_only:  # a killed process leaves what it spilled to disk
            shutil.rmtree(path.with_name(f"{path.name}.tmp"), ignore_errors=True)
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def require_file(path: Path) -> None:
    """Raise a `WarehouseError` unless the DuckDB file exists."""
    if not path.exists():
        raise WarehouseError(f"The warehouse {path} does not exist yet.", hint=LOAD_FIRST)


def quarantine(path: Path) -> Path:
    """Rename a damaged file and its logs, and return where the file is now."""
    target = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    for suffix in (*_LOGS, ""):  # the file last: killed in between, no new file meets the old one's logs
        with suppress(FileNotFoundError):
            path.with_name(f"{path.name}{suffix}").replace(f"{target}{suffix}")
    return target


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Everything inside becomes visible at once, or not at all."""
    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # a failed statement may have ended the transaction already; the first error is the one to raise
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise


def limit_memory(connection: Connection, most: int) -> str:
    """Lower DuckDB's limit to so many bytes, unless it is lower; return what it was, as DuckDB writes it."""
    limits = "SELECT current_setting('memory_limit'), parse_formatted_bytes(current_setting('memory_limit'))"
    ((before, limit),) = connection.execute(limits).fetchall()
    connection.execute(f"SET memory_limit = '{min(most, limit)}B'")
    return str(before)


@contextmanager
def bounded(connection: Connection) -> Iterator[None]:
    """Inside, DuckDB takes at most `BULK_MEMORY`, or what the settings allow if that is less.

    It also need not keep the order of rows, which would take more.
    """
    before = limit_memory(connection, BULK_MEMORY)
    connection.execute("SET preserve_insertion_order = false")
    try:
        yield
    finally:
        # after a fatal error nothing can be set, and that error is the one to raise
        with suppress(duckdb.Error):
            connection.execute(f"SET memory_limit = '{before}'; SET preserve_insertion_order = true")


def while_held(lock_timeout: timedelta) -> Retrying:
    """What repeats an attempt to open the warehouse while another process has it open."""

    def log_wait(state: RetryCallState) -> None:
        if state.attempt_number == 1 and state.outcome:
            longest = duration(lock_timeout.total_seconds())
            logger.info("%s Waiting up to %s for it.", state.outcome.exception(), longest)

    return Retrying(
        retry=retry_if_exception_type(HeldWarehouseError),
        stop=stop_after_delay(lock_timeout),
        wait=wait_exponential(multiplier=0.05, max=5),
        before_sleep=log_wait,
        reraise=True,
    )


def _create(path: Path) -> None:
    """Create a file that is whole or absent: DuckDB cannot open one whose creation was interrupted."""
    left = [log for suffix in _LOGS if (log := path.with_name(f"{path.name}{suffix}")).exists()]
    if left:
        raise WarehouseError(
            f"{left[0]} belongs to a warehouse that no longer exists.",
            hint="Put the warehouse back beside it, or move it away, too.",
        )

    def write(temporary: Path) -> None:
        temporary.unlink()  # DuckDB refuses an empty file
        duckdb.connect(temporary, config={"storage_compatibility_version": STORAGE_VERSION}).close()
        temporary.chmod(0o600)

    with mapped(path):
        write_atomic(path, write)
