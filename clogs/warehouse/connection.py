"""A connection to the DuckDB file, and what keeps together what is written to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb

Connection = duckdb.DuckDBPyConnection


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Everything inside becomes visible at once, or not at all."""
    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A failed statement may have ended the transaction already; the first error is the one to tell.
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise


BULK_MEMORY = 1_000_000_000
"""Bytes that DuckDB may take for many rows: more would only fill its cache."""


@contextmanager
def bounded(connection: Connection) -> Iterator[None]:
    """Inside, DuckDB takes at most `BULK_MEMORY`, or what the settings say if that is less.

    It also need not keep the order of rows, which would take more.
    """
    asked = "SELECT current_setting('memory_limit'), parse_formatted_bytes(current_setting('memory_limit'))"
    before, most = connection.execute(asked).fetchall()[0]
    connection.execute(
        f"SET memory_limit = '{min(BULK_MEMORY, most)}B'; SET preserve_insertion_order = false"
    )
    try:
        yield
    finally:
        with suppress(
            duckdb.Error
        ):  # after a fatal error nothing can be set, and that error is the one to tell
            connection.execute(f"SET memory_limit = '{before}'; SET preserve_insertion_order = true")
