"""Rows that are computed once, and their way into a table of Iceberg, in one commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

GONE = "is_gone"
"""A column of the rows that are to be removed, true for these."""

PROPERTIES = {
    "write.format.default": "parquet",
    **{f"write.{change}.mode": "copy-on-write" for change in ("delete", "update", "merge")},
}
"""Properties of all tables: a changelog cannot read files of deletions, nor can DuckDB as plain Parquet."""


def kept(rows: DataFrame, name: str) -> DataFrame:
    """Compute rows, and keep them as a view.

    They are on the executors' disks, or in ``spark.checkpoint.dir`` if it is set: then no executor is needed
    to the end. Rows that are only cached would be computed again: Spark 4.1 does not see them behind a view.
    """
    is_durable = rows.sparkSession.sparkContext.getCheckpointDir()
    computed = rows.checkpoint() if is_durable else rows.localCheckpoint()
    computed.createOrReplaceTempView(name)
    return computed


def merge(rows: DataFrame, table: str, columns: Sequence[str], *, on: Sequence[str]) -> None:
    """Put rows in the place of those that have the same values in some columns, or beside them."""
    from pyspark.sql.functions import col, expr

    values = {column: col(f"new.`{column}`") for column in columns}
    # not MERGE as SQL: Spark 4.1 cannot plan it with a view of rows that come from Iceberg's tables
    merging = rows.alias("new").mergeInto(table, expr(same(table, "new", on)))
    if GONE in rows.columns:
        merging = merging.whenMatched(expr(f"new.{GONE}")).delete()
    merging.whenMatched().update(values).whenNotMatched().insert(values).merge()


def same(one: str, other: str, columns: Sequence[str]) -> str:
    """A condition: two rows have the same values, or none, in some columns."""
    return " AND ".join(f"{one}.`{column}` <=> {other}.`{column}`" for column in columns)
