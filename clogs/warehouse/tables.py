"""The tables of the warehouse that people query, as the comments in it describe them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clogs.warehouse.connection import Connection
from clogs.warehouse.query import identifier, literal, query

_TABLES = """
    WITH found AS (
        SELECT schema_name AS schema, table_name AS name, comment
        FROM duckdb_tables() WHERE database_name = current_database() AND NOT internal
        UNION ALL
        SELECT schema_name, view_name, comment
        FROM duckdb_views() WHERE database_name = current_database() AND NOT internal
    )
    SELECT schema, name, coalesce(comment, '') FROM found
    WHERE schema NOT IN ('changes', 'quality') AND NOT starts_with(schema, 'sqlmesh')
      AND ({every_layer} OR schema NOT IN ('silver', 'bronze', 'raw'))
    ORDER BY list_position(['raw', 'bronze', 'silver', 'gold'], schema) DESC NULLS LAST, schema, name
"""
_COLUMNS = """
    SELECT column_name, data_type, coalesce(comment, '')
    FROM duckdb_columns()
    WHERE database_name = current_database() AND schema_name = {schema} AND table_name = {name}
    ORDER BY column_index
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnInfo:
    """One column, with its type as DuckDB writes it."""

    name: str
    type: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableInfo:
    """One table or view, its name with the schema."""

    name: str
    rows: int
    description: str


def list_tables(connection: Connection, *, every_layer: bool) -> list[TableInfo]:
    """Count the rows of gold's tables and of a user's own models, or of all layers, gold first."""
    found = _found(connection, every_layer=every_layer)
    return [_table(connection, schema, name, text) for schema, name, text in found]


def table_names(connection: Connection) -> list[str]:
    """Return the names of the tables of all layers, with their schemas, gold first."""
    return [f"{schema}.{name}" for schema, name, _ in _found(connection, every_layer=True)]


def describe_table(connection: Connection, table: str) -> tuple[TableInfo, Sequence[ColumnInfo]]:
    """Count the rows of one of `table_names`, and read its columns in their order."""
    for schema, name, text in _found(connection, every_layer=True):
        if f"{schema}.{name}" == table:
            asked = _COLUMNS.format(schema=literal(schema), name=literal(name))
            columns = connection.execute(asked).fetchall()
            return _table(connection, schema, name, text), [
                ColumnInfo(name=column, type=kind, description=comment) for column, kind, comment in columns
            ]
    raise KeyError(table)


def _found(connection: Connection, *, every_layer: bool) -> list[tuple[str, str, str]]:
    return connection.execute(_TABLES.format(every_layer=every_layer)).fetchall()


def _table(connection: Connection, schema: str, name: str, description: str) -> TableInfo:
    counted = f"SELECT count(*) FROM {identifier(schema)}.{identifier(name)}"
    ((rows,),) = query(connection, counted)[1]
    return TableInfo(name=f"{schema}.{name}", rows=rows, description=description)
