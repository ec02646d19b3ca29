"""A warehouse whose views may be of objects in a bucket, as those of Spark's tables are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clogs import warehouse
from clogs.landing import objects
from clogs.warehouse import Connection

_VIEWS = "SELECT sql FROM duckdb_views() WHERE NOT internal AND contains(sql, 'read_parquet(')"


@contextmanager
def connect(path: Path, **options: Any) -> Iterator[Connection]:  # noqa: ANN401  # see there
    """Open the warehouse as `clogs.warehouse.connect` does, with all that its views are of."""
    with warehouse.connect(path, **options) as connection:
        let_read(connection, (query for (query,) in connection.execute(_VIEWS).fetchall()))
        yield connection


def let_read(connection: Connection, queries: Iterable[str]) -> None:
    """Have DuckDB read the objects that queries name.

    Raises:
        ClogsError: A library for it is not installed.
    """
    for scheme in objects.schemes_in(queries):
        if not connection.filesystem_is_registered(scheme):
            connection.register_filesystem(objects.file_system(scheme))
