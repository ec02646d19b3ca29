"""Rows that are computed once, and their way into a table of Iceberg, in one commit.

A table's rows lie in its files by time: a commit replaces whole files, and what comes in an hour changes
rows of the last days. So most of the files stay, and are not even read where a value cannot be in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

GONE = "is_gone"
"""A boolean column: whether the row is to be deleted."""

PROPERTIES = {
    "write.format.default": "parquet",
    **{f"write.{change}.mode": "copy-on-write" for change in ("delete", "update", "merge")},
    "write.target-file-size-bytes": str(16 * 1024**2),
}
"""Properties of all tables: a changelog cannot read files of deletions, nor can DuckDB as plain Parquet.

Of larger files each commit would replace more.
"""

_TIMES = {"date", "timestamp", "timestamp_ntz"}
_COMPARABLE = {*_TIMES, "string", "integer", "long"}


def time_of(schema: StructType) -> str | None:
    """The column by which rows lie in files: the first that is a time."""
    return next((field.name for field in schema if field.dataType.typeName() in _TIMES), None)


@dataclass(frozen=True, slots=True)
class Range:
    """What is known of the values of a column: by it Iceberg skips files without reading them.

    Attributes:
        least: The least, as text.
        greatest: The greatest, as text.
        kind: Their type, as Spark writes it.
        has_nulls: Whether there is also NULL.
    """

    least: str
    greatest: str
    kind: str
    has_nulls: bool

    def holds(self, column: str) -> str:
        """A condition: a column's value is within the range."""
        # not as texts: Spark would fill in what looks like a variable
        least, greatest = (
            f"CAST(CAST(X'{value.encode().hex()}' AS STRING) AS {self.kind})"
            for value in (self.least, self.greatest)
        )
        null = f" OR {column} IS NULL" if self.has_nulls else ""
        return f"({column} BETWEEN {least} AND {greatest}{null})"


def kept(rows: DataFrame, name: str) -> DataFrame:
    """Compute rows, and keep them as a view.

    They are on the executors' disks, or in ``spark.checkpoint.dir`` if it is set: then no executor is needed
    to the end. Rows that are only cached would be computed again: Spark 4.1 does not see them behind a view.
    """
    is_durable = rows.sparkSession.sparkContext.getCheckpointDir()
    computed = rows.checkpoint() if is_durable else rows.localCheckpoint()
    computed.createOrReplaceTempView(name)
    return computed


def merge(
    rows: DataFrame, table: str, columns: Sequence[str], *, on: Sequence[str], order: str | None
) -> None:
    """Put rows in the place of those that have the same values in some columns, or beside them.

    What is written lies in the table's files by the column `order`.
    """
    from pyspark.sql.functions import col, expr

    if order:
        rows.sparkSession.sql(f"ALTER TABLE {table} WRITE ORDERED BY `{order}`")
    values = {column: col(f"new.`{column}`") for column in columns}
    condition = [same(table, "new", on)]
    condition += [each.holds(f"{table}.`{column}`") for column, each in ranges(rows, on).items()]
    # not MERGE as SQL: Spark 4.1 cannot plan it with a view of rows that come from Iceberg's tables
    merging = rows.alias("new").mergeInto(table, expr(" AND ".join(condition)))
    if GONE in rows.columns:
        merging = merging.whenMatched(expr(f"new.{GONE}")).delete()
    merging.whenMatched().update(values).whenNotMatched().insert(values).merge()


def same(one: str, other: str, columns: Sequence[str]) -> str:
    """A condition: two rows have the same values, or none, in some columns."""
    return " AND ".join(f"{one}.`{column}` <=> {other}.`{column}`" for column in columns)


def ranges(rows: DataFrame, columns: Sequence[str]) -> dict[str, Range]:
    """The ranges of the values of some columns, but of those without an order, and of no rows."""
    from pyspark.sql.functions import array, col, count, max, min  # noqa: A004  # Spark's

    kinds = {name: rows.schema[name].dataType for name in columns}
    kinds = {name: kind for name, kind in kinds.items() if kind.typeName() in _COMPARABLE}
    asked = [
        array(*(each(col(name)).cast("string") for each in (min, max, count))).alias(name) for name in kinds
    ]
    (found,) = rows.agg(count("*").alias("*"), *asked).collect()
    return {
        name: Range(least, greatest, kinds[name].simpleString(), has_nulls=int(number) < found["*"])
        for name in kinds
        for least, greatest, number in [found[name]]
        if least is not None
    }
