"""A warehouse whose views may be of objects in a bucket, as those of Spark's tables are there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clogs import warehouse
from clogs.errors import ClogsError
from clogs.landing.objects import SCHEMES
from clogs.warehouse import Connection

_VIEWS = "SELECT sql FROM duckdb_views() WHERE NOT internal AND contains(sql, 'read_parquet(')"
_OBJECT = re.compile(rf"'({'|'.join(SCHEMES)})://")


@contextmanager
def connect(path: Path, **options: Any) -> Iterator[Connection]:  # noqa: ANN401  # see there
    """Open the warehouse as `clogs.warehouse.connect` does, with all that its views are of."""
    with warehouse.connect(path, **options) as connection:
        let_read(connection, (query for (query,) in connection.execute(_VIEWS).fetchall()))
        yield connection


def let_read(connection: Connection, queries: Iterable[str]) -> None:
    """Have DuckDB read the objects that queries name.

    Raises:
        ClogsError: The library for it is not installed.
    """
    for scheme in {scheme for query in queries for scheme in _OBJECT.findall(query)}:
        try:
            from clogs.landing.object_files import ObjectFiles
        except ImportError as exc:
            raise ClogsError(
                f"Tables are in a bucket ({scheme}://), and fsspec, by which DuckDB reads them, is missing.",
                hint="Install it: pip install 'clogs[spark]'",
            ) from exc
        if not connection.filesystem_is_registered(scheme):
            connection.register_filesystem(ObjectFiles(scheme))
