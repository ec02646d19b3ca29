"""Somebody's question, and its answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from glob import escape
from itertools import count
from pathlib import Path
from typing import Any

import duckdb

from clogs.errors import UsageError
from clogs.warehouse.connection import Connection
from clogs.warehouse.layout import Config
from clogs.wording import unicode

_EXAMPLE = "The tables: clogs query 'SHOW ALL TABLES'"


def query(connection: Connection, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Read the names of the columns and the rows of one statement.

    Raises:
        UsageError: DuckDB does not understand it, it would change the warehouse, there is not just one, or
            Python has no value for what it answers.
    """
    if unicode(sql) != sql:
        raise UsageError("The query is not UTF-8 text.", hint=_EXAMPLE)
    try:
        if len(connection.extract_statements(sql)) != 1:
            raise UsageError("A query is one statement.", hint=_EXAMPLE)
        answer = connection.execute(sql)
        return _told_apart(column[0] for column in answer.description or ()), answer.fetchall()
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as exc:
        raise UsageError(str(exc).strip(), hint=_EXAMPLE) from exc
    except OverflowError as exc:
        raise UsageError(
            f"The answer holds an INTERVAL that is too long ({exc}).",
            hint="Read it as text: CAST(… AS VARCHAR)",
        ) from exc


def count_nulls(path: Path, keys: Sequence[str]) -> list[int]:
    """Decode every value of a Parquet file, and count the rows in which each of ``keys`` is missing.

    It is read by another DuckDB, in bounded memory, so that a damaged file harms no transaction.

    Raises:
        ValueError: DuckDB cannot decode it.
    """
    nulls = ", ".join(f'count(*) - count("{key}")' for key in keys)
    rows = "FROM read_parquet(?, hive_partitioning = false) AS landed"
    config: Config = {"memory_limit": "500MB", "enable_external_file_cache": False}
    try:
        with duckdb.connect(config=config) as connection:
            asked = f"SELECT {nulls}, bit_xor(hash(landed)) {rows}"
            found = connection.execute(asked, [[escape(str(path))]]).fetchall()
    except duckdb.Error as exc:
        raise ValueError(str(exc).partition("\n")[0]) from exc
    return list(found[0][: len(keys)])


def has_views(connection: Connection, schema: str) -> bool:
    """Tell whether there are views in a schema of this file, as a transform leaves them in gold."""
    asked = "SELECT count(*) FROM duckdb_views() WHERE schema_name = ? AND database_name = current_database()"
    return bool(connection.execute(asked, [schema]).fetchall()[0][0])


def _told_apart(names: Iterable[str]) -> list[str]:
    """Number the names that come again: ``a``, ``a_1``, as DuckDB does in subqueries."""
    told: list[str] = []
    for name in names:
        numbered = (f"{name}_{again}" for again in count(1))
        told.append(name if name not in told else next(other for other in numbered if other not in told))
    return told
