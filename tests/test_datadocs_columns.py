"""What a column holds is said as people read it."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from datadocs_cases import measured_column

from clogs import warehouse
from clogs.datadocs.columns import column_table
from clogs.datadocs.profile import EXACT_ROWS, ColumnProfile, TableProfile


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[warehouse.Connection]:
    with warehouse.connect(tmp_path_factory.mktemp("columns") / "w.duckdb") as connection:
        connection.execute("CREATE SCHEMA gold")
        yield connection


def table_of(*columns: ColumnProfile, rows: int = 10, key: tuple[str, ...] = ()) -> str:
    table = TableProfile(name="gold.t", description="", columns=columns, rows=rows)
    return column_table(table, key=key, anchor="gold.t")


def cells(source: str) -> list[str]:
    """The texts of the cells of the only row."""
    found = re.findall(r"<t[hd] [^>]*gt_row.*?>(.*?)</t[hd]>", source, re.DOTALL)
    return [unescape(" ".join(re.sub(r"<[^>]*>", " ", cell).split())) for cell in found]


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("SELECT range AS x FROM range(24)", "0 to 23, median 11"),
        ("SELECT range * 1000 AS x FROM range(24)", "0 to 23,000, median 11,000"),
        ("SELECT (range - 12) / 32 AS x FROM range(25)", "-0.375 to 0.375, median 0"),
        ("SELECT unnest([1.0, 3.4e38]) AS x", "1 to 3.4e+38, median 1"),
        ("SELECT unnest([-2.4e9, -5, 0.00000123]) AS x", "-2,400,000,000 to 1.23e-06, median -5"),
        ("SELECT 7 AS x FROM range(5)", "always 7"),
        ("SELECT unnest([20250614, 20260418]) AS date_key", "20250614 to 20260418"),
        ("SELECT 14109 AS session_id", "always 14109"),
        ("SELECT DATE '2026-01-01' + unnest([0, 2, 3]) AS x", "2026-01-01 to 2026-01-04, median 2026-01-03"),
        ("SELECT TIMESTAMPTZ '2026-03-01 00:01:01Z' AS x", "always 2026-03-01 00:01"),
        ("SELECT unnest(['abc', 'd']) AS tool_name", "unique"),
        ("SELECT unnest(['abc', 'd', 'd']) AS tool_name", "hardly repeats"),
        ("SELECT 'yes' AS title FROM range(9)", "up to 3 characters"),
        ("SELECT repeat('a', 1234) AS x FROM range(9)", "up to 1,234 characters"),
        ("SELECT unnest(['b', 'a', 'a', '<i>', '<i>', '<i>', 'b', 'a', NULL]) AS x", "<i> 3 a 3 b 2"),
        ("SELECT '' AS x FROM range(3)", '"" 3'),
        ("SELECT 'v' || range % 89 AS tool_id FROM range(890)", "v0 10 v1 10 v10 10 and 86 more"),
        ("SELECT [1] AS x", ""),
    ],
)
def test_values_are_said(connection: warehouse.Connection, query: str, values: str) -> None:
    column = measured_column(connection, query)
    assert cells(table_of(column))[-1] == values


def test_a_row_says_what_was_counted() -> None:
    column = ColumnProfile(name="x", type="BIGINT", description="Rows & <more>.", filled=9, distinct=3)
    assert cells(table_of(column, key=("x",))) == ["x key BIGINT", "Rows & <more>.", "10%", "3", ""]
    assert cells(table_of(column, rows=0))[2:4] == ["–", "–"]


def test_estimates_are_marked(connection: warehouse.Connection) -> None:
    column = measured_column(connection, f"SELECT 'v' || range % 100 AS x FROM range({EXACT_ROWS + 1})")
    *_, distinct, values = cells(table_of(column, rows=EXACT_ROWS + 1))
    assert distinct.startswith("≈ ")
    assert re.search(r"and ≈ \d+ more$", values)


def test_bars_have_no_style_and_no_name_by_chance(connection: warehouse.Connection) -> None:
    column = measured_column(connection, "SELECT range AS x FROM range(160)")
    source = table_of(column)
    assert source.count("<rect") == 16
    assert 'role="img" aria-label="Rows by value, from the smallest to the largest: Bar plot' in source
    assert source == table_of(column)
    assert not re.search(r"style|<defs|http|<script", source)


def test_hostile_values_are_only_texts(connection: warehouse.Connection) -> None:
    hostile = """</td><script>{0}{1}" style="color:red" <style>x</style>"""
    column = measured_column(connection, "SELECT ? AS x FROM range(3)", [hostile])
    assert cells(table_of(column))[-1] == f"{hostile} 3"
