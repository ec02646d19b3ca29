"""A SELECT over rows that come in Arrow batches, as Spark hands them to its tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from pyarrow import RecordBatch

GIVEN = "given"
"""What such a SELECT calls the rows."""


def types_of(query: str, given: Mapping[str, str]) -> dict[str, str]:
    """The types of what DuckDB selects from a table `GIVEN` with columns of some types."""
    columns = ", ".join(f'"{name}" {kind}' for name, kind in given.items())
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE {GIVEN} ({columns})")
        return {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE {query}").fetchall()}


def selected(query: str) -> Callable[[Iterable[RecordBatch]], Iterator[RecordBatch]]:
    """Return a function that gives, batch by batch, what DuckDB selects from `GIVEN`.

    Each row that it selects must depend on one row alone. The function can be sent to other processes.
    """

    def rows(batches: Iterable[RecordBatch]) -> Iterator[RecordBatch]:
        with duckdb.connect(config={"threads": 1}) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for batch in batches:
                connection.register(GIVEN, batch)
                yield from connection.execute(query).to_arrow_reader()

    return rows
