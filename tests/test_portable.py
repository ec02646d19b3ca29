"""The models on Sail, which runs Spark's SQL without Java; on Spark itself see test_spark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from built import SAMPLES, build
from engines import build_on, different, translated
from sqlglot import exp, parse_one

from clogs.errors import ModelsError
from clogs.transform.spark import to_spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


pytest.importorskip("pysail", reason="only the newest Python's session installs it")


@pytest.fixture(scope="module")
def sail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    from pysail.spark import SparkConnectServer
    from pyspark.sql import SparkSession

    with chdir(tmp_path_factory.mktemp("sail")):  # where it keeps its tables
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


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("date_diff('hour', a, b)", "DATE_DIFF in hours"),
        ("range(3)", "use GENERATE_SERIES"),
        ("regexp_matches(a, b)", "a constant pattern and replacement: b"),
        ("regexp_replace(a, 'b', c)", "a constant pattern and replacement: c"),
        ("regexp_replace(a, 'b', 'c', 'gi')", "no option 'gi'"),
        ("regexp_matches(a, 'b', 'i')", "no option 'i'"),
        ("regexp_extract(a, 'b', 0, 'i')", "no option 'i'"),
        ("regexp_matches(a, '(?m)^b')", "(?m)"),
        ("regexp_matches(a, 'a(?i:b)')", "(?i:"),
        ("regexp_matches(a, '[[:alpha:]]')", "[[:alpha:]]"),
        ("list(a ORDER BY b)", "lists have no order"),
        ("list_sort(a, 'DESC')", "in ascending order only"),
        ("* FROM UNNEST([1]) WITH ORDINALITY AS t(a, b)", "WITH ORDINALITY"),
    ],
)
def test_what_spark_cannot_give_is_an_error(query: str, reason: str) -> None:
    with pytest.raises(ModelsError, match=re.escape(reason)):
        to_spark(parse_one(f"SELECT {query}", dialect="duckdb", into=exp.Select))
