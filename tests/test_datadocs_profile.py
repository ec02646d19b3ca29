"""What is measured of a table is true."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median_low

import pytest
from datadocs_cases import model, written
from hypothesis import given
from hypothesis import strategies as st

from clogs import warehouse
from clogs.datadocs import profile
from clogs.datadocs.charts import bars
from clogs.datadocs.distribution import EXACT_ROWS, Histogram, Shares
from clogs.datadocs.profile import ColumnProfile, tables


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[warehouse.Connection]:
    with warehouse.connect(tmp_path_factory.mktemp("profile") / "w.duckdb") as connection:
        warehouse.create_tables(connection)
        connection.execute("CREATE SCHEMA gold")
        yield connection


def measured(connection: warehouse.Connection, query: str, values: Sequence[object] = ()) -> ColumnProfile:
    """The profile of the only column of a query."""
    connection.execute(f"CREATE OR REPLACE TABLE gold.measured AS {query}", values)
    return only(connection)


def only(connection: warehouse.Connection) -> ColumnProfile:
    found = profile(connection, "gold.measured")
    assert not found.fault
    (column,) = found.columns
    return column


def histogram(column: ColumnProfile) -> Histogram:
    assert isinstance(column.distribution, Histogram)
    return column.distribution


NUMBERS = st.lists(st.none() | st.integers(-(2**52), 2**52) | st.integers(0, 40), max_size=60)
FLOATS = st.lists(st.none() | st.floats(allow_nan=False), max_size=60)


@given(values=NUMBERS)
def test_whole_numbers_are_what_python_counts(
    connection: warehouse.Connection, values: list[int | None]
) -> None:
    column = measured(connection, "SELECT unnest(CAST(? AS BIGINT[])) AS x", [values])
    filled = [value for value in values if value is not None]
    assert (column.nulls, column.distinct) == (len(values) - len(filled), len(set(filled)))
    agrees(column, [float(value) for value in filled])


@given(values=FLOATS)
def test_floats_are_what_python_counts(connection: warehouse.Connection, values: list[float | None]) -> None:
    column = measured(connection, "SELECT unnest(CAST(? AS DOUBLE[])) AS x", [values])
    assert column.nulls == values.count(None)
    agrees(column, [value for value in values if value is not None and math.isfinite(value)])


def agrees(column: ColumnProfile, values: list[float]) -> None:
    """A histogram holds each value once, in the bin whose span it lies in."""
    if not values:
        assert column.distribution is None
        return
    found = histogram(column)
    assert (found.minimum, found.median, found.maximum) == (min(values), median_low(values), max(values))
    assert found.below + sum(found.counts) + found.above == len(values)
    assert found.below == sum(value < found.scale.low for value in values)
    assert found.above == sum(value > found.scale.high for value in values)
    if found.unit == "whole":
        inside = [value for value in values if found.scale.low <= value <= found.scale.high]
        expected = Counter(int((value - found.scale.low) // found.scale.width) for value in inside)
        assert found.counts == tuple(expected[bin_] for bin_ in range(found.scale.bins))


@pytest.mark.parametrize(
    ("query", "counts"),
    [
        ("SELECT range AS x FROM range(24)", (1,) * 24),
        ("SELECT range AS x FROM range(100)", (5,) * 20),
        ("SELECT range / 4 AS x FROM range(81)", (*(4,) * 19, 5)),
        ("SELECT CAST(range / 4 AS DECIMAL(9, 2)) AS x FROM range(81)", (*(4,) * 19, 5)),
        ("SELECT DATE '2026-01-01' + CAST(range AS INTEGER) AS x FROM range(40)", (2,) * 20),
        ("SELECT TIMESTAMPTZ '2026-01-01' + to_hours(range) AS x FROM range(21)", (*(1,) * 19, 2)),
        ("SELECT repeat('a', CAST(range AS INTEGER)) AS x FROM range(1, 31)", (1,) * 30),
        ("SELECT 7 AS x FROM range(5)", (5,)),
        ("SELECT 0.5::FLOAT AS x FROM range(5)", (5,)),
        ("SELECT unnest([-1.7e308, 1.7e308]) AS x", (1, *(0,) * 18, 1)),
        ("SELECT unnest([0, 5e-324]) AS x", (2,)),
        ("SELECT unnest(['1', 'nan', 'inf', '-inf', '3']::DOUBLE[]) AS x", (1, *(0,) * 18, 1)),
        ("SELECT unnest(['infinity', '2026-01-01', '2026-01-02']::DATE[]) AS x", (1, 1)),
        ("SELECT unnest(['infinity', '2026-01-01', '-infinity']::TIMESTAMPTZ[]) AS x", (1,)),
        ("SELECT 340282366920938463463374607431768211455::UHUGEINT AS x", (1,)),
        ("SELECT CAST(range AS VARCHAR)::ENUM('0', '1', '22') AS x FROM range(2)", (2,)),
    ],
)
def test_bins(connection: warehouse.Connection, query: str, counts: tuple[int, ...]) -> None:
    found = histogram(measured(connection, query))
    assert (found.below, found.counts, found.above) == (0, counts, 0)


def test_outliers_stand_apart(connection: warehouse.Connection) -> None:
    found = histogram(measured(connection, "SELECT unnest(range(1000) || [-90000, 900000, 900001]) AS x"))
    assert (found.below, found.above) == (1, 2)
    assert (found.minimum, found.maximum) == (-90000, 900001)
    drawn = bars(found)
    assert [bar for bar in drawn.bars if bar.is_beyond] == [drawn.bars[0], drawn.bars[-1]]
    assert drawn.notes == ("<0.1% below -90", "0.2% above 1,090")


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
def test_nothing_to_draw(connection: warehouse.Connection, query: str) -> None:
    assert measured(connection, query).distribution is None


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("SELECT range % 4 = 0 AS x FROM range(8)", (("false", 6), ("true", 2))),
        ("SELECT true AS x", (("true", 1),)),
        ("SELECT unnest(['b', 'a', 'b', 'a', NULL]) AS x", (("a", 2), ("b", 2))),
        ("SELECT '' AS x FROM range(2)", (("", 2),)),
        ("SELECT unnest(['a', 'b', 'a', 'a'])::ENUM('b', 'a', 'c') AS x", (("a", 3), ("b", 1))),
    ],
)
def test_values_have_shares(
    connection: warehouse.Connection, query: str, values: tuple[tuple[str, int], ...]
) -> None:
    column = measured(connection, query)
    assert column.distribution == Shares(values)
    assert column.distinct == len(values)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 'v' || range % 13 AS x FROM range(100)",
        "SELECT repeat('a', 61) AS x FROM range(100)",
        "SELECT 'v' || range AS x FROM range(4)",
        "SELECT 'yes' AS message_content FROM range(100)",
        "SELECT 'A title' AS title FROM range(100)",
    ],
    ids=["many", "long", "not repeated", "what somebody wrote", "title"],
)
def test_texts_are_not_shown(connection: warehouse.Connection, query: str) -> None:
    assert histogram(measured(connection, query)).unit == "characters"


def test_many_rows_are_estimated(connection: warehouse.Connection) -> None:
    rows = EXACT_ROWS + 1
    column = measured(connection, f"SELECT range AS x FROM range({rows})")
    found = histogram(column)
    assert not column.is_exact
    assert column.distinct == pytest.approx(rows, rel=0.3)
    assert (found.minimum, found.maximum) == (0, rows - 1)
    assert found.median == pytest.approx(rows / 2, rel=0.05)
    assert found.below + sum(found.counts) + found.above == rows


@pytest.mark.parametrize(("different", "kind"), [(12, Shares), (13, Histogram)])
def test_few_values_of_many_rows_are_counted(
    connection: warehouse.Connection, different: int, kind: type
) -> None:
    column = measured(connection, f"SELECT 'v' || range % {different} AS x FROM range({EXACT_ROWS + 1})")
    assert isinstance(column.distribution, kind)


def test_names_are_only_names(connection: warehouse.Connection, tmp_path: Path) -> None:
    connection.execute("""
        CREATE OR REPLACE TABLE gold."we""ird <b> name" AS
            SELECT 1 AS "select", 'a' AS "x'; DROP TABLE y; --", 2.5 AS "a""b.c d", true AS "<script>"
    """)
    found = profile(connection, 'gold.we"ird <b> name')
    assert (found.rows, found.fault) == (1, "")
    assert [column.name for column in found.columns] == [
        "select",
        "x'; DROP TABLE y; --",
        'a"b.c d',
        "<script>",
    ]
    source = written(connection, tmp_path)
    assert "<b> name" not in source
    assert "we&#34;ird &lt;b&gt; name" in source
    connection.execute('DROP TABLE gold."we""ird <b> name"')


def test_a_view_that_cannot_be_read_is_told(connection: warehouse.Connection, tmp_path: Path) -> None:
    connection.execute("""
        CREATE TABLE gold.gone AS SELECT 1 AS x;
        CREATE VIEW gold.orphan AS SELECT * FROM gold.gone;
        DROP TABLE gold.gone
    """)
    assert "gold.gone" not in tables(connection)
    assert "DuckDB cannot read it: Catalog Error" in written(connection, tmp_path)
    connection.execute("DROP VIEW gold.orphan")


def test_a_warehouse_without_rows(connection: warehouse.Connection, tmp_path: Path) -> None:
    source = written(connection, tmp_path, model("gold.missing", "raw.conversations"))
    assert "No check was run" in source
    assert "There is no such table in the warehouse." in source


def test_models_of_other_schemas_are_documented(connection: warehouse.Connection, tmp_path: Path) -> None:
    connection.execute(
        "CREATE SCHEMA mine; CREATE TABLE mine.busiest (one INTEGER); CREATE TABLE other (x DATE)"
    )
    assert "mine.busiest" not in tables(connection)
    source = written(connection, tmp_path, model("mine.busiest", "gold.measured"))
    assert '<article id="mine.busiest"' in source
    assert '<article id="main.other"' not in source
    connection.execute("DROP SCHEMA mine CASCADE")
