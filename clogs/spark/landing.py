"""The rows of landing files, as the executors read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from clogs.errors import ClogsError
from clogs.landing.files import day_of
from clogs.landing.objects import ObjectPath
from clogs.landing.place import Place
from clogs.landing.verify import DamagedError, verified
from clogs.schema import COLUMNS, Kind
from clogs.spark.faults import as_text

if TYPE_CHECKING:
    from pyarrow import RecordBatch
    from pyspark.sql import DataFrame, SparkSession

TYPES: dict[Kind, str] = {"text": "STRING", "instant": "TIMESTAMP", "boolean": "BOOLEAN", "date": "DATE"}
_ROWS = ", ".join(f"`{column.name}` {TYPES[column.kind]}" for column in COLUMNS)
_READ = f"{_ROWS}, number INT, row_number BIGINT, damage STRING, fault STRING"


def rows_of(spark: SparkSession, batch: Sequence[Place]) -> DataFrame:
    """The rows of landing files, read by the executors."""
    numbered = spark.createDataFrame([*enumerate(map(str, batch))], "number INT, path STRING")
    return numbered.repartition(len(batch)).mapInArrow(_read, _READ)


def _read(batches: Iterable[RecordBatch]) -> Iterator[RecordBatch]:
    """The rows of landing files, in a task; one that cannot be read is a row without ``_id``."""
    for batch in batches:
        for number, name in zip(batch["number"].to_pylist(), batch["path"].to_pylist(), strict=True):
            path: Place = ObjectPath.parse(name) or Path(name)
            try:
                with verified(path) as file:
                    rows = (
                        pl.read_parquet(file)
                        .with_row_index("row_number")
                        .with_columns(date=pl.lit(day_of(path)))
                    )
            except DamagedError as exc:
                rows = pl.DataFrame({"damage": [str(exc)]})
            except ClogsError as error:
                rows = pl.DataFrame({"fault": [as_text(error)]})
            yield from _batches(rows.with_columns(number=pl.lit(number)))


def _batches(rows: pl.DataFrame) -> list[RecordBatch]:
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "instant": pa.timestamp("us", "UTC"),
        "boolean": pa.bool_(),
        "date": pa.date32(),
    }
    fields = [(column.name, types[column.kind]) for column in COLUMNS]
    fields += [
        ("number", pa.int32()),
        ("row_number", pa.int64()),
        ("damage", pa.string()),
        ("fault", pa.string()),
    ]
    missing = [pl.lit(None).alias(name) for name, _ in fields if name not in rows.columns]
    table = rows.with_columns(missing).select(name for name, _ in fields).to_arrow()
    batches: list[RecordBatch] = table.cast(pa.schema(fields)).to_batches()
    return batches
