"""One statement that a user asks, and its rows, which may go to a Parquet file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import Any

import duckdb
from duckdb import StatementType

from clogs.errors import UsageError
from clogs.terminal.text import unicode
from clogs.warehouse.connection import Connection
from clogs.warehouse.faults import is_of_file_or_memory

_INEXACT = re.compile(r"""("(?:[^"]|"")*"|'(?:[^']|'')*')|\b(?:INTERVAL|TIMESTAMP_NS|TIME_NS)\b""")
"""In a type as DuckDB writes it: a quoted name, or a type that Python lacks and so changes the values of."""

_TABLES = "The tables: clogs tables"
_COLUMNS = "The columns of a table: clogs tables NAME"
_SYNTAX = "DuckDB's SQL: https://duckdb.org/docs/stable/sql/introduction"
_READ_ONLY = "A query only reads. Tables of your own are models: transform.extra_models"

_HINTS = (
    (r"Parser Error|Catalog Error: .*Function", _SYNTAX),
    (r"Binder Error: .*column", _COLUMNS),
    (r".*read-only", _READ_ONLY),
)
"""How DuckDB's messages begin, and what to do about them."""


def query(connection: Connection, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Read the names of the columns and the rows of one statement.

    Intervals and nanoseconds are text, also inside lists and structs.

    Raises:
        UsageError: DuckDB does not understand it, it would change the warehouse, or it is not one statement.
    """
    with _one_statement(connection, sql):
        answer = connection.execute(sql)
        columns = answer.description or ()
        types = [str(kind) for _, kind, *_ in columns]
        exact = [_INEXACT.sub(lambda found: found[1] or "VARCHAR", kind) for kind in types]
        rows = answer.fetchall() if exact == types else _exact_rows(connection, sql, types, exact)
        return _numbered(name for name, *_ in columns), rows


def query_to_parquet(connection: Connection, sql: str, path: Path) -> None:
    """Write the rows of one statement to a file, with DuckDB's types.

    Raises:
        UsageError: As `query` does.
    """
    with _one_statement(connection, sql):
        rows = connection.sql(sql)
        if rows is None:
            raise UsageError("The query has no rows to write.", hint=_TABLES)
        rows.write_parquet(str(path), compression="zstd")


def search_in(connection: Connection, schema: str) -> None:
    """Let queries name the tables of a schema, if it exists, without it."""
    found = "SELECT current_database() FROM duckdb_schemas() WHERE database_name = current_database()"
    for (database,) in connection.execute(f"{found} AND schema_name = {literal(schema)}").fetchall():
        path = f"{identifier(database)}.{identifier(schema)}"
        connection.execute(f"SET search_path = {literal(path)}")


def literal(text: str) -> str:
    """Quote a text for SQL. For a parameter, DuckDB would import pandas, which takes half a second."""
    return "'" + text.replace("'", "''") + "'"


def nullable(text: str | None) -> str:
    """Quote a text for SQL, or write NULL."""
    return "NULL" if text is None else literal(text)


def instant(moment: datetime) -> str:
    """Write a moment, which has a time zone, as SQL."""
    return f"TIMESTAMPTZ '{moment.isoformat()}'"


def identifier(name: str) -> str:
    """Quote the name of a table or column for SQL."""
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def _one_statement(connection: Connection, sql: str) -> Iterator[None]:
    """Raise what is wrong with a query as a `UsageError`, while it runs, too."""
    if unicode(sql) != sql:
        raise UsageError("The query is not UTF-8 text.", hint=_TABLES)
    try:
        # DuckDB splits a PIVOT into one statement that reads, and some without text that create types.
        statements = connection.extract_statements(sql)
        if len([each for each in statements if each.query or each.type != StatementType.CREATE]) != 1:
            raise UsageError("A query is one statement.", hint=_TABLES)
        yield
    except duckdb.Error as exc:
        if is_of_file_or_memory(exc):
            raise
        message = str(exc).strip()
        hint = next((hint for beginning, hint in _HINTS if re.match(beginning, message)), _TABLES)
        raise UsageError(message, hint=hint) from exc


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
    views = "SELECT count(*) FROM duckdb_views() WHERE database_name = current_database()"
    return bool(connection.execute(f"{views} AND schema_name = {literal(schema)}").fetchall()[0][0])


def _numbered(names: Iterable[str]) -> list[str]:
    """Number the names that repeat: ``a``, ``a_1``, as DuckDB does in subqueries."""
    unique: list[str] = []
    for name in names:
        candidates = chain([name], (f"{name}_{number}" for number in count(1)))
        unique.append(next(each for each in candidates if each not in unique))
    return unique
