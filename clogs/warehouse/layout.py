"""The tables of schema ``raw``, and how those of older versions become those of this one."""

from __future__ import annotations

from pathlib import Path

import duckdb

from clogs import __version__
from clogs.errors import WarehouseError
from clogs.schema import COLUMNS, SQL_TYPES
from clogs.warehouse.changes import CREATE_CHANGES, note_everything
from clogs.warehouse.connection import Connection, transaction
from clogs.warehouse.history import CREATE_RUNS
from clogs.warehouse.results import CREATE_QUALITY

Config = dict[str, str | bool | int | float | list[str]]

LOAD_FIRST = "Load something first: clogs pipeline"

LAYOUT = 4
"""The number of this layout: it grows with every change of the tables below.

1. As clogs 0.1 began: no ``raw.layout``, and a ledger of ``file, bytes, rows, run, loaded_at``.
2. Texts compressed with zstd; the ledger knows content, counts and status of a file.
3. Schema ``changes``.
4. Schema ``quality``; ``raw.runs``; the columns of ``raw.conversations`` are described.
"""

LAYOUT_OF_CHANGES = 3
"""From it on, the models know of every load."""

STORAGE_VERSION = "v1.5.0"
"""DuckDB's file format: the newest that all of 1.5 read. Older formats have no zstd."""

_ZSTD = {"message_content", "message_raw", "entry_raw"}
"""Long texts. DuckDB by itself stores what is longer than a few KB without any compression."""

_LEDGER = """
    CREATE TABLE raw.ledger (
        file VARCHAR NOT NULL,
        bytes BIGINT NOT NULL,
        rows BIGINT NOT NULL,
        run VARCHAR NOT NULL,
        loaded_at TIMESTAMPTZ NOT NULL,
        modified_at TIMESTAMPTZ,
        sha256 VARCHAR,
        inserted BIGINT,
        updated BIGINT,
        unchanged BIGINT,
        format INTEGER NOT NULL,
        status VARCHAR NOT NULL,
        merged_into VARCHAR
    );
    COMMENT ON TABLE raw.ledger IS 'One row per landing file that was loaded, written with its rows.';
    COMMENT ON COLUMN raw.ledger.file IS 'Its place in the landing folder.';
    COMMENT ON COLUMN raw.ledger.rows IS 'Rows in it: versions of documents.';
    COMMENT ON COLUMN raw.ledger.run IS 'The run that loaded it.';
    COMMENT ON COLUMN raw.ledger.modified_at IS 'When it was last written to, in UTC.';
    COMMENT ON COLUMN raw.ledger.sha256 IS 'Of its content, in hex digits.';
    COMMENT ON COLUMN raw.ledger.inserted IS 'Rows whose document was not in the table; NULL if not known.';
    COMMENT ON COLUMN raw.ledger.updated IS 'Rows that took the place of an older version.';
    COMMENT ON COLUMN raw.ledger.unchanged IS 'Rows that did not: the table had this version or a newer one.';
    COMMENT ON COLUMN raw.ledger.format IS 'The version of the landing format.';
    COMMENT ON COLUMN raw.ledger.merged_into IS 'The file that holds its rows, if it is compacted.';
    COMMENT ON COLUMN raw.ledger.status IS 'landed, vanished, compacted (into another file) or pruned.';
"""

_REST = """
    CREATE TABLE IF NOT EXISTS raw.checkpoints (
        stage VARCHAR NOT NULL,
        fingerprint VARCHAR NOT NULL,
        passed_at TIMESTAMPTZ NOT NULL
    );
    CREATE TABLE IF NOT EXISTS raw.layout (
        version INTEGER NOT NULL,
        clogs VARCHAR NOT NULL,
        since TIMESTAMPTZ NOT NULL
    );
    COMMENT ON TABLE raw.checkpoints IS 'What each stage last passed on: with nothing new it is skipped.';
    COMMENT ON TABLE raw.layout IS 'The layouts that these tables have had; the highest holds.';
"""

_COMPRESS = """
    INSERT INTO raw.rebuilt BY NAME SELECT * FROM raw.conversations;
    DROP TABLE raw.conversations;
    ALTER TABLE raw.rebuilt RENAME TO conversations;
"""
_FROM_1 = """
    ALTER TABLE raw.ledger RENAME TO ledger_1;
    {ledger}
    INSERT INTO raw.ledger BY NAME SELECT *, 1 AS format, 'landed' AS status FROM raw.ledger_1;
    DROP TABLE raw.ledger_1;
"""


def create_conversations(connection: Connection, name: str) -> None:
    """Create an empty table like ``raw.conversations``, under some name in schema ``raw``."""
    columns = ", ".join(
        f'"{column.name}" {SQL_TYPES[column.kind]}'
        + (" USING COMPRESSION zstd" if column.name in _ZSTD else "")
        for column in COLUMNS
    )
    connection.execute(f"CREATE TABLE raw.{name} ({columns})")
    _describe(connection, name)


def _describe(connection: Connection, name: str) -> None:
    one_row = "One row per document of the collection, its newest version."
    connection.execute(f"COMMENT ON TABLE raw.{name} IS '{one_row}'")
    for column in COLUMNS:
        text = column.description.replace("'", "''")
        connection.execute(f"""COMMENT ON COLUMN raw.{name}."{column.name}" IS '{text}'""")


def create_tables(connection: Connection) -> None:
    """Create ``raw.conversations``, the ledger and what goes with them, where they are missing.

    Raises:
        WarehouseError: There is a table of that name that is not ours.
    """
    if has_tables(connection):
        return
    with transaction(connection):
        connection.execute("CREATE SCHEMA IF NOT EXISTS raw")
        create_conversations(connection, "conversations")
        connection.execute(_LEDGER)
        _enter_layout(connection)


def has_tables(connection: Connection) -> bool:
    """Tell whether ``raw.conversations`` is there.

    Raises:
        WarehouseError: It is, but it is not ours, or of a newer version.
    """
    found = _columns(connection, "conversations")
    if found and found != {column.name for column in COLUMNS}:
        raise WarehouseError(
            "The table raw.conversations in the warehouse was not made by clogs.",
            hint="Set duckdb.path (DUCKDB_PATH) to another file.",
        )
    if found and _version(connection) > LAYOUT:
        raise WarehouseError(
            f"The warehouse was written by a newer clogs than this one, {__version__}.",
            hint="Upgrade clogs: pipx upgrade clogs",
        )
    return bool(found)


def require_tables(connection: Connection) -> None:
    """Raise unless ``raw.conversations`` exists.

    Raises:
        WarehouseError: It does not, it was not made by clogs, or a newer clogs made it.
    """
    if not has_tables(connection):
        raise WarehouseError("Nothing is loaded yet.", hint=LOAD_FIRST)


def is_current(connection: Connection) -> bool:
    """Tell whether the tables are there, as this version makes them."""
    return has_tables(connection) and _version(connection) == LAYOUT


def is_outdated(connection: Connection) -> bool:
    """Tell whether the tables, or the file's format, are those of an older version."""
    return has_tables(connection) and (
        _version(connection) < LAYOUT or _storage(connection) < _parts(STORAGE_VERSION)
    )


def migrate(path: Path, config: Config) -> None:
    """Bring the tables and the file's format up to date.

    The tables are changed all at once or not at all. If the process dies before the file's format is, the
    next one does the rest.

    Args:
        path: The DuckDB file, open nowhere else. Only one that is attached can change its format.
        config: As for `duckdb.connect`.
    """
    place, spill = (str(each).replace("'", "''") for each in (path, path.with_name(f"{path.name}.tmp")))
    with duckdb.connect(config=config) as connection:
        connection.execute(f"""
            SET TimeZone = 'UTC'; SET temp_directory = '{spill}';
            ATTACH '{place}' AS warehouse (STORAGE_VERSION '{STORAGE_VERSION}'); USE warehouse;
        """)
        version = _version(connection)
        with transaction(connection):
            if version in {1, LAYOUT}:  # the tables are this version's, so the file's format is not
                create_conversations(connection, "rebuilt")
                connection.execute(_COMPRESS)
            if version == 1:
                connection.execute(_FROM_1.format(ledger=_LEDGER))
            if version < LAYOUT:
                _enter_layout(connection)
            if version < LAYOUT_OF_CHANGES:
                note_everything(connection)
        connection.execute("CHECKPOINT")


def _enter_layout(connection: Connection) -> None:
    connection.execute(_REST)
    connection.execute(CREATE_CHANGES + CREATE_QUALITY + CREATE_RUNS)
    _describe(connection, "conversations")
    connection.execute("INSERT INTO raw.layout VALUES (?, ?, now())", [LAYOUT, __version__])


def _version(connection: Connection) -> int:
    if not _columns(connection, "layout"):
        return 1
    return int(connection.execute("SELECT max(version) FROM raw.layout").fetchall()[0][0])


def _storage(connection: Connection) -> tuple[int, ...]:
    """The file's format, as the version of DuckDB that began it."""
    asked = "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = current_database()"
    return _parts(str(connection.execute(asked).fetchall()[0][0]))


def _parts(version: str) -> tuple[int, ...]:
    """``v1.5.0+`` as numbers."""
    return tuple(map(int, version.strip("v+").split(".")))


def _columns(connection: Connection, table: str) -> set[str]:
    """The columns of a table in schema ``raw`` of this file; none where it is missing."""
    try:
        # without a parameter, for which DuckDB would import pandas in half a second
        found = connection.execute(f"SELECT name FROM pragma_table_info('raw.{table}')").fetchall()
    except duckdb.CatalogException:
        return set()
    return {name for (name,) in found}
