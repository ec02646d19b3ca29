"""DuckDB's warehouse file as a lens: views of the files of Iceberg's tables, as they are now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from clogs import warehouse
from clogs.errors import ClogsError, WarehouseError
from clogs.landing.views import connect, let_read
from clogs.transform.portable import PortableModel, duckdb_type
from clogs.transform.publish import describe
from clogs.warehouse import Connection, identifier, literal

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pyspark.sql import SparkSession

RAW = ("raw.conversations", "raw.ledger")

_NAMES = "SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal ORDER BY ALL"
_PUBLISHED = """
    CREATE SCHEMA IF NOT EXISTS raw;
    CREATE TABLE IF NOT EXISTS raw.published (name VARCHAR PRIMARY KEY);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """The file, and how long to wait for another program that has it open."""

    path: Path
    lock_timeout: timedelta

    def opened(self) -> AbstractContextManager[Connection]:
        """Open it."""
        return connect(self.path, lock_timeout=self.lock_timeout)

    def names(self) -> set[str]:
        """Schema and name of what was published."""
        with self.opened() as connection:
            connection.execute(_PUBLISHED)
            return {name for (name,) in connection.execute("FROM raw.published").fetchall()}

    def unreadable(self) -> dict[str, str]:
        """Why a table cannot be read, by its name, for each whose files are not all there."""
        faults: dict[str, str] = {}
        if self.path.exists():
            with connect(self.path, lock_timeout=self.lock_timeout, read_only=True) as connection:
                for schema, view in connection.execute(_NAMES).fetchall():
                    asked = f"EXPLAIN FROM {identifier(schema)}.{identifier(view)}"  # reads no file
                    try:
                        # a view of one's own may also ask for a column that is gone, which a transform says
                        with suppress(warehouse.Error), warehouse.mapped(self.path):
                            connection.execute(asked)
                    except ClogsError as error:
                        faults[f"{schema}.{view}"] = error.message
        return faults

    def publish(
        self,
        spark: SparkSession,
        tables: Iterable[str] = (),
        *,
        models: Sequence[PortableModel] = (),
        gone: Iterable[str] = (),
    ) -> None:
        """Let views be of tables as they are now, all at once.

        Args:
            spark: The session.
            tables: Schema and name of each; those of raw are always among them.
            models: Those whose views are made, too, and whose descriptions are written.
            gone: What is no longer there.

        Raises:
            WarehouseError: The file is a warehouse of DuckDB's own.
        """
        queries = {name: _query(spark, name) for name in (*RAW, *tables)}
        queries |= {model.name: model.plain for model in models if model.kind == "view"}
        with self.opened() as connection:
            warehouse.create_tables(connection)
            let_read(connection, queries.values())
            with warehouse.transaction(connection):
                undescribed = queries.keys() - {model.name for model in models}
                descriptions = {name: _descriptions_of(connection, name) for name in undescribed}
                self._remove_empty_tables(connection)
                connection.execute(_PUBLISHED)
                for name in gone:
                    connection.execute(f"DROP VIEW IF EXISTS {name}")
                    connection.execute(f"DELETE FROM raw.published WHERE name = {literal(name)}")
                for name, query in queries.items():
                    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name.partition('.')[0]}")
                    connection.execute(f"CREATE OR REPLACE VIEW {name} AS {query}")
                    connection.execute(f"INSERT OR IGNORE INTO raw.published VALUES ({literal(name)})")
                for name, (description, columns) in descriptions.items():  # which go with the old view
                    current = {column for column, *_ in connection.execute(f"DESCRIBE {name}").fetchall()}
                    describe(
                        connection,
                        name,
                        description,
                        {each: columns[each] for each in columns.keys() & current},
                    )
                for model in models:
                    describe(connection, model.name, model.description, model.columns)

    def _remove_empty_tables(self, connection: Connection) -> None:
        """Make room for views."""
        asked = "SELECT schema_name || '.' || table_name FROM duckdb_tables()"
        for name in {name for (name,) in connection.execute(asked).fetchall()} & set(RAW):
            if connection.execute(f"SELECT count(*) FROM {name}").fetchall() != [(0,)]:
                raise WarehouseError(
                    f"{self.path} is a warehouse of DuckDB's own, and engine.kind is spark.",
                    hint="Set duckdb.path (DUCKDB_PATH) to another file.",
                )
            connection.execute(f"DROP TABLE {name}")


def _descriptions_of(connection: Connection, name: str) -> tuple[str | None, dict[str, str]]:
    """What the file says of a table or view, and of its columns."""
    schema, _, table = name.partition(".")
    is_it = f"WHERE schema_name = {literal(schema)} AND {{}}_name = {literal(table)} AND comment IS NOT NULL"
    described = f"""
        SELECT comment FROM duckdb_views() {is_it.format("view")}
        UNION ALL SELECT comment FROM duckdb_tables() {is_it.format("table")}
    """
    columns = f"SELECT column_name, comment FROM duckdb_columns() {is_it.format('table')}"
    descriptions = [description for (description,) in connection.execute(described).fetchall()]
    return next(iter(descriptions), None), dict(connection.execute(columns).fetchall())


def _query(spark: SparkSession, name: str) -> str:
    """What DuckDB reads of a table: its files as they are now."""
    rows = spark.table(f"{name}.files").select("file_path", "content").collect()
    if any(row.content for row in rows):
        raise WarehouseError(
            f"Iceberg's table {name} has files of deletions, which DuckDB would ignore.",
            hint="Write it with copy-on-write, then: clogs compact",
        )
    if rows:
        files = ", ".join(literal(row.file_path.removeprefix("file:")) for row in rows)
        return f"FROM read_parquet([{files}], hive_partitioning = false)"
    columns = (
        f"CAST(NULL AS {duckdb_type(field.dataType.simpleString())}) AS {identifier(field.name)}"
        for field in spark.table(name).schema
    )
    return f"SELECT {', '.join(columns)} WHERE false"
