"""Somebody's question, and its answer."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

import duckdb

from clogs.errors import UsageError
from clogs.warehouse.connection import Connection

_EXAMPLE = "The tables: clogs query 'SHOW ALL TABLES'"


def query(connection: Connection, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Read the names of the columns and the rows of one statement.

    Raises:
        UsageError: DuckDB does not understand it, it would change the warehouse, or there is not just one.
    """
    try:
        if len(connection.extract_statements(sql)) != 1:
            raise UsageError("A query is one statement.", hint=_EXAMPLE)
        answer = connection.execute(sql)
        return _told_apart(column[0] for column in answer.description or ()), answer.fetchall()
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as exc:
        raise UsageError(str(exc).strip(), hint=_EXAMPLE) from exc


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
