"""Landing files as DuckDB reads them: which of their rows are the newest versions of their documents."""

from __future__ import annotations

from collections.abc import Sequence
from glob import escape
from pathlib import Path

from clogs.warehouse import Connection

LANDED = "read_parquet(getvariable('landed'), hive_partitioning = false)"
"""The rows of the files that `open_files` was given. Their columns ``file_index`` and ``file_row_number`` say
where a row stands, from 0."""

_INCOMING = f"""
    CREATE OR REPLACE TEMP TABLE incoming AS
    SELECT _id, extracted_at, file_index AS file, file_row_number AS place FROM {LANDED}
"""
_NEWEST = """
    CREATE OR REPLACE TEMP TABLE newest AS
    FROM incoming
    QUALIFY row_number() OVER (PARTITION BY _id ORDER BY extracted_at DESC, file DESC, place DESC) = 1
"""


def open_files(connection: Connection, files: Sequence[Path]) -> None:
    """Let `LANDED` stand for the rows of ``files``, and find out where the newest versions are.

    Two temporary tables of columns ``_id, extracted_at, file, place`` are there afterwards: ``incoming``
    with every row, and ``newest`` with one per document. Of versions read at the same moment the last in
    the last file is the newest.
    """
    connection.execute("SET VARIABLE landed = ?", [[escape(str(path)) for path in files]])
    connection.execute(_INCOMING)
    connection.execute(_NEWEST)
