"""One statement that a user asks, and its rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain, count
from typing import Any

import duckdb
from duckdb import StatementType

from clogs.errors import UsageError
from clogs.terminal.text import unicode
from clogs.warehouse.connection import Connection
from clogs.warehouse.faults import is_of_file_or_memory

_INEXACT = re.compile(r"""("(?:[^"]|"")*"|'(?:[^']|'')*')|\b(?:INTERVAL|TIMESTAMP_NS|TIME_NS)\b""")
"""In a type as DuckDB writes it: a quoted name, or a type that Python lacks and so changes the values of."""

_EXAMPLE = "The tables: clogs query 'SHOW ALL TABLES'"


def query(connection: Connection, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Read the names of the columns and the rows of one statement.

    Intervals and nanoseconds are text, also inside lists and structs.

    Raises:
        UsageError: DuckDB does not understand it, it would change the warehouse, or it is not one statement.
    """
    if unicode(sql) != sql:
        raise UsageError("The query is not UTF-8 text.", hint=_EXAMPLE)
    try:
        # DuckDB splits a PIVOT into one statement that reads, and some without text that create types.
        statements = connection.extract_statements(sql)
        if len([each for each in statements if each.query or each.type != StatementType.CREATE]) != 1:
            raise UsageError("A query is one statement.", hint=_EXAMPLE)
        answer = connection.execute(sql)
        columns = answer.description or ()
        types = [str(kind) for _, kind, *_ in columns]
        exact = [_INEXACT.sub(lambda found: found[1] or "VARCHAR", kind) for kind in types]
        rows = answer.fetchall() if exact == types else _exact_rows(connection, sql, types, exact)
        return _numbered(name for name, *_ in columns), rows
    except duckdb.Error as exc:
        if is_of_file_or_memory(exc):
            raise
        raise UsageError(str(exc).strip(), hint=_EXAMPLE) from exc


def _exact_rows(
    connection: Connection, sql: str, types: Sequence[str], exact: Sequence[str]
) -> list[tuple[Any, ...]]:
    """Run it again, with columns cast to text where Python would change their values."""

    def cast(wanted: Iterable[str]) -> list[tuple[Any, ...]]:
        columns = enumerate(zip(types, wanted, strict=True), start=1)
        casts = (f"#{place}" if kind == new else f"CAST(#{place} AS {new})" for place, (kind, new) in columns)
        return connection.sql(sql).project(", ".join(casts)).fetchall()

    try:
        return cast(exact)
    except duckdb.ParserException:  # a struct whose fields have no names cannot be named
        return cast(kind if kind == new else "VARCHAR" for kind, new in zip(types, exact, strict=True))


def has_views(connection: Connection, schema: str) -> bool:
    """Return whether a schema of this file has views, as a transform leaves them in gold."""
    # without a parameter, for which DuckDB would import pandas
    views = (
        "SELECT count(*) FROM duckdb_views()"
        f" WHERE schema_name = '{schema}' AND database_name = current_database()"
    )
    return bool(connection.execute(views).fetchall()[0][0])


def _numbered(names: Iterable[str]) -> list[str]:
    """Number the names that repeat: ``a``, ``a_1``, as DuckDB does in subqueries."""
    unique: list[str] = []
    for name in names:
        candidates = chain([name], (f"{name}_{number}" for number in count(1)))
        unique.append(next(each for each in candidates if each not in unique))
    return unique
