"""Somebody's question, and its answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from glob import escape
from itertools import count
from pathlib import Path
from typing import Any

import duckdb

from clogs.errors import UsageError
from clogs.warehouse.connection import Connection
from clogs.warehouse.faults import is_of_file_or_memory
from clogs.warehouse.layout import Config
from clogs.wording import unicode

_INEXACT = re.compile(r"\b(INTERVAL|TIMESTAMP_NS|TIME_NS)\b")
"""Types for which Python has none: its time spans know no months, and its moments no nanoseconds."""

_EXAMPLE = "The tables: clogs query 'SHOW ALL TABLES'"


def query(connection: Connection, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Read the names of the columns and the rows of one statement.

    Raises:
        UsageError: DuckDB does not understand it, it would change the warehouse, or there is not just one.
    """
    if unicode(sql) != sql:
        raise UsageError("The query is not UTF-8 text.", hint=_EXAMPLE)
    try:
        texts = [statement.query for statement in connection.extract_statements(sql)]
        if len([text for text in texts if text]) + ("" in texts) != 1:  # a PIVOT is two, which have no text
            raise UsageError("A query is one statement.", hint=_EXAMPLE)
        answer = connection.execute(_exact(connection, sql))
        return _told_apart(column[0] for column in answer.description or ()), answer.fetchall()
    except duckdb.Error as exc:
        if is_of_file_or_memory(exc):
            raise
        raise UsageError(str(exc).strip(), hint=_EXAMPLE) from exc


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


def _exact(connection: Connection, sql: str) -> str:
    """``sql`` with those columns as text that Python's values would change."""
    try:
        columns = connection.execute(f"DESCRIBE {sql}").fetchall()
    except duckdb.Error:  # what is wrong is told when it is asked; what has no columns needs no change
        return sql
    types = [kind for _, kind, *_ in columns]
    if not any(map(_INEXACT.search, types)):
        return sql
    places = [f"column{place}" for place in range(len(columns))]
    read = (
        f"{f'CAST({place} AS VARCHAR)' if _INEXACT.search(kind) else place} AS {_quoted(name)}"
        for place, (name, kind, *_) in zip(places, columns, strict=True)
    )
    asked = sql.rstrip().rstrip(";")
    return f"SELECT {', '.join(read)} FROM (\n{asked}\n) AS answer ({', '.join(places)})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _told_apart(names: Iterable[str]) -> list[str]:
    """Number the names that come again: ``a``, ``a_1``, as DuckDB does in subqueries."""
    told: list[str] = []
    for name in names:
        numbered = (f"{name}_{again}" for again in count(1))
        told.append(name if name not in told else next(other for other in numbered if other not in told))
    return told
