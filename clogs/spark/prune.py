"""Old days out of the landing and Iceberg's tables."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING

from clogs.landing import prune as landing
from clogs.landing.ledger import set_pruned
from clogs.landing.place import Place
from clogs.landing.prune import PruneResult
from clogs.spark.lens import Lens
from clogs.spark.load import recover
from clogs.warehouse import Connection

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def prune(spark: SparkSession, lens: Lens, *, raw_dir: Place, before: date) -> PruneResult:
    """Remove all days before one, in UTC.

    The ledger has them as pruned before their rows are deleted, which are two commits of Iceberg: in this
    order no crash leaves a file that is loaded by the ledger, and has no rows. The next command that
    writes ends it.
    """
    recover(spark, lens, raw_dir)
    with lens.opened() as connection:
        result = landing.prune(connection, raw_dir=raw_dir, before=before, delete=partial(_delete, spark))
    lens.publish(spark)
    return result


def _delete(spark: SparkSession, connection: Connection, found: PruneResult) -> None:
    days = f"date < DATE '{found.before}'"
    connection.execute(f"DELETE FROM quality.partitions WHERE {days}")
    set_pruned(spark.sql, found.before)
    if found.rows:
        spark.sql(f"DELETE FROM raw.conversations WHERE {days}")
