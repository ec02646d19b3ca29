"""Views that are readable whatever name the file is opened under.

SQLMesh's own views name the catalog it attached the file as, which holds only as long as nobody opens
the file under another name. Ours name schema and table alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clogs.warehouse import Connection, identifier, literal, transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One view of bronze, silver or gold.

    Attributes:
        name: Schema and view, ``gold.fct_messages``, as the model writes them.
        identifier: The same quoted, ``"gold"."fct_messages"``, for SQL.
        schema: The schema, quoted.
        query: What it selects, without any catalog.
        columns: Descriptions by column.
    """

    name: str
    identifier: str
    schema: str
    query: str
    description: str | None
    columns: Mapping[str, str]


_THERE = """
    SELECT '"' || replace(schema_name, '"', '""') || '"."' || replace(view_name, '"', '""') || '"'
    FROM duckdb_views()
    WHERE database_name = current_database()
"""

_OURS = f"{_THERE} AND contains(sql, 'sqlmesh__') AND NOT starts_with(schema_name, 'sqlmesh')"


def are_published(connection: Connection, views: Sequence[View]) -> bool:
    """Return whether all views are there."""
    there = {view for (view,) in connection.execute(_THERE).fetchall()}
    return there >= {view.identifier for view in views}


def publish(connection: Connection, views: Sequence[View]) -> None:
    """Put all views in place at once, with their descriptions, and remove those of models that are gone."""
    with transaction(connection):
        current = {view.identifier for view in views}
        for (old,) in connection.execute(_OURS).fetchall():
            if old not in current:
                connection.execute(f"DROP VIEW {old}")
        for view in views:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {view.schema}")
            connection.execute(f"CREATE OR REPLACE VIEW {view.identifier} AS {view.query}")
            describe(connection, view.identifier, view.description, view.columns)


def describe(connection: Connection, view: str, description: str | None, columns: Mapping[str, str]) -> None:
    """Comment on a view, quoted, and on its columns."""
    if description:
        connection.execute(f"COMMENT ON VIEW {view} IS {literal(description)}")
    for column, text in columns.items():
        connection.execute(f"COMMENT ON COLUMN {view}.{identifier(column)} IS {literal(text)}")
