"""Somebody's question, and its answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from glob import escape
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
from duckdb import StatementType

from clogs.errors import UsageError
from clogs.terminal.text import unicode
from clogs.warehouse.connection import Connection
from clogs.warehouse.faults import is_of_file_or_memory
from clogs.warehouse.layout import Config

_INEXACT = re.compile(r"""("(?:[^"]|"")*"|'(?:[^']|'')*')|\b(?:INTERVAL|TIMESTAMP_NS|TIME_NS)\b""")
"""In a type as DuckDB writes it: a name, or a part whose values Python changes, which has no such type."""

_EXAMPLE = "The tables: clogs query 'SHOW ALL TABLES'"


def query(connection: Connection, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Read the names of the columns and the rows of one statement.

    Intervals and nanoseconds are text, wherever in a value they are.

    Raises:
        UsageError: DuckDB does not understand it, it would change the warehouse, or there is not just one.
    """
    if unicode(sql) != sql:
        raise UsageError("The query is not UTF-8 text.", hint=_EXAMPLE)
    try:
        # A PIVOT is several, of which DuckDB knows no text: types that it makes, and one that reads.
        statements = connection.extract_statements(sql)
        if len([each for each in statements if each.query or each.type != StatementType.CREATE]) != 1:
            raise UsageError("A query is one statement.", hint=_EXAMPLE)
        answer = connection.execute(sql)
        columns = answer.description or ()
        rows = _exact_rows(connection, sql, [str(kind) for _, kind, *_ in columns])
        return _told_apart(name for name, *_ in columns), answer.fetchall() if rows is None else rows
    except duckdb.Error as exc:
        if is_of_file_or_memory(exc):
            raise
        raise UsageError(str(exc).strip(), hint=_EXAMPLE) from exc


def _exact_rows(connection: Connection, sql: str, types: Sequence[str]) -> list[tuple[Any, ...]] | None:
    """Ask again, with text for what Python would change; None where it changes nothing."""
    exact = [_INEXACT.sub(lambda found: found[1] or "VARCHAR", kind) for kind in types]
    if exact == types:
        return None
    try:
        return _cast_rows(connection, sql, types, exact)
    except duckdb.ParserException:  # a struct whose fields have no names cannot be named
        whole = [kind if kind == new else "VARCHAR" for kind, new in zip(types, exact, strict=True)]
        return _cast_rows(connection, sql, types, whole)


def _cast_rows(
    connection: Connection, sql: str, types: Sequence[str], wanted: Sequence[str]
) -> list[tuple[Any, ...]]:
    columns = enumerate(zip(types, wanted, strict=True), start=1)
    casts = (f"#{place}" if kind == new else f"CAST(#{place} AS {new})" for place, (kind, new) in columns)
    return connection.sql(sql).project(", ".join(casts)).fetchall()


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
