"""What ``clogs doctor`` finds out about Spark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from clogs import __version__
from clogs.errors import ClogsError
from clogs.health.findings import Finding
from clogs.landing.files import landed
from clogs.landing.objects import ObjectPath
from clogs.landing.place import Place

if TYPE_CHECKING:
    from pyarrow import RecordBatch
    from pyspark.sql import SparkSession


def checkup(spark: SparkSession, *, raw_dir: Place) -> Iterator[Finding]:
    """Check the versions, the catalog, and that an executor has this clogs and reaches the landing."""
    java = spark.sql("SELECT java_method('java.lang.System', 'getProperty', 'java.version')").collect()[0][0]
    yield Finding("spark", "ok", f"Spark {spark.version} on Java {java}, at {spark.sparkContext.master}")
    schemas = [row.namespace for row in spark.sql("SHOW NAMESPACES").collect()]
    yield Finding("catalog", "ok", f"Iceberg's catalog has {', '.join(schemas) or 'no table yet'}")
    (seen,) = spark.range(1).mapInArrow(partial(_look, str(raw_dir)), "clogs STRING, fault STRING").collect()
    if seen.clogs != __version__:
        problem = f"The executors have clogs {seen.clogs}, and this is {__version__}."
        yield Finding("executors", "error", problem, "Install the same version on all machines.")
    elif seen.fault:
        problem = f"An executor does not reach {raw_dir}: {seen.fault}"
        yield Finding("executors", "error", problem, "Set data.raw_dir to a place that all machines reach.")
    else:
        yield Finding("executors", "ok", f"an executor has clogs {seen.clogs}, and reaches {raw_dir}")


def _look(raw_dir: str, batches: Iterable[RecordBatch]) -> Iterator[RecordBatch]:
    """The version of clogs in a task, and why it does not reach the landing, if it does not."""
    import pyarrow as pa

    rows = sum(batch.num_rows for batch in batches)  # the one of spark.range(1), in one of the tasks
    fault = None
    try:
        landing = ObjectPath.parse(raw_dir) or Path(raw_dir)
        if isinstance(landing, Path) and not landing.is_dir():
            fault = "there is no such folder."
        any(landed(landing))
    except ClogsError as error:
        fault = error.message
    yield pa.RecordBatch.from_pydict(
        {"clogs": [__version__] * rows, "fault": pa.array([fault] * rows, pa.string())}
    )
