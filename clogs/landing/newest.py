"""The rows of landing files that are the newest versions of their documents, found by DuckDB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from glob import escape

import polars as pl

from clogs.landing.place import Place
from clogs.runs.signals import deferred_signals
from clogs.warehouse import Connection, literal

_READ = """
    CREATE OR REPLACE TEMP VIEW landed AS
    SELECT *, file_index, file_row_number FROM read_parquet([{files}], hive_partitioning = false)
"""


class ArrowRows:
    """Rows that DuckDB reads as an Arrow stream, without a copy, as often as it likes."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self._rows = rows

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._rows.__arrow_c_stream__(requested_schema)


def arrow_rows(files: Sequence[pl.DataFrame]) -> ArrowRows:
    """The rows of files, with ``file_index`` and ``file_row_number`` from 0."""
    return ArrowRows(
        pl.concat(
            rows.with_row_index("file_row_number").with_columns(file_index=pl.lit(index))
            for index, rows in enumerate(files)
        )
    )


@contextmanager
def reading_rows(connection: Connection, rows: ArrowRows | None) -> Iterator[None]:
    """Let DuckDB read rows that are in memory, if any are."""
    if rows is None:
        yield
        return
    # DuckDB runs Python for these rows, and what that raises turns into zeros
    with deferred_signals(connection.interrupt):
        # filters would be pushed into pyarrow, which has none for views of strings
        connection.execute("SET disabled_optimizers = 'join_filter_pushdown'")
        yield
        connection.unregister("landed")
        connection.execute("RESET disabled_optimizers")


def find_newest(connection: Connection, files: Sequence[Place], rows: ArrowRows | None) -> None:
    """Make a view ``landed`` of the rows of ``files``, and find the newest version of each document.

    The rows are read, unless they are given within `reading_rows`; ``file_index`` and ``file_row_number``
    count from 0. Two temporary tables have the columns ``_id, extracted_at, file, row_number``: ``incoming``
    with every row, and ``newest`` with one per document. Of versions read at the same moment the last in the
    last file is newest.
    """
    if rows is None:
        connection.execute(_READ.format(files=", ".join(literal(escape(str(path))) for path in files)))
    else:
        connection.register("landed", rows)
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE incoming AS
        SELECT _id, extracted_at, file_index AS file, file_row_number AS row_number FROM landed
    """)
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE newest AS
        FROM incoming
        QUALIFY
            row_number() OVER (PARTITION BY _id ORDER BY extracted_at DESC, file DESC, row_number DESC) = 1
    """)
