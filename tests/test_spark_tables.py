"""Tables of Iceberg that follow changes are what DuckDB builds from nothing; run by ``nox -s spark``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import duckdb
import pytest
from built import SAMPLES, build_rows
from conftest import TRANSCRIPTS
from empty import config_in
from engines import IGNORED, different
from following import rows_of
from test_changes import EDITS

from clogs.errors import ClogsError, ModelsError
from clogs.schema import COLUMNS
from clogs.spark.catalog import DEFINITION, as_sql, drop, is_table, is_view, make_room, write_table
from clogs.spark.lens import Lens
from clogs.spark.load import create_tables
from clogs.spark.merge import GONE, PROPERTIES, merge, ranges, time_of
from clogs.spark.transform import plan, transform
from clogs.transform import translate
from clogs.transform.results import PlannedModel

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.filterwarnings(IGNORED), pytest.mark.slow]

CASES = int(os.environ.get("CLOGS_TEST_CASES", "1"))
LOADS = 2
NAMES = [column.name for column in COLUMNS]


@pytest.fixture(scope="module")
def arriving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Rows in a table ``arriving``, and an empty one, ``raw.conversations``, to load them into."""
    rows = rows_of(TRANSCRIPTS if TRANSCRIPTS.is_dir() else SAMPLES, tmp_path_factory.mktemp("arriving"))
    with duckdb.connect() as connection:
        connection.execute(f"""
            SET TimeZone = 'UTC';
            CREATE SCHEMA raw;
            CREATE TABLE arriving AS FROM read_parquet('{rows}');
            CREATE TABLE raw.conversations AS FROM arriving LIMIT 0;
        """)
        yield connection


@pytest.mark.parametrize("seed", range(CASES))
def test_after_any_loads(
    spark: SparkSession, arriving: duckdb.DuckDBPyConnection, tmp_path: Path, seed: int
) -> None:
    dice = Random(seed)  # noqa: S311  # the same cases each time
    create_tables(spark)
    lens = Lens(path=tmp_path / "lens.duckdb", lock_timeout=timedelta(0))
    arriving.execute("DELETE FROM raw.conversations")
    for load in range(LOADS):
        arriving.execute(
            f"INSERT INTO raw.conversations FROM arriving WHERE hash(_id, {seed}) % {LOADS} = {load}"
        )
        for edit in dice.sample(list(EDITS), 4 if load else 0):
            some = f"hash(_id, {dice.getrandbits(30)}) % 40 = 0"
            arriving.execute(f"UPDATE raw.conversations {EDITS[edit]} WHERE {some}")
        if load:
            arriving.execute(
                f"DELETE FROM raw.conversations WHERE hash(_id, {dice.getrandbits(30)}) % 25 = 0"
            )
        put(spark, arriving)
        built = transform(spark, lens, config_in(tmp_path))
        assert {model.name for model in built.models} >= {"silver.int_messages_enriched", "gold.dim_users"}
    place = tmp_path / "anew"
    place.mkdir()
    arriving.execute(f"COPY raw.conversations TO '{place}/rows.parquet'")
    names = [model.name for model in translate(config_in(tmp_path))[0]]
    anew = build_rows(place / "rows.parquet", place)
    assert dict(different(spark, anew, names)) == {}
    assert transform(spark, lens, config_in(tmp_path)).unchanged
    planned = plan(spark, lens, config_in(tmp_path))
    assert (planned.models, planned.documents) == ((), 0)


def put(spark: SparkSession, arriving: duckdb.DuckDBPyConnection) -> None:
    """Let Iceberg's table have the rows of DuckDB's, in one commit."""
    rows = arriving.execute(f"SELECT {', '.join(NAMES)} FROM raw.conversations").to_arrow_table()
    spark.createDataFrame(rows).createOrReplaceTempView("wanted")
    changes = spark.sql(f"""
        SELECT *, false AS {GONE} FROM wanted
        UNION ALL
        SELECT *, true FROM raw.conversations LEFT ANTI JOIN wanted ON wanted._id = raw.conversations._id
    """)
    merge(changes, "raw.conversations", NAMES, on=["_id"], order="ingested_at")


QUERY = """
SELECT project_id, COUNT(*) AS prompts FROM gold.fct_messages
WHERE time_of_day = 'night' AND message_kind = 'prompt' AND project_id IS NOT NULL GROUP BY project_id
"""
NIGHTS = f"MODEL (name mine.nights, kind FULL, audits (not_null(columns := (project_id)))); {QUERY}"
BROKEN = "MODEL (name mine.broken, kind FULL); SELECT CAST(tool_name AS INTEGER) AS a FROM gold.dim_tools"
DAILY = """
MODEL (name mine.daily, kind INCREMENTAL_BY_TIME_RANGE (time_column date));
SELECT date FROM gold.dim_date WHERE date BETWEEN @start_ds AND @end_ds
"""

LAST = """
MODEL (name mine.last, kind FULL);
WITH entries AS (SELECT _id FROM bronze.stg_messages)
SELECT _id FROM entries WHERE NOT EXISTS (SELECT 1 FROM entries AS other WHERE other._id > entries._id)
"""
NAMED = """
MODEL (name mine.named, kind FULL);
SELECT _id FROM bronze.stg_tool_calls
WHERE tool_name IN (SELECT tool_name FROM bronze.seed_tool_categories)
"""


def test_models_of_ones_own_in_a_catalog_without_views(
    spark: SparkSession, arriving: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    spark = without_views(spark, tmp_path / "tables")
    create_tables(spark)
    lens = Lens(path=tmp_path / "lens.duckdb", lock_timeout=timedelta(0))
    arriving.execute("DELETE FROM raw.conversations; INSERT INTO raw.conversations FROM arriving LIMIT 3000")
    put(spark, arriving)
    models = tmp_path / "own" / "models"
    models.mkdir(parents=True)
    config = config_in(tmp_path, extra_models=tmp_path / "own")
    (models / "nights.sql").write_text(NIGHTS, encoding="utf-8")
    (models / "broken.sql").write_text(BROKEN, encoding="utf-8")
    with pytest.raises(ClogsError, match=r"The model mine\.broken could not be built: "):
        transform(spark, lens, config)
    with lens.opened() as connection:
        (ours,) = connection.execute("SELECT sum(prompts), count(*) FROM mine.nights").fetchall()
        (theirs,) = connection.execute(f"SELECT sum(prompts), count(*) FROM ({QUERY})").fetchall()
    assert ours == theirs
    assert ours[1] > 1
    (models / "broken.sql").unlink()
    (models / "nights.sql").write_text(NIGHTS.replace("FULL", "VIEW"), encoding="utf-8")
    transform(spark, lens, config)
    assert {"mine.nights", "gold.fct_messages"} <= lens.names()
    assert not any(map(partial(is_table, spark), ("mine.nights", "gold.fct_messages")))
    assert plan(spark, lens, config_in(tmp_path)).models == (PlannedModel("mine.nights", "removed"),)
    (models / "daily.sql").write_text(DAILY, encoding="utf-8")
    arriving.execute("INSERT INTO raw.conversations FROM arriving LIMIT 500 OFFSET 3000")
    put(spark, arriving)
    with pytest.raises(ModelsError, match=r"Spark cannot build mine\.daily"):
        transform(spark, lens, config)
    assert "mine.nights" in lens.names()
    assert transform(spark, lens, config_in(tmp_path)).unchanged  # for ours have followed
    assert "mine.nights" not in lens.names()


def without_views(spark: SparkSession, tables: Path) -> SparkSession:
    """Another session, whose catalog has tables only, as Glue has."""
    session = spark.newSession()
    catalog = "spark.sql.catalog.plain"
    properties = {
        catalog: "org.apache.iceberg.spark.SparkCatalog",
        f"{catalog}.type": "hadoop",
        f"{catalog}.warehouse": str(tables),
    }
    for name, value in properties.items():
        session.conf.set(name, value)
    session.sql("USE plain")
    return session


def test_what_the_catalog_has_under_a_name(spark: SparkSession) -> None:
    rows = spark.range(3)
    spark.sql("CREATE NAMESPACE IF NOT EXISTS mine")
    assert not is_view(spark, "nowhere.at_all")
    rows.createOrReplaceTempView("seen_here_only")
    assert not is_view(spark, "mine.seen_here_only")
    write_table(rows, "mine.made", {DEFINITION: "1"})
    make_room(spark, "mine.made", kind="VIEW")
    assert not is_table(spark, "mine.made")
    spark.sql(f"CREATE VIEW mine.made TBLPROPERTIES ('{DEFINITION}' = '2') AS SELECT 1 AS a")
    write_table(rows, "mine.made", {DEFINITION: "3"})
    assert (is_view(spark, "mine.made"), spark.table("mine.made").count()) == (False, 3)
    spark.sql("CREATE VIEW mine.theirs AS SELECT 1 AS a")
    with pytest.raises(ClogsError, match=r"The catalog has a view mine\.theirs that clogs did not make\."):
        write_table(rows, "mine.theirs", {DEFINITION: "4"})
    write_table(rows, "mine.other", {DEFINITION: "5"})
    spark.sql(f"CREATE VIEW mine.seen TBLPROPERTIES ('{DEFINITION}' = '6') AS SELECT 1 AS a")
    for name in ("mine.made", "mine.other", "mine.seen", "mine.nothing", "mine.theirs"):
        drop(spark, name)
    found = [row.tableName for row in spark.sql("SHOW TABLES IN mine").collect()]
    views = [row.viewName for row in spark.sql("SHOW VIEWS IN mine").collect() if not row.isTemporary]
    assert (found, views) == ([], ["theirs"])


def test_a_table_of_somebody_elses_is_not_loaded_into(spark: SparkSession) -> None:
    spark.sql("CREATE NAMESPACE IF NOT EXISTS raw")
    spark.sql("DROP TABLE IF EXISTS raw.conversations")
    spark.sql("CREATE TABLE raw.conversations (a INT) USING iceberg")
    with pytest.raises(ClogsError, match=r"a table raw\.conversations that clogs did not make"):
        create_tables(spark)
    spark.sql("DROP TABLE raw.conversations")


def test_descriptions_stay_with_the_columns_that_do(spark: SparkSession, tmp_path: Path) -> None:
    lens = Lens(path=tmp_path / "lens.duckdb", lock_timeout=timedelta(0))
    spark.sql("CREATE NAMESPACE IF NOT EXISTS mine")
    create_tables(spark)
    for columns in (("1 AS a", "2 AS b"), ("1 AS a",)):
        write_table(spark.range(1).selectExpr(*columns), "mine.described", {DEFINITION: "1"})
        lens.publish(spark, ["mine.described"])
        with lens.opened() as connection:
            if len(columns) > 1:
                connection.execute("COMMENT ON VIEW mine.described IS 'All'")
                connection.execute("COMMENT ON COLUMN mine.described.a IS 'One'")
                connection.execute("COMMENT ON COLUMN mine.described.b IS 'Two'")
    with lens.opened() as connection:
        described = "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'described'"
        assert connection.execute(described).fetchall() == [("a", "One")]
        described = "SELECT comment FROM duckdb_views() WHERE view_name = 'described'"
        assert connection.execute(described).fetchall() == [("All",)]
    drop(spark, "mine.described")


def test_a_row_that_depends_on_others_is_not_read_alone(tmp_path: Path) -> None:
    models = tmp_path / "own" / "models"
    models.mkdir(parents=True)
    (models / "last.sql").write_text(LAST, encoding="utf-8")
    (models / "named.sql").write_text(NAMED, encoding="utf-8")
    translated, _ = translate(config_in(tmp_path, extra_models=tmp_path / "own"))
    assert {model.name.partition(".")[0] for model in translated if model.is_by_row} == {"bronze"}


def test_news_leave_the_files_of_other_days_alone(spark: SparkSession) -> None:
    spark.sql("CREATE NAMESPACE IF NOT EXISTS mine")
    properties = f"TBLPROPERTIES ({as_sql(PROPERTIES)})"
    spark.sql(f"CREATE TABLE mine.days (id STRING, day DATE) USING iceberg {properties}")
    put_days(spark, "('a', DATE '2026-01-01'), ('b', DATE '2026-01-02')")
    first = files_of(spark, "mine.days")
    put_days(spark, "('c', DATE '2026-02-01'), ('d', DATE '2026-02-02')")
    second = files_of(spark, "mine.days") - first
    put_days(spark, "('d', DATE '2026-02-03'), ('e', DATE '2026-02-03')")
    assert first < files_of(spark, "mine.days")
    assert not second & files_of(spark, "mine.days")
    shown = {row.key: row.value for row in spark.sql("SHOW TBLPROPERTIES mine.days").collect()}
    assert shown["sort-order"] == "day ASC NULLS FIRST"
    spark.sql("DROP TABLE mine.days PURGE")


def put_days(spark: SparkSession, rows: str) -> None:
    changes = spark.sql(f"SELECT /*+ COALESCE(1) */ * FROM VALUES {rows} AS new (id, day)")
    merge(changes, "mine.days", ["id", "day"], on=["id"], order=time_of(changes.schema))


def files_of(spark: SparkSession, table: str) -> set[str]:
    return {row.file_path for row in spark.table(f"{table}.files").select("file_path").collect()}


RANGES = {
    "texts": """('a'), ('it''s'), ('${spark.app.name}'), ('back\\\\slash'), ('ü'), ('')""",
    "nulls": "(CAST(NULL AS STRING)), ('b')",
    "days": "(DATE '1969-12-31'), (DATE '2026-11-29'), (CAST(NULL AS DATE))",
    "times": "(TIMESTAMP '2026-11-29 01:02:03.000004'), (TIMESTAMP '2026-11-29 01:02:03.000005')",
}


@pytest.mark.parametrize("values", RANGES.values(), ids=RANGES)
def test_a_range_holds_for_the_rows_it_is_of(spark: SparkSession, values: str) -> None:
    rows = spark.sql(f"SELECT * FROM VALUES {values} AS some (value)")
    rows.createOrReplaceTempView("some")
    holds = ranges(rows, ["value"])["value"].holds("value")
    assert spark.sql(f"SELECT * FROM some WHERE {holds}").count() == rows.count()


def test_no_range_of_no_rows_or_of_lists(spark: SparkSession) -> None:
    rows = spark.sql("SELECT 1 AS number, array(1) AS list")
    assert ranges(rows.where("number > 1"), ["number"]) == {}
    assert ranges(rows, ["list"]) == {}
