"""The rows of landing files that are the newest versions of their documents, found by DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from glob import escape
from pathlib import Path

from clogs.warehouse import Connection

LANDED = "read_parquet(getvariable('landed'), hive_partitioning = false)"
"""The rows of the files given to `find_newest`; ``file_index`` and ``file_row_number`` count from 0."""


def find_newest(connection: Connection, files: Sequence[Path]) -> None:
    """Let `LANDED` be the rows of ``files``, and find the newest version of each document.

    It fills two temporary tables with columns ``_id, extracted_at, file, place``: ``incoming`` with every
    row, and ``newest`` with one per document. Of versions read at the same moment the last in the last
    file is the newest.
    """
    connection.execute("SET VARIABLE landed = ?", [[escape(str(path)) for path in files]])
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE incoming AS
        SELECT _id, extracted_at, file_index AS file, file_row_number AS place FROM {LANDED}
    """)
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE newest AS
        FROM incoming
        QUALIFY row_number() OVER (PARTITION BY _id ORDER BY extracted_at DESC, file DESC, place DESC) = 1
    """)
