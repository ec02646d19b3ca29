"""The models built by Spark, and where its tables differ from DuckDB's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from empty import config_in

from clogs import warehouse
from clogs.transform import translate
from clogs.transform.portable import PortableModel, portable_type, source, spark_type
from clogs.warehouse import Connection
from clogs.warehouse.batches import selected

if TYPE_CHECKING:
    from pyarrow import Table
    from pyspark.sql import DataFrame, SparkSession

JARS = os.environ.get("CLOGS_TEST_SPARK_JARS")
"""Iceberg's jar and SQLite's, with a comma between them, where Spark should not fetch them from Maven."""

PROPERTIES = {
    "spark.sql.shuffle.partitions": "2",
    **({"spark.jars": JARS} if JARS else {}),
}
IGNORED = "ignore::pytest.PytestUnraisableExceptionWarning"
"""Py4J leaves it to Python to close its sockets."""

GIVEN = ("raw.conversations", "bronze.seed_model_prices", "bronze.seed_tool_categories")
"""What the models are built from."""


def translated(place: Path, timezone: str) -> list[PortableModel]:
    """The models for Spark; ``place`` holds a warehouse."""
    models, _ = translate(config_in(place, timezone=timezone))
    return models


def build_on(spark: SparkSession, path: Path, models: Sequence[PortableModel]) -> None:
    """Build all models from the documents and the seeds of a warehouse."""
    for schema in ("raw", "bronze", "silver", "gold"):
        spark.sql(f"CREATE DATABASE IF NOT EXISTS {schema}")
    with warehouse.connect(path, read_only=True) as connection:
        for name in GIVEN:
            _keep(spark.createDataFrame(_rows(connection, name)), name)
        for model in models:
            _keep(_made(spark, connection, model), model.name)


def different(
    spark: SparkSession, path: Path, names: Iterable[str], *, is_exact: bool = True
) -> Iterator[tuple[str, Any]]:
    """Each table that is not as DuckDB has it: types that differ, and columns with a value of one side alone.

    Unless `is_exact`, the last digits of floating-point numbers do not count.
    """
    with warehouse.connect(path, read_only=True) as connection:
        for name in names:
            ours = _rows(connection, name)
            connection.register("ours", ours)
            connection.register("theirs", spark.table(name).toArrow().select(ours.column_names))
            types, others = (connection.execute(f"DESCRIBE {each}").fetchall() for each in ("ours", "theirs"))
            columns = [
                f'round("{column}", 9)' if kind == "DOUBLE" and not is_exact else f'"{column}"'
                for column, kind, *_ in types
            ]
            if types != others or any(_alone(connection, ", ".join(columns))):
                unlike = [pair for pair in zip(types, others, strict=True) if len(set(pair)) > 1]
                yield name, (unlike, {column: _alone(connection, column) for column in columns})


def _alone(connection: Connection, columns: str) -> list[list[tuple[Any, ...]]]:
    """Rows that only one of both sides has, at most two of each."""
    return [
        connection.execute(f"SELECT {columns} FROM {one} EXCEPT ALL SELECT {columns} FROM {other}").fetchmany(
            2
        )
        for one, other in (("ours", "theirs"), ("theirs", "ours"))
    ]


def _made(spark: SparkSession, connection: Connection, model: PortableModel) -> DataFrame:
    for parent in model.parents:
        spark.table(parent).createOrReplaceTempView(source(parent))
    if not model.is_by_row:
        return spark.sql(model.query)
    types = _types(connection, model.name)
    ddl = ", ".join(f"`{name}` {spark_type(kind)}" for name, kind in types.items())
    (parent,) = model.parents
    return spark.table(parent).mapInArrow(selected(_cast(types, f"({model.query})")), ddl)


def _keep(rows: DataFrame, name: str) -> None:
    rows.write.mode("overwrite").saveAsTable(name)


def _rows(connection: Connection, name: str) -> Table:
    """A table of DuckDB's in types that Spark has, too."""
    return connection.execute(_cast(_types(connection, name), name)).to_arrow_table()


def _types(connection: Connection, name: str) -> dict[str, str]:
    described = connection.execute(f"DESCRIBE {name}").fetchall()
    return {column: portable_type(kind) for column, kind, *_ in described}


def _cast(types: dict[str, str], source: str) -> str:
    columns = (f"CAST({name} AS {kind}) AS {name}" for name, kind in types.items())
    return f"SELECT {', '.join(columns)} FROM {source}"
