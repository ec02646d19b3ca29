"""What a run has just landed, as it is in memory, so that the load need not read it back."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from clogs.landing.place import Place

MOST_BYTES = 256 * 1024 * 1024
"""Of rows in memory; of more than that nothing is handed over."""


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
            rows.with_row_index("file_row_number").with_columns(file_index=pl.lit(place))
            for place, rows in enumerate(files)
        )
    )


class Handover:
    """The rows of landing files by path, each file durable."""

    def __init__(self) -> None:
        self._rows: dict[Place, pl.DataFrame] = {}
        self._bytes = 0

    def add(self, path: Place, rows: pl.DataFrame) -> None:
        """Keep the rows of a file, unless that is too much by now."""
        self._bytes += int(rows.estimated_size())
        if self._bytes > MOST_BYTES:
            self._rows.clear()
        else:
            self._rows[path] = rows

    def holds(self, path: Place) -> bool:
        """Return whether the rows of a file are here."""
        return path in self._rows

    def rows(self, paths: Sequence[Place]) -> ArrowRows:
        """The rows of files, as `arrow_rows` gives them."""
        return arrow_rows([self._rows[path] for path in paths])

    def clear(self) -> None:
        """Forget everything: it is loaded."""
        self._rows.clear()
