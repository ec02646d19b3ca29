"""The tables that clogs creates: schemas ``raw``, ``changes`` and ``quality``."""

from __future__ import annotations

import duckdb

from clogs import __version__
from clogs.errors import WarehouseError
from clogs.schema import COLUMNS, SQL_TYPES
from clogs.warehouse.connection import LOAD_FIRST, Connection, transaction
from clogs.warehouse.query import literal

LAYOUT = 1  # grows with every change of the tables below

# DuckDB does not compress strings of more than a few KB unless zstd is asked for.
_LONG_TEXTS = {"message_content", "message_raw", "entry_raw"}

_RAW = """
    CREATE TABLE raw.ledger (
        file VARCHAR NOT NULL,
        bytes BIGINT NOT NULL,
        rows BIGINT NOT NULL,
        run VARCHAR NOT NULL,
        loaded_at TIMESTAMPTZ NOT NULL,
        inserted BIGINT NOT NULL,
        updated BIGINT NOT NULL,
        unchanged BIGINT NOT NULL,
        status VARCHAR NOT NULL,
        merged_into VARCHAR,
        etag VARCHAR
    );
    COMMENT ON TABLE raw.ledger IS 'One row per landing file that was loaded, written with its rows.';
    COMMENT ON COLUMN raw.ledger.file IS 'Its path in the landing folder; its name ends in its digest.';
    COMMENT ON COLUMN raw.ledger.rows IS 'Rows in it: versions of documents.';
    COMMENT ON COLUMN raw.ledger.run IS 'The run that loaded it.';
    COMMENT ON COLUMN raw.ledger.inserted IS 'Rows whose document was not in the table.';
    COMMENT ON COLUMN raw.ledger.updated IS 'Rows that took the place of an older version.';
    COMMENT ON COLUMN raw.ledger.unchanged IS 'Rows that did not: the table had this version or a newer one.';
    COMMENT ON COLUMN raw.ledger.status IS 'landed, vanished, compacted (into another file) or pruned.';
    COMMENT ON COLUMN raw.ledger.merged_into IS 'The file that holds its rows, if it is compacted.';
    COMMENT ON COLUMN raw.ledger.etag IS 'Its ETag where it is an object of a bucket.';
    CREATE TABLE raw.checkpoints (
        stage VARCHAR NOT NULL,
        fingerprint VARCHAR NOT NULL,
        passed_at TIMESTAMPTZ NOT NULL
    );
    COMMENT ON TABLE raw.checkpoints IS 'What each stage last passed on: with nothing new it is skipped.';
    CREATE TABLE raw.layout (
        version INTEGER NOT NULL,
        clogs VARCHAR NOT NULL,
        since TIMESTAMPTZ NOT NULL
    );
    COMMENT ON TABLE raw.layout IS 'The layouts that these tables have had; the highest holds.';
"""

_CHANGES = """
    CREATE SCHEMA IF NOT EXISTS changes;
    CREATE SEQUENCE IF NOT EXISTS changes.numbers;
    CREATE TABLE IF NOT EXISTS changes.conversations (
        number BIGINT NOT NULL,
        everything BOOLEAN NOT NULL,
        _id VARCHAR
    );
    COMMENT ON TABLE changes.conversations IS 'Documents loaded or pruned that have not been read yet.';
    COMMENT ON COLUMN changes.conversations.number IS 'Grows with every transaction.';
    COMMENT ON COLUMN changes.conversations.everything IS 'Any document may have changed.';
    CREATE TABLE IF NOT EXISTS changes.seen (
        model VARCHAR NOT NULL,
        parent VARCHAR NOT NULL,
        number BIGINT NOT NULL
    );
    COMMENT ON TABLE changes.seen IS 'Up to which number each reader has read the log of each table.';
"""

_QUALITY = """
    CREATE SCHEMA IF NOT EXISTS quality;
    CREATE TABLE IF NOT EXISTS quality.results (
        run VARCHAR NOT NULL,
        validated_at TIMESTAMPTZ NOT NULL,
        check_name VARCHAR NOT NULL,
        layer VARCHAR NOT NULL,
        table_name VARCHAR NOT NULL,
        severity VARCHAR NOT NULL,
        tolerated DOUBLE NOT NULL,
        rows BIGINT NOT NULL,
        failing BIGINT NOT NULL,
        outcome VARCHAR NOT NULL
    );
    COMMENT ON TABLE quality.results IS 'One row per check of each validation.';
    COMMENT ON COLUMN quality.results.run IS 'The run that validated.';
    COMMENT ON COLUMN quality.results.validated_at IS 'When its validation began.';
    COMMENT ON COLUMN quality.results.severity IS 'error or warning: what a failure is.';
    COMMENT ON COLUMN quality.results.tolerated IS 'The share of rows, 0 to 1, that may fail unreported.';
    COMMENT ON COLUMN quality.results.rows IS 'Rows checked.';
    COMMENT ON COLUMN quality.results.failing IS 'Rows that failed.';
    COMMENT ON COLUMN quality.results.outcome IS 'passed, warned or failed.';
    CREATE TABLE IF NOT EXISTS quality.partitions (
        date DATE NOT NULL,
        rows BIGINT NOT NULL
    );
    COMMENT ON TABLE quality.partitions IS 'Rows of each day in raw.conversations at the last validation.';
"""


def create_conversations(connection: Connection, name: str) -> None:
    """Create an empty table like ``raw.conversations``, under some name in schema ``raw``."""
    columns = ", ".join(
        f'"{column.name}" {SQL_TYPES[column.kind]}'
        + (" USING COMPRESSION zstd" if column.name in _LONG_TEXTS else "")
        for column in COLUMNS
    )
    connection.execute(f"""
        CREATE TABLE raw.{name} ({columns});
        COMMENT ON TABLE raw.{name} IS 'One row per document of the collection, its newest version.';
    """)
    for column in COLUMNS:
        comment = literal(column.description)
        connection.execute(f'COMMENT ON COLUMN raw.{name}."{column.name}" IS {comment}')


def create_tables(connection: Connection) -> None:
    """Create all tables, unless they are there; raises as `has_tables` does."""
    if has_tables(connection):
        return
    with transaction(connection):
        connection.execute("CREATE SCHEMA IF NOT EXISTS raw")
        create_conversations(connection, "conversations")
        connection.execute(_RAW + _CHANGES + _QUALITY)
        connection.execute(f"INSERT INTO raw.layout VALUES ({LAYOUT}, '{__version__}', now())")


def require_tables(connection: Connection) -> None:
    """Raise a `WarehouseError` unless ``raw.conversations`` exists, or as `has_tables` does."""
    if not has_tables(connection):
        raise WarehouseError("Nothing is loaded yet.", hint=LOAD_FIRST)


def has_tables(connection: Connection) -> bool:
    """Return whether ``raw.conversations`` exists.

    Raises:
        WarehouseError: It does, but clogs did not make it, or a newer clogs did.
    """
    if not (found := _columns(connection, "conversations")):
        return False
    if found != {column.name for column in COLUMNS} or not _columns(connection, "layout"):
        raise WarehouseError(
            "The table raw.conversations in the warehouse was not made by clogs.",
            hint="Set duckdb.path (DUCKDB_PATH) to another file.",
        )
    if connection.execute("SELECT max(version) FROM raw.layout").fetchall() > [(LAYOUT,)]:
        raise WarehouseError(
            f"The warehouse was written by a newer clogs than this one, {__version__}.",
            hint="Upgrade clogs in its checkout: git pull && pipx install --force .",
        )
    return True


def _columns(connection: Connection, table: str) -> set[str]:
    """The columns of a table in schema ``raw`` of this file; none where it does not exist."""
    try:
        # without a parameter, for which DuckDB would import pandas in half a second
        found = connection.execute(f"SELECT name FROM pragma_table_info('raw.{table}')").fetchall()
    except duckdb.CatalogException:
        return set()
    except duckdb.IOException:  # a view of one of Spark's tables, whose files are gone; this takes longer
        asked = f"""
            SELECT column_name FROM duckdb_columns()
            WHERE (database_name, schema_name, table_name) = (current_database(), 'raw', '{table}')
        """
        found = connection.execute(asked).fetchall()
    return {name for (name,) in found}
