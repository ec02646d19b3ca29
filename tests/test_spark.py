"""The models on Java Spark; run by ``nox -s spark``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from built import SAMPLES, build
from conftest import TRANSCRIPTS
from engines import build_on, different, translated

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytest.importorskip("pyspark.java_gateway", reason="nox -s spark installs it")
# Py4J leaves it to Python to close its sockets
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    from pyspark.sql import SparkSession

    place = tmp_path_factory.mktemp("spark")
    settings = {
        "spark.driver.memory": "2g",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.warehouse.dir": str(place / "tables"),
        "spark.ui.enabled": "false",
    }
    builder = SparkSession.builder.master("local[2]")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.mark.parametrize("timezone", ["UTC", "America/St_Johns"])
def test_every_table_equals_that_of_duckdb(spark: SparkSession, tmp_path: Path, timezone: str) -> None:
    path = build(TRANSCRIPTS if TRANSCRIPTS.is_dir() else SAMPLES, tmp_path, timezone=timezone)
    models = translated(tmp_path, timezone)
    build_on(spark, path, models)
    assert dict(different(spark, path, [model.name for model in models])) == {}
    assert len(models) == 27
