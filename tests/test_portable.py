"""The models on Sail, which runs Spark's SQL without Java; on Spark itself see test_spark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from built import SAMPLES, build
from engines import build_on, different, translated

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


pytest.importorskip("pysail", reason="only the newest Python's session installs it")


@pytest.fixture(scope="module")
def sail() -> Iterator[SparkSession]:
    from pysail.spark import SparkConnectServer
    from pyspark.sql import SparkSession

    server = SparkConnectServer("127.0.0.1", 0)
    server.start()
    _, port = server.listening_address
    session = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    yield session
    session.stop()
    server.stop()


@pytest.mark.parametrize("timezone", ["UTC", "America/St_Johns"])
def test_every_table_equals_that_of_duckdb(sail: SparkSession, tmp_path: Path, timezone: str) -> None:
    path = build(SAMPLES, tmp_path, timezone=timezone)
    models = translated(tmp_path, timezone)
    build_on(sail, path, models)
    assert dict(different(sail, path, [model.name for model in models], is_exact=False)) == {}
    assert len(models) == 27
