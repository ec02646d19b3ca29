"""``clogs query``: where SQL comes from, and rows in each format, whatever types they have."""

from __future__ import annotations

import csv
import json
import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import duckdb
import pytest
from built import fill
from conftest import Workspace, in_terminal, new_workspace

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


def test_gold_needs_no_schema(filled: Workspace) -> None:
    count = "SELECT count(*) AS n FROM {}dim_tools"
    assert csv_of(filled, count.format("")) == csv_of(filled, count.format("gold.")) == [["n"], ["18"]]
    with_schema = csv_of(
        filled, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'gold'"
    )
    assert csv_of(filled, "SHOW TABLES")[1:] == sorted(with_schema[1:])


def test_a_quote_in_the_name_of_the_warehouse(filled: Workspace, tmp_path: Path) -> None:
    named = tmp_path / 'it\'s "mine".duckdb'
    named.symlink_to(Path(filled.environment["DATA_DIR"]) / "clogs.duckdb")
    finished = filled.run("query", "SELECT count(*) AS n FROM dim_tools", "-f", "csv", DUCKDB_PATH=str(named))
    assert finished.stdout == "n\n18\n"


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_sql_from_standard_input(filled: Workspace, arguments: list[str]) -> None:
    command = [sys.executable, "-m", "clogs", "query", *arguments, "-f", "csv"]
    given = "-- é\nSELECT 'é' AS word;\n".encode()
    finished = subprocess.run(command, env=filled.environment, input=given, capture_output=True, check=True)
    assert finished.stdout == "word\né\n".encode()


def test_sql_from_a_file(filled: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "asked.sql"
    file.write_text("\ufeff-- one\nSELECT 1 AS n;\n", encoding="utf-8")
    assert filled.output("query", "--file", file, "-f", "csv") == "n\n1\n"
    assert "contradict" in filled.refusal("query", "SELECT 1", "--file", file, code=2)
    assert "No such file" in filled.refusal("query", "--file", tmp_path / "none.sql", code=2)
    file.write_bytes(b"SELECT '\xff'")
    assert "not UTF-8" in filled.refusal("query", "--file", file, code=2)


def test_sql_may_begin_with_a_comment(filled: Workspace) -> None:
    assert csv_of(filled, "-- one\nSELECT 1 AS n") == [["n"], ["1"]]
    assert "Unknown option: --jsn." in filled.refusal("query", "--jsn", code=2)


def test_nothing_is_asked_at_a_terminal(filled: Workspace) -> None:
    finished = in_terminal(filled, "", "query")
    assert (finished.returncode, "There is no query." in finished.stderr) == (2, True)


def test_json_lines(filled: Workspace) -> None:
    stdout = filled.output("query", "SELECT n, NULL AS none FROM range(2) AS r (n)", "-f", "jsonl")
    assert stdout == '{"n":0,"none":null}\n{"n":1,"none":null}\n'
    assert filled.output("query", "SELECT 1 AS n WHERE false", "-f", "jsonl") == ""


@pytest.mark.parametrize("form", ["table", "csv", "json", "jsonl"])
def test_a_file_has_what_a_pipe_would(filled: Workspace, tmp_path: Path, form: str) -> None:
    file = tmp_path / "rows"
    file.write_text("old", encoding="utf-8")
    assert filled.output("query", "FROM dim_tools", "-f", form, "--output", file) == ""
    assert file.read_text(encoding="utf-8") == filled.output("query", "FROM dim_tools", "-f", form)
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize("asked", ["FROM dim_tools", "SHOW TABLES", "PIVOT fct_messages ON role"])
def test_parquet(filled: Workspace, tmp_path: Path, asked: str) -> None:
    file = tmp_path / "rows.parquet"
    filled.output("query", asked, "-f", "parquet", "--output", file)
    names, *rows = csv_of(filled, asked)
    written = duckdb.read_parquet(str(file))
    assert (written.columns, len(written)) == (names, len(rows))


def test_parquet_in_a_pipe_has_duckdbs_types(filled: Workspace, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "clogs", "query", "SELECT now() AS at, 1.50 AS usd", "-f", "parquet"]
    finished = subprocess.run(command, env=filled.environment, capture_output=True, check=True)
    (tmp_path / "rows.parquet").write_bytes(finished.stdout)
    types = duckdb.read_parquet(str(tmp_path / "rows.parquet")).types
    assert [str(each) for each in types] == ["TIMESTAMP WITH TIME ZONE", "DECIMAL(3,2)"]


def test_parquet_is_not_for_a_terminal(filled: Workspace) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "clogs", "query", "SELECT 1", "-f", "parquet"]
    finished = subprocess.run(
        command, env=filled.environment, stdout=theirs, stderr=subprocess.PIPE, check=False
    )
    os.close(ours)
    os.close(theirs)
    assert (finished.returncode, b"--output FILE" in finished.stderr) == (2, True)


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("place", "code", "said"),
    [
        (".", 2, "it is not a file"),
        ("/dev/null", 2, "it is not a file"),
        ("none/rows", 2, "does not exist"),
        ("/proc/rows", 1, "Cannot write /proc/rows"),
    ],
)
def test_where_no_file_can_be(filled: Workspace, form: str, place: str, code: int, said: str) -> None:
    assert said in filled.refusal("query", "SELECT 1", "-f", form, "--output", place, code=code)


def test_a_failed_query_leaves_the_file_as_it_was(filled: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "rows"
    file.write_text("old", encoding="utf-8")
    failing = "SELECT error('late') FROM range(9)"
    assert "late" in filled.refusal("query", failing, "-f", "parquet", "--output", file, code=2)
    assert [file.read_text(encoding="utf-8"), *tmp_path.iterdir()] == ["old", file]


WIDE = "SELECT 'first' AS a, {} FROM range(2)".format(
    ", ".join(f"'{letter * 20}' AS {letter}" for letter in "bcdefgh")
)


def test_a_wide_table_loses_its_middle_on_a_terminal(filled: Workspace) -> None:
    lines = filled.output("query", WIDE, COLUMNS="80").splitlines()
    assert lines[0].split() == ["a", "b", "…", "g", "h"] or lines[0].split() == ["a", "b", "…", "h"]
    assert max(map(len, lines)) <= 80
    assert lines[-1].endswith("more columns, --all shows them)")
    lines = filled.output("query", WIDE, "--all", COLUMNS="80").splitlines()
    assert lines[0].split() == list("abcdefgh")
    assert (len(lines), lines[-1]) == (4, "(2 rows)")


def test_a_table_that_fits_is_whole(filled: Workspace) -> None:
    lines = filled.output("query", "SELECT 1 AS a, 2 AS b FROM range(3)", COLUMNS="80").splitlines()
    assert (lines[0].split(), lines[-1]) == (["a", "b"], "(3 rows)")
    assert "rows" not in filled.output("query", "SELECT 1 AS a FROM range(3)", "--quiet", COLUMNS="80")


def test_a_single_row_is_upright_on_a_terminal(filled: Workspace) -> None:
    asked = """SELECT 1.239 AS cost_usd, NULL AS none, '' AS empty, 0.5 AS share,
        TIMESTAMP '2026-03-04 08:30:00.123' AS at"""
    lines = [line.rstrip() for line in filled.output("query", asked, COLUMNS="80").splitlines()]
    assert lines == [
        *("cost_usd  1.24", "none      NULL", "empty", "share     0.5", "at        2026-03-04 08:30:00"),
        "(1 row)",
    ]


@pytest.mark.parametrize(
    ("asked", "said", "hint"),
    [
        ("FROM dim_tool", 'Did you mean "dim_tools"?', "The tables: clogs tables"),
        ("SELECT tol_name FROM dim_tools", '"tool_name"', "The columns of a table: clogs tables NAME"),
        ("SELECT 1\nFROM dim_tools\nWHERE WHERE", "LINE 3: WHERE WHERE\n              ^", "DuckDB's SQL: "),
        ("SELECT cnt(*) FROM dim_tools", "cnt does not exist", "DuckDB's SQL: "),
        ("DELETE FROM raw.conversations", "read-only", "A query only reads."),
    ],
)
def test_an_error_has_one_hint_that_fits(filled: Workspace, asked: str, said: str, hint: str) -> None:
    stderr = filled.refusal("query", asked, code=2)
    assert said in stderr
    assert stderr.count("→") == stderr.count(f"→ {hint}") == 1
