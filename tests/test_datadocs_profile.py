"""What is measured of a table is true, and private values stay private."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median_low

import pytest
from datadocs_cases import measured_column, model, written
from hypothesis import given
from hypothesis import strategies as st

from clogs import warehouse
from clogs.datadocs.profile import BINS, EXACT_ROWS, FREE_TEXTS, ColumnProfile, measure, tables

NUMBERS = st.lists(st.none() | st.integers(-(2**52), 2**52) | st.integers(0, 40), max_size=60)
MOST = tuple((value, 10) for value in ("v0", "v1", "v10", "v11", "v12", "v13", "v14", "v15"))
FLOATS = st.lists(st.none() | st.floats(allow_nan=False), max_size=60)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[warehouse.Connection]:
    with warehouse.connect(tmp_path_factory.mktemp("profile") / "w.duckdb") as connection:
        warehouse.create_tables(connection)
        connection.execute("CREATE SCHEMA gold")
        yield connection


@given(values=NUMBERS)
def test_whole_numbers_are_what_python_counts(
    connection: warehouse.Connection, values: list[int | None]
) -> None:
    column = measured_column(connection, "SELECT unnest(CAST(? AS BIGINT[])) AS x", [values])
    filled = [value for value in values if value is not None]
    assert (column.filled, column.distinct) == (len(filled), len(set(filled)))
    agrees(column, [float(value) for value in filled])


@given(values=FLOATS)
def test_floats_are_what_python_counts(connection: warehouse.Connection, values: list[float | None]) -> None:
    column = measured_column(connection, "SELECT unnest(CAST(? AS DOUBLE[])) AS x", [values])
    assert column.filled == len(values) - values.count(None)
    agrees(column, [value for value in values if value is not None and math.isfinite(value)])


def agrees(column: ColumnProfile, values: Sequence[float]) -> None:
    """A bar holds each value once, whole numbers in the bin whose span they lie in."""
    if not values:
        assert (column.points, column.bars) == ((), ())
        return
    least, low, median, high, most = column.points
    assert (least, median, most) == (min(values), median_low(values), max(values))
    assert sum(column.bars) == (len(values) if least < most else 0)
    if column.kind == "whole" and column.bars:
        low, high = (low, high) if low < high else (least, most)
        width = math.ceil((high - low + 1) / BINS)
        expected = Counter(int((min(max(value, low), high) - low) // width) for value in values)
        assert dict(enumerate(column.bars)) == {place: expected[place] for place in range(len(column.bars))}


@pytest.mark.parametrize(
    ("query", "bars"),
    [
        ("SELECT range AS x FROM range(16)", (1,) * 16),
        ("SELECT range AS x FROM range(160)", (11, *(10,) * 14, 9)),
        ("SELECT range / 4 AS x FROM range(65)", (*(4,) * 15, 5)),
        ("SELECT CAST(range / 4 AS DECIMAL(9, 2)) AS x FROM range(65)", (*(4,) * 15, 5)),
        ("SELECT DATE '2026-01-01' + CAST(range AS INTEGER) AS x FROM range(32)", (2,) * 16),
        ("SELECT TIMESTAMPTZ '2026-01-01' + to_hours(range) AS x FROM range(17)", (*(1,) * 15, 2)),
        ("SELECT unnest([-1.7e308, 1.7e308]) AS x", (1, *(0,) * 14, 1)),
        ("SELECT unnest(['1', 'nan', 'inf', '-inf', '3']::DOUBLE[]) AS x", (1, *(0,) * 14, 1)),
        ("SELECT unnest(['infinity', '2026-01-01', '2026-01-02']::DATE[]) AS x", (1, 1)),
        ("SELECT unnest(['290000-01-01', '2026-01-01', '2026-01-02']::DATE[]) AS x", (1, 1)),
        ("SELECT unnest(range(1000) || [-90000, 900000, 900001]) AS x", (72, *(62,) * 14, 63)),
        ("SELECT 340282366920938463463374607431768211455::UHUGEINT AS x", ()),
        ("SELECT 7 AS x FROM range(5)", ()),
        ("SELECT unnest(['infinity', '2026-01-01', '-infinity']::TIMESTAMPTZ[]) AS x", ()),
        ("SELECT 20260101 + range AS date_key FROM range(20)", ()),
        ("SELECT range AS session_id FROM range(20)", ()),
    ],
)
def test_bars(connection: warehouse.Connection, query: str, bars: tuple[int, ...]) -> None:
    assert measured_column(connection, query).bars == bars


@pytest.mark.parametrize(
    "query",
    [
        "SELECT CAST(NULL AS BIGINT) AS x FROM range(3)",
        "SELECT CAST(NULL AS VARCHAR) AS x FROM range(3)",
        "SELECT CAST(NULL AS BOOLEAN) AS x FROM range(3)",
        "SELECT 1 AS x LIMIT 0",
        "SELECT 'a' AS x LIMIT 0",
        "SELECT unnest(['nan', 'inf']::DOUBLE[]) AS x",
        "SELECT [1, 2] AS x",
        "SELECT {'a': 1, 'b': ['x']} AS x",
        "SELECT map {'a': 1} AS x",
        "SELECT array_value(1, 2) AS x",
        "SELECT CAST('{}' AS JSON) AS x",
        "SELECT uuid() AS x",
        "SELECT 'a'::BLOB AS x",
        "SELECT '101'::BIT AS x",
        "SELECT INTERVAL 1 HOUR AS x",
        "SELECT TIME '10:00' AS x",
        "SELECT union_value(a := 1) AS x",
        "SELECT NULL AS x",
    ],
)
def test_nothing_to_show(connection: warehouse.Connection, query: str) -> None:
    column = measured_column(connection, query)
    assert (column.points, column.values, column.bars) == ((), (), ())


@pytest.mark.parametrize(
    ("query", "distinct", "values"),
    [
        ("SELECT range % 4 = 0 AS x FROM range(8)", 2, (("false", 6), ("true", 2))),
        ("SELECT true AS x", 1, (("true", 1),)),
        ("SELECT unnest(['b', 'a', 'b', 'a', NULL]) AS x", 2, (("a", 2), ("b", 2))),
        ("SELECT '' AS x FROM range(2)", 1, (("", 2),)),
        ("SELECT unnest(['a', 'b', 'a', 'a'])::ENUM('b', 'a', 'c') AS x", 2, (("a", 3),)),
        ("SELECT 'v' || range % 89 AS tool_name FROM range(890)", 89, MOST),
        ("SELECT 'v' || range % 89 AS tool_id FROM range(890)", 89, MOST[:3]),
    ],
    ids=["booleans", "one boolean", "null", "empty", "enum", "many", "ids"],
)
def test_frequent_values_are_counted(
    connection: warehouse.Connection, query: str, distinct: int, values: tuple[tuple[str, int], ...]
) -> None:
    column = measured_column(connection, query)
    assert column.distinct == distinct
    assert column.values == values


@pytest.mark.parametrize(
    "query",
    [
        "SELECT repeat('a', 61) AS x FROM range(100)",
        "SELECT 'v' || range AS x FROM range(4)",
        *(f"SELECT 'yes' AS {name} FROM range(100)" for name in sorted(FREE_TEXTS)),
    ],
)
def test_private_texts_are_not_shown(connection: warehouse.Connection, query: str) -> None:
    column = measured_column(connection, query)
    assert (column.values, column.bars) == ((), ())
    assert len(column.points) == 1


def test_a_value_of_a_single_row_is_not_shown(connection: warehouse.Connection) -> None:
    column = measured_column(connection, "SELECT unnest(['a', 'a', 'a', 'b', 'secret', 'b']) AS x")
    assert column.values == (("a", 3), ("b", 2))


def test_many_rows_are_estimated(connection: warehouse.Connection) -> None:
    rows = EXACT_ROWS + 1
    column = measured_column(connection, f"SELECT range AS x FROM range({rows})")
    assert not column.is_exact
    assert column.distinct == pytest.approx(rows, rel=0.3)
    assert (column.points[0], column.points[-1]) == (0, rows - 1)
    assert column.points[2] == pytest.approx(rows / 2, rel=0.05)
    assert sum(column.bars) == rows


@pytest.mark.parametrize(("different", "shown"), [(12, 8), (EXACT_ROWS, 0)])
def test_values_of_many_rows_are_shown_if_they_repeat(
    connection: warehouse.Connection, different: int, shown: int
) -> None:
    query = f"SELECT 'v' || range % {different} AS x FROM range({EXACT_ROWS + 1})"
    assert len(measured_column(connection, query).values) == shown


def test_names_are_only_names(connection: warehouse.Connection, tmp_path: Path) -> None:
    connection.execute("""
        CREATE OR REPLACE TABLE gold."we""ird <b> name" AS
            SELECT 1 AS "select", 'a' AS "x'; DROP TABLE y; --", 2.5 AS "a""b.c d", true AS "<script>"
    """)
    found = [measure(connection, table) for table in tables(connection) if "ird" in table.name]
    assert [(table.rows, table.fault) for table in found] == [(1, "")]
    assert [column.name for column in found[0].columns] == [
        "select",
        "x'; DROP TABLE y; --",
        'a"b.c d',
        "<script>",
    ]
    source = written(connection, tmp_path)
    assert "<b> name" not in source
    assert "we&#34;ird &lt;b&gt; name" in source
    assert "<code>&lt;script&gt;</code>" in source
    connection.execute('DROP TABLE gold."we""ird <b> name"')


def test_a_view_that_cannot_be_read_is_a_fault(connection: warehouse.Connection, tmp_path: Path) -> None:
    connection.execute("""
        CREATE TABLE gold.gone AS SELECT 1 AS x;
        CREATE VIEW gold.orphan AS SELECT * FROM gold.gone;
        DROP TABLE gold.gone
    """)
    assert "gold.gone" not in {table.name for table in tables(connection)}
    assert "DuckDB cannot read it: Catalog Error" in written(connection, tmp_path)
    connection.execute("DROP VIEW gold.orphan")


def test_a_warehouse_without_rows(connection: warehouse.Connection, tmp_path: Path) -> None:
    source = written(connection, tmp_path, model("gold.missing", "raw.conversations"))
    assert "No check was run" in source
    assert "This table does not exist in the warehouse." in source
    assert '<figure class="timeline">' not in source


def test_models_of_other_schemas_are_documented(connection: warehouse.Connection, tmp_path: Path) -> None:
    connection.execute(
        "CREATE SCHEMA mine; CREATE TABLE mine.busiest (one INTEGER); CREATE TABLE other (x DATE)"
    )
    assert "mine.busiest" not in {table.name for table in tables(connection)}
    source = written(connection, tmp_path, model("mine.busiest", "gold.measured"))
    assert '<article id="mine.busiest"' in source
    assert '<article id="main.other"' not in source
    connection.execute("DROP SCHEMA mine CASCADE")
