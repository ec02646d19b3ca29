"""The models on Java Spark; run by ``nox -s spark``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from built import SAMPLES, build, build_rows
from conftest import TRANSCRIPTS
from engines import IGNORED, build_on, different, translated
from odd_documents import odd_rows
from sqlglot import exp, parse_one

from clogs.transform.spark import to_spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.filterwarnings(IGNORED)

ZONES = ["UTC", "America/St_Johns"]
EXAMPLES = {
    "Sunday ends a week": "isodow(DATE '2026-11-29'), isodow(DATE '2026-11-30')",
    "Sunday begins a week": "CAST(dayofweek(DATE '2026-11-29') AS INTEGER)",
    "a logarithm to the base 10": "log(1000.0::DOUBLE)",
    "a month in full": "monthname(DATE '2026-09-30')",
    "a day in full": "dayname(DATE '2026-11-29')",
    "a week": "CAST(week(DATE '2027-01-03') AS INTEGER)",
    "milliseconds by the clock": """date_diff(
        'millisecond', TIMESTAMPTZ '2026-01-01 00:00:00.0009', TIMESTAMPTZ '2026-01-01 00:00:00.0011'
    )""",
    "the exact quantile": "quantile_cont(x, 0.95) FROM (VALUES (1.0::DOUBLE), (2.0), (4.0)) AS t(x)",
    "a quantile between equals": f"""round(quantile_cont(x, 0.95), 6)
        FROM (VALUES {", ".join(["(0.074::DOUBLE)"] * 18)}) AS t(x)""",
    "the same as an ordered set": """
        percentile_cont(0.95) WITHIN GROUP (ORDER BY x) FROM (VALUES (1.0::DOUBLE), (2.0), (4.0)) AS t(x)""",
    "a value of the last row that has one": """arg_max(a, ROW(b, c)) FILTER (WHERE b > 0)
        FROM (VALUES (NULL, 3, 1), ('x', 2, 9), ('y', 2, 1)) AS t(a, b, c)""",
    "no list of nothing": "list(a) FILTER (WHERE a IS NOT NULL) FROM (VALUES (NULL::TEXT)) AS t(a)",
    "one match, at the beginning": r"regexp_replace('aab', '^(a)', '\1$-')",
    "one match, whichever comes first": r"regexp_replace('xabab', '^a|b', '[\0]')",
    "one match, at the end": r"regexp_replace('axx', 'x*$', '-')",
    "every match": r"regexp_replace('abab', '(b)', '\1\0', 'g')",
    "case, and all characters": "regexp_matches('\u017f' || chr(10) || 'b', '(?is)s.B')",
    "the end of a text": r"regexp_matches(a, 'b$') FROM (VALUES ('ab' || chr(10)), ('ab')) AS t(a)",
    "the end of a line": "regexp_extract('a' || chr(13) || 'b', '^.*')",
    "each line": "regexp_extract_all('a' || chr(13) || 'b' || chr(10) || 'c', '.+')",
    "parts between spaces": r"string_split_regex('a' || chr(11) || 'b c', '\s')",
    "space": r"regexp_matches(chr(11), '\s')",
    "the edge of a word": r"regexp_matches('éadd', '\badd\b')",
    "case of all alphabets": "regexp_matches('\u017fhell', '(?i)shell')",
    "some rows of a window": """a, COUNT(*) FILTER (WHERE b) OVER (PARTITION BY a)
        FROM (VALUES (1, true), (1, false)) AS t(a, b)""",
    "elements from both ends, and beyond": """
        list_extract([1, 2], i) FROM (VALUES (-3), (-2), (-1), (0), (1), (2), (3)) AS t(i)""",
    "a list with NULL": "list_sort(list(a)) FROM (VALUES (1), (NULL)) AS t(a)",
    "a list of NULL": "list(a) FROM (VALUES (CAST(NULL AS INTEGER))) AS t(a)",
    "each value once, and NULL": "list_sort(list(DISTINCT a)) FROM (VALUES (1), (NULL), (1), (NULL)) AS t(a)",
    "each value once, without NULL": "list_distinct([1, NULL, 1])",
    "no sequence": "generate_series(1, 0)",
    "a fold": "list_reduce([[1], [2]], (ahead, each) -> each || ahead, CAST([] AS INTEGER[]))",
}
PRICED = """
    SELECT CAST({cost} * CAST(1.1 AS DECIMAL(6, 3)) * CAST(0.000001 AS DECIMAL(6, 6)) AS DECIMAL(38, 12))
    FROM (VALUES (CAST(3 AS BIGINT), CAST(1.234567 AS DECIMAL(12, 6)))) AS t(tokens, price)
"""


@pytest.mark.parametrize("timezone", ZONES)
def test_every_table_equals_that_of_duckdb(spark: SparkSession, tmp_path: Path, timezone: str) -> None:
    path = build(TRANSCRIPTS if TRANSCRIPTS.is_dir() else SAMPLES, tmp_path, timezone=timezone)
    models = translated(tmp_path, timezone)
    build_on(spark, path, models)
    assert dict(different(spark, path, [model.name for model in models])) == {}
    assert len(models) == 27


def test_odd_documents_give_the_same_tables(spark: SparkSession, tmp_path: Path) -> None:
    path = build_rows(odd_rows(2_000, tmp_path / "rows.parquet"), tmp_path, timezone=ZONES[1])
    models = translated(tmp_path, ZONES[1])
    build_on(spark, path, models)
    assert dict(different(spark, path, [model.name for model in models])) == {}


@pytest.mark.parametrize("query", EXAMPLES.values(), ids=EXAMPLES)
def test_what_sqlglot_alone_would_change_means_the_same(spark: SparkSession, query: str) -> None:
    parsed = parse_one(f"SELECT {query}", dialect="duckdb", into=exp.Select)
    expected = duckdb.sql(f"SELECT {query}").fetchall()
    assert rows(spark, to_spark(parsed)) == expected
    assert rows(spark, parsed.sql("spark")) != expected


def test_decimals_need_room_for_their_digits(spark: SparkSession) -> None:
    exact, cut = (
        PRICED.format(cost=cost)
        for cost in ("CAST(tokens * price AS DECIMAL(24, 6))", "(tokens * price * 1 * 1)")
    )
    (expected,) = {*duckdb.sql(exact).fetchall(), *duckdb.sql(cut).fetchall()}
    assert rows(spark, exact) == [expected]
    assert rows(spark, cut) != [expected]


def rows(spark: SparkSession, query: str) -> list[tuple[Any, ...]] | None:
    """What Spark answers; None where it refuses."""
    from pyspark.errors import PySparkException

    try:
        return [tuple(row) for row in spark.sql(query).collect()]
    except PySparkException:
        return None
