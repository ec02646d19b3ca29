"""Landing files into a table, and what happened to their rows into the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from operator import add

from clogs.landing.files import day_of
from clogs.landing.ledger import ledger_name
from clogs.landing.newest import ArrowRows, find_newest
from clogs.landing.place import Place, etag_of, size_of
from clogs.schema import COLUMNS
from clogs.warehouse import Connection, create_temporary, fetch, instant, literal, note_changed, nullable

_ROW = ", ".join("files.day" if column.name == "date" else f'landed."{column.name}"' for column in COLUMNS)

# One scan of the keys. See docs/decisions.md.
_WANTED = """
    CREATE OR REPLACE TEMP TABLE wanted AS
    SELECT newest._id, newest.file, newest.row_number, old.rowid AS replaced
    FROM newest LEFT JOIN raw.{table} AS old USING (_id)
    WHERE old._id IS NULL OR newest.extracted_at > old.extracted_at
"""
_COMPARED = [column.name for column in COLUMNS if column.name not in {"date", "extracted_at"}]
_SAME = " AND ".join(f"landed.{name} IS NOT DISTINCT FROM old.{name}" for name in _COMPARED)
# Versions that say what the table says already. They only move its `extracted_at`, so that no version read
# in between can take their place, and the models have nothing to follow.
_UNCHANGED = f"""
    CREATE OR REPLACE TEMP TABLE unchanged AS
    SELECT wanted._id, replaced, landed.extracted_at
    FROM wanted
    JOIN landed ON landed.file_index = wanted.file AND landed.file_row_number = wanted.row_number
    JOIN files ON files.number = wanted.file
    JOIN replaced AS old ON old._place = wanted.replaced
    WHERE files.day = old.date AND {_SAME}
"""
_KEEP_UNCHANGED = """
    UPDATE raw.{table} AS old SET extracted_at = unchanged.extracted_at
    FROM unchanged WHERE old.rowid = unchanged.replaced;
    DELETE FROM wanted WHERE _id IN (SELECT _id FROM unchanged)
"""
_DELETE = "DELETE FROM raw.{table} WHERE rowid IN (SELECT replaced FROM wanted WHERE replaced IS NOT NULL)"
_INSERT = f"""
    INSERT INTO raw.{{table}}
    SELECT {_ROW}
    FROM landed JOIN files ON landed.file_index = files.number
"""
_ONLY_WANTED = (
    "SEMI JOIN wanted ON landed.file_index = wanted.file AND landed.file_row_number = wanted.row_number"
)
_ENTER = """
    INSERT INTO raw.ledger BY NAME
    WITH counted AS (SELECT file, count(*) AS rows FROM incoming GROUP BY file),
    taken AS (
        SELECT file, count(*) - count(replaced) AS inserted, count(replaced) AS updated
        FROM wanted GROUP BY file
    )
    SELECT
        files.file, bytes, etag, 'landed' AS status, {run} AS run, {at} AS loaded_at,
        coalesce(rows, 0) AS rows, coalesce(inserted, 0) AS inserted, coalesce(updated, 0) AS updated,
        coalesce(rows - inserted - updated, rows, 0) AS unchanged
    FROM files
    LEFT JOIN counted ON counted.file = files.number
    LEFT JOIN taken ON taken.file = files.number
    RETURNING rows, inserted, updated, unchanged
"""


@dataclass(frozen=True, slots=True)
class LoadCounts:
    """Rows by outcome: new documents, newer versions, and versions that change nothing."""

    rows: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: LoadCounts) -> LoadCounts:
        """Sum both."""
        return LoadCounts(*map(add, astuple(self), astuple(other)))


def upsert(
    connection: Connection,
    batch: Sequence[Place],
    rows: ArrowRows | None,
    *,
    raw_dir: Place,
    run: str,
    table: str = "conversations",
) -> LoadCounts:
    """Insert or replace the newest versions, and enter the files in the ledger. The caller commits.

    The files are verified, or their rows are given. Only changes of ``raw.conversations`` itself are noted
    for the models.
    """
    find_newest(connection, batch, rows)
    # as text, not as a frame: what Python passes while DuckDB works turns to zeros if a signal comes
    files = ", ".join(_file(number, path, raw_dir) for number, path in enumerate(batch))
    create_temporary(connection, "files", f"FROM (VALUES {files}) AS files (number, file, day, bytes, etag)")
    connection.execute(_WANTED.format(table=table))
    if connection.execute("SELECT count(replaced) FROM wanted").fetchall() != [(0,)]:
        fetch(connection, f"raw.{table}", "SEMI JOIN wanted ON replaced = kept.rowid", name="replaced")
        connection.execute(_UNCHANGED)
        connection.execute(_KEEP_UNCHANGED.format(table=table))
    connection.execute(_DELETE.format(table=table))
    counts = "SELECT (SELECT count(*) FROM wanted), (SELECT count(*) FROM incoming)"
    wanted, incoming = connection.execute(counts).fetchall()[0]
    only = _ONLY_WANTED if wanted < incoming else ""
    connection.execute(_INSERT.format(table=table) + only)
    if table == "conversations":
        note_changed(connection, "SELECT _id FROM wanted", count=wanted)
    # a full refresh loads files that are in the ledger already
    connection.execute("DELETE FROM raw.ledger WHERE file IN (SELECT file FROM files)")
    counted = connection.execute(_ENTER.format(run=literal(run), at=instant(datetime.now(UTC)))).fetchall()
    return sum((LoadCounts(*row) for row in counted), LoadCounts())


def _file(number: int, path: Place, raw_dir: Place) -> str:
    """A landing file as a row of SQL."""
    day = day_of(path)
    written = f"DATE '{day}'" if day else "NULL"
    name, etag = literal(ledger_name(path, raw_dir)), nullable(etag_of(path))
    return f"({number}, {name}, {written}, {size_of(path)}, {etag}::VARCHAR)"
