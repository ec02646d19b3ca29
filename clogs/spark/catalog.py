"""What the catalog has under a name, and whether clogs made it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from clogs.errors import ClogsError
from clogs.spark.merge import PROPERTIES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

DEFINITION = "clogs.definition"
"""The property that holds a digest of all that a table's rows depend on, except the rows of other tables."""


def write_table(rows: DataFrame, name: str, properties: Mapping[str, str]) -> None:
    """Create a table of some rows, in place of one, or a view, of ours.

    Raises:
        ClogsError: The catalog has such a table or view of somebody else's.
    """
    make_room(rows.sparkSession, name, kind="TABLE")
    writer = rows.writeTo(name).using("iceberg")
    for each, value in {**PROPERTIES, **properties}.items():
        writer = writer.tableProperty(each, value)
    writer.createOrReplace()


def make_room(spark: SparkSession, name: str, *, kind: Literal["TABLE", "VIEW"]) -> None:
    """Require that a table or view is ours, if it is there, and drop it if it is of another kind.

    Raises:
        ClogsError: It is somebody else's.
    """
    found = "TABLE" if is_table(spark, name) else "VIEW" if is_view(spark, name) else None
    if found and DEFINITION not in properties_of(spark, name):
        raise ClogsError(
            f"The catalog has a {found.lower()} {name} that clogs did not make.",
            hint="Set spark.catalog (SPARK_CATALOG) to a catalog of its own.",
        )
    if found not in {kind, None}:
        drop(spark, name)


def drop(spark: SparkSession, name: str) -> None:
    """Drop a table with its files, or a view, if it is there and ours."""
    is_there = is_table(spark, name)
    if (is_there or is_view(spark, name)) and DEFINITION in properties_of(spark, name):
        spark.sql(f"DROP TABLE {name} PURGE" if is_there else f"DROP VIEW {name}")


def is_table(spark: SparkSession, name: str) -> bool:
    """Whether the catalog has a table of that name."""
    return bool(spark.catalog.tableExists(name))


def is_view(spark: SparkSession, name: str) -> bool:
    """Whether the catalog has a view of that name."""
    schema, _, view = name.partition(".")
    if not spark.catalog.databaseExists(schema):
        return False
    views = spark.sql(f"SHOW VIEWS IN {schema}").collect()
    return any(row.viewName == view and not row.isTemporary for row in views)


def as_sql(properties: Mapping[str, str]) -> str:
    """Properties as TBLPROPERTIES takes them."""
    return ", ".join(f"'{name}' = '{value}'" for name, value in properties.items())


def properties_of(spark: SparkSession, name: str) -> dict[str, str]:
    """The properties of a table or view."""
    return {row.key: row.value for row in spark.sql(f"SHOW TBLPROPERTIES {name}").collect()}
