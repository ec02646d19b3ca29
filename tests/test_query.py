"""``clogs query``: rows as a table, CSV or JSON, whatever types they have."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Sequence
from io import StringIO

import pytest
from built import fill
from conftest import Workspace, new_workspace

pytestmark = pytest.mark.every_python

TYPES = """
    SELECT 1::HUGEINT AS whole, 1.50::DECIMAL(9, 2) AS exact, true AS flag, NULL AS nothing, [1, 2] AS list,
        {'a': 'x'} AS struct, INTERVAL 90 MINUTE AS span, DATE '2026-03-04' AS day, TIME '08:30' AS clock,
        TIMESTAMPTZ '2026-03-04 08:30:00+01' AS moment, 'a,"b"' AS words
"""


HOSTILE = (
    *("=1+1", '=HYPERLINK("http://x.example","y")', "+49 30 1234", "@SUM(A1)", "\t=1", "\n=1"),
    *("-1+cmd|' /C calc'!A0", "-SUM(1,2)", "- [ ] a task", "＝1+1"),  # noqa: RUF001  # spreadsheets take wide ones
)
HARMLESS = ("-Users-mika-src", "-1", "-1.5", "--json", "a=1", " =1", "'=1", "text", "")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A finished pipeline that is only read."""
    return fill(new_workspace(tmp_path_factory.mktemp("query"), "mongodb://127.0.0.1:9", "none"))


def test_json_keeps_the_types_that_json_has(filled: Workspace) -> None:
    assert json.loads(filled.output("query", TYPES, "--format", "json")) == [
        {
            "whole": 1,
            "exact": 1.5,
            "flag": True,
            "nothing": None,
            "list": [1, 2],
            "struct": {"a": "x"},
            "span": "01:30:00",
            "day": "2026-03-04",
            "clock": "08:30:00",
            "moment": "2026-03-04T07:30:00Z",
            "words": 'a,"b"',
        }
    ]


def test_csv(filled: Workspace) -> None:
    names, values = csv_of(filled, TYPES)
    assert names[:4] == ["whole", "exact", "flag", "nothing"]
    assert values == [
        *("1", "1.50", "true", "", "[1,2]", '{"a":"x"}', "01:30:00", "2026-03-04", "08:30:00"),
        *("2026-03-04 07:30:00+00:00", 'a,"b"'),
    ]


def csv_of(workspace: Workspace, sql: str) -> list[list[str]]:
    """The answer as CSV, read again; its first row has the names."""
    return list(csv.reader(StringIO(workspace.output("query", sql, "--format", "csv"))))


def cells(texts: Sequence[str]) -> str:
    """A query that answers with a row for each text."""
    quoted = ", ".join("('" + text.replace("'", "''") + "')" for text in texts)
    return f"SELECT cell FROM (VALUES {quoted}) AS texts (cell)"


def test_no_text_in_csv_is_a_formula_and_one_that_is_none_stays_as_it_is(filled: Workspace) -> None:
    assert csv_of(filled, cells(HOSTILE)) == [["cell"], *([f"'{text}"] for text in HOSTILE)]
    assert csv_of(filled, cells(HARMLESS)) == [["cell"], *([text] for text in HARMLESS)]


def test_a_number_in_csv_stays_one_and_a_name_is_no_formula(filled: Workspace) -> None:
    finished = filled.run("query", 'SELECT -1 AS minus, -1.5 AS exact, 1 AS "=1+1"', "--format", "csv")
    assert finished.stdout.splitlines() == ["minus,exact,'=1+1", "-1,-1.5,1"]


def test_a_carriage_return_in_csv_begins_no_line(filled: Workspace) -> None:
    asked = "SELECT chr(13) || '=1' AS first, 'a' || chr(13) || '=1' AS second"
    assert csv_of(filled, asked)[1:] == [["'\n=1", "a\n=1"]]  # as text, it is a newline


def test_json_and_tables_have_every_text_as_it_is(filled: Workspace) -> None:
    answered = json.loads(filled.run("query", cells(HOSTILE), "--format", "json").stdout)
    assert [row["cell"] for row in answered] == list(HOSTILE)
    assert "\n=1+1" in filled.run("query", cells(HOSTILE)).stdout


def test_a_table_shows_hostile_text_harmlessly(filled: Workspace) -> None:
    finished = filled.run("query", "SELECT chr(27) || '[2J[red]x' AS \"[bold]name\"")
    lines = [line.strip() for line in finished.stdout.splitlines()]
    assert "�[2J[red]x" in lines
    assert "[bold]name" in lines


ODD = '''
    SELECT INTERVAL '1 year 3 days' AS "a ""span""",
        TIMESTAMP_NS '2026-03-04 08:30:00.123456789' AS moment, TIME_NS '08:30:00.000000001' AS clock,
        MAP {1.5: [2, 3]} AS map, 'a\\x5Cb''\\xFF'::BLOB AS bytes, row(1, 'x') AS pair,
        {'INTERVAL': 1, 'in': [INTERVAL '1 month']} AS pair, MAP {DATE '2026-03-04': 1} AS days
    ORDER BY ALL; -- and that is all;
'''


def test_what_python_has_no_type_for_is_as_duckdb_writes_it(filled: Workspace) -> None:
    stdout = filled.output("query", ODD, "--format", "json")
    assert json.loads(stdout) == [
        {
            'a "span"': "1 year 3 days",
            "moment": "2026-03-04 08:30:00.123456789",
            "clock": "08:30:00.000000001",
            "map": {"1.5": [2, 3]},
            "bytes": "YVxiJ/8=",
            "pair": [1, "x"],
            "pair_1": {"INTERVAL": 1, "in": ["1 month"]},
            "days": {"2026-03-04": 1},
        }
    ]
    texts = csv_of(filled, ODD)[1]
    assert texts[3:6] == ['{"1.5":[2,3]}', r"a\x5Cb\x27\xFF", '[1,"x"]']


def test_a_struct_without_names_is_text_where_it_must_be(filled: Workspace) -> None:
    asked = "SELECT row(INTERVAL '1 month', 2) AS pair, row(1, 2) AS other"
    found = json.loads(filled.run("query", asked, "--format", "json").stdout)
    assert found == [{"pair": "(1 month, 2)", "other": [1, 2]}]


def test_what_comes_through_a_pipe_is_read_once(filled: Workspace) -> None:
    command = [sys.executable, "-m", "clogs", "query", "FROM read_csv('/dev/stdin')", "--format", "csv"]
    given = b"a,b\n1,2\n"
    finished = subprocess.run(command, env=filled.environment, input=given, capture_output=True, check=True)
    assert finished.stdout == given


def test_a_pivot_is_one_statement(filled: Workspace) -> None:
    asked = "PIVOT gold.fct_messages ON role USING count(*) GROUP BY day_type ORDER BY day_type"
    assert filled.run("query", asked).stdout.splitlines()[0].split() == ["day_type", "assistant", "user"]
    for two in (f"SELECT 1; {asked}", f"{asked}; {asked}", f"{asked}; SELECT 1"):
        assert filled.run("query", two).returncode == 2


def test_a_table_in_a_pipe_has_as_many_columns_as_it_needs(filled: Workspace) -> None:
    asked = "SELECT 'é' AS word, 1 AS n UNION ALL SELECT '漢字', 20 UNION ALL SELECT '', NULL ORDER BY n"
    assert filled.run("query", asked).stdout == "word   n\né      1\n漢字  20\n\n"
    wide = "SELECT repeat('x', 300) AS x FROM range(3000)"
    assert filled.run("query", wide).stdout.splitlines()[1:] == ["x" * 300] * 3000
    assert max(map(len, filled.run("query", wide, COLUMNS="80").stdout.splitlines())) == 80


def test_no_rows(filled: Workspace) -> None:
    empty = "SELECT session_id FROM gold.dim_sessions WHERE false"
    assert json.loads(filled.run("query", empty, "--format", "json").stdout) == []
    assert filled.run("query", empty, "--format", "csv").stdout == "session_id\n"


def test_reading_does_not_hinder_readers_and_writes_nothing(filled: Workspace) -> None:
    before = filled.run("query", "SELECT count(*) AS n FROM raw.conversations", "--format", "csv")
    refused = filled.run("query", "DELETE FROM raw.conversations")
    after = filled.run("query", "SELECT count(*) AS n FROM raw.conversations", "--format", "csv")
    assert refused.returncode == 2
    assert before.stdout == after.stdout == "n\n723\n"
