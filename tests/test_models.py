"""What the models make of documents: the cases of ``model_cases`` in one small warehouse, built once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from empty import config_in, empty_warehouse
from model_cases import ASKED, KINDS, MILLION, NAMES, PRICED, ROWS

from clogs import warehouse
from clogs.transform import transform
from clogs.warehouse import Connection


@pytest.fixture(scope="module")
def gold(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """The models built from all the rows above, in Berlin's time zone."""
    folder: Path = tmp_path_factory.mktemp("models")
    with warehouse.connect(empty_warehouse(folder)) as connection:
        places = ", ".join("?" for _ in NAMES)
        connection.executemany(
            f"INSERT INTO raw.conversations VALUES ({places})",
            [[row[name] for name in NAMES] for row in ROWS],
        )
    transform(config_in(folder, timezone="Europe/Berlin"))
    with warehouse.connect(folder / "w.duckdb", read_only=True) as connection:
        yield connection


def rows(gold: Connection, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    return gold.execute(query, parameters).fetchall()


def test_an_entry_is_its_original_not_a_copy(gold: Connection) -> None:
    query = "SELECT entry_id FROM silver.int_entries WHERE entry_id LIKE 'c%' ORDER BY entry_id"
    assert rows(gold, query) == [("c1",), ("c3",), ("c5",), ("c6",)]


def test_agent_progress_is_unwrapped(gold: Connection) -> None:
    query = """
        SELECT _id, type, epoch(timestamp - TIMESTAMPTZ '2026-03-04 12:00:00+00'),
            uuid, request_id, agent_id, is_sidechain, session_id
        FROM bronze.stg_conversations WHERE session_id = 'wrapped' ORDER BY _id
    """
    assert rows(gold, query) == [
        ("w1", "assistant", 20, "inner", "r-w1", "a1", True, "wrapped"),
        ("w2", "progress", 0, "u-w2", None, None, False, "wrapped"),
        ("w3", "user", 0, "bare", None, None, True, "wrapped"),
    ]


def test_what_was_unwrapped_counts(gold: Connection) -> None:
    messages = "SELECT entry_id, message_kind, content_length FROM gold.fct_messages"
    assert rows(gold, f"{messages} WHERE entry_id LIKE 'w%' ORDER BY 1") == [
        ("w1", "mixed", len("bare\nlook\n[tool_use: Grep]")),
        ("w3", "agent_prompt", len("go")),
    ]
    assert rows(gold, "SELECT tool_use_id, is_sidechain FROM gold.fct_tool_calls WHERE entry_id = 'w1'") == [
        ("t-w1", True)
    ]
    assert rows(gold, "SELECT message_id, output_tokens FROM gold.fct_api_calls WHERE entry_id = 'w1'") == [
        ("m-w1", 7)
    ]


def test_tool_calls(gold: Connection) -> None:
    query = """
        SELECT tool_use_id, entry_id, tool_name, tool_category, mcp_server,
            is_error, has_result, duration_seconds, result_size, file_path
        FROM gold.fct_tool_calls WHERE session_id = 'tools' ORDER BY tool_use_id
    """
    assert rows(gold, query) == [
        ("mcp", "t5", "mcp__my_server__do_it", "mcp", "my_server", False, False, None, None, None),
        ("nb", "t9", "NotebookEdit", "file_write", None, False, False, None, None, "n.ipynb"),
        ("odd", "t5", 'say "hi"\nnow', "other", None, False, True, 0.0, 28, None),
        ("read", "t1", "Read", "file_read", None, True, True, 2.5, 4, "/a.py"),
        ("web", "t7", "web_search", "web", None, False, True, None, 0, None),
    ]


def test_tools_are_summed_up(gold: Connection) -> None:
    query = """
        SELECT calls, errors, first_used_at = last_used_at, tool_category
        FROM gold.dim_tools WHERE tool_name = 'Read'
    """
    assert rows(gold, query) == [(1, 1, True, "file_read")]


def test_an_api_response_is_its_fullest_line(gold: Connection) -> None:
    query = """
        SELECT entry_id, message_id, request_id, input_tokens, output_tokens, cost_usd IS NULL
        FROM gold.fct_api_calls WHERE session_id IN ('api', 'api2') ORDER BY entry_id
    """
    assert rows(gold, query) == [
        ("a11", "odd", "r-a11", 0, 0, False),
        ("a3", "m", "r", 10, 9, False),
        ("a5", "gw", None, 0, 1, False),
        ("a6", "gw", None, 0, 2, False),
        ("a8", "np", "r-a8", 0, 5, True),
        ("a9", "no-id", None, 0, 4, True),
    ]


@pytest.mark.parametrize(
    ("message_id", "expected"), [(f"p{place}", cost) for place, (_, _, cost) in enumerate(PRICED)]
)
def test_cost(gold: Connection, message_id: str, expected: float) -> None:
    ((cost,),) = rows(gold, "SELECT cost_usd FROM gold.fct_api_calls WHERE message_id = ?", message_id)
    assert cost == pytest.approx(expected)


def test_cache_writes_are_split(gold: Connection) -> None:
    query = """
        SELECT cache_creation_tokens, cache_creation_5m_tokens, cache_creation_1h_tokens
        FROM gold.fct_api_calls WHERE message_id IN ('p7', 'p8') ORDER BY message_id
    """
    assert rows(gold, query) == [(MILLION, MILLION, 0), (MILLION, 400_000, 600_000)]


@pytest.mark.parametrize(("identity", "expected"), [(row["_id"], kind) for row, kind in KINDS])
def test_message_kind(gold: Connection, identity: str, expected: str) -> None:
    found = rows(gold, "SELECT message_kind FROM gold.fct_messages WHERE entry_id = ?", identity)
    assert found == [(expected,)]


@pytest.mark.parametrize(("place", "expected"), [(place, kind) for place, (_, kind) in enumerate(ASKED)])
def test_task_category(gold: Connection, place: int, expected: str) -> None:
    found = rows(gold, "SELECT task_category FROM gold.fct_messages WHERE entry_id = ?", f"q{place}")
    assert found == [(expected,)]


def test_only_prompts_have_a_task_category(gold: Connection) -> None:
    query = (
        "SELECT DISTINCT message_kind = 'prompt', task_category IS NULL FROM gold.fct_messages ORDER BY ALL"
    )
    assert rows(gold, query) == [(False, True), (True, False)]


def test_a_message_knows_its_place_and_time(gold: Connection) -> None:
    query = """
        SELECT entry_id, message_sequence, turn_type, response_time_seconds, date_key,
            hour_of_day, time_of_day, day_of_week, day_type
        FROM gold.fct_messages WHERE session_id = 'talk' ORDER BY message_sequence
    """
    assert rows(gold, query) == [
        ("h0", 1, "system", None, 20260304, 12, "afternoon", 2, "weekday"),
        ("h1", 2, "initial_prompt", None, 20260307, 0, "night", 5, "weekend"),
        ("h2", 3, "response", 4.5, 20260307, 0, "night", 5, "weekend"),
        ("h3", 4, "response", None, 20260307, 0, "night", 5, "weekend"),
        ("h4", 5, "tool_result", None, 20260307, 0, "night", 5, "weekend"),
        ("h5", 6, "follow_up", None, 20260309, 6, "morning", 0, "weekday"),
    ]


def test_a_message_knows_what_it_holds(gold: Connection) -> None:
    query = """
        SELECT entry_id, content_length, has_code_block, has_url, is_question
        FROM gold.fct_messages WHERE entry_id IN ('h1', 'h2', 'h5') ORDER BY entry_id
    """
    assert rows(gold, query) == [
        ("h1", 28, False, True, True),
        ("h2", 8, True, False, False),
        ("h5", 10, False, False, False),
    ]


def test_sessions(gold: Connection) -> None:
    query = """
        SELECT session_id, title, duration_seconds, messages, prompts, tool_calls, api_calls, git_branch, cwd
        FROM gold.dim_sessions WHERE session_id IN ('titled', 'summed', 'forked') ORDER BY session_id
    """
    assert rows(gold, query) == [
        ("forked", None, None, 0, 0, 0, 0, None, None),
        ("summed", "Sum 2", 0.0, 1, 1, 0, 0, None, None),
        ("titled", "By hand", 90.0, 2, 2, 0, 0, "fix", "/home/me/app/src"),
    ]


def test_projects(gold: Connection) -> None:
    query = "SELECT project_id, project_name, sessions FROM gold.dim_projects WHERE project_id ILIKE 'c--%'"
    assert rows(gold, query) == [("C--Users-me", "me", 2)]
    assert rows(gold, "SELECT project_name FROM gold.dim_projects WHERE project_id = '-home-me-app'") == [
        ("app",)
    ]


def test_days_have_no_gaps(gold: Connection) -> None:
    query = """
        SELECT date, day_name, day_of_week, is_weekend, week, month_name FROM gold.dim_date ORDER BY date_key
    """
    assert rows(gold, query) == [
        (date(2026, 3, 4), "Wednesday", 2, False, 10, "March"),
        (date(2026, 3, 5), "Thursday", 3, False, 10, "March"),
        (date(2026, 3, 6), "Friday", 4, False, 10, "March"),
        (date(2026, 3, 7), "Saturday", 5, True, 10, "March"),
        (date(2026, 3, 8), "Sunday", 6, True, 10, "March"),
        (date(2026, 3, 9), "Monday", 0, False, 11, "March"),
    ]


def test_a_day_is_summed_up(gold: Connection) -> None:
    query = """
        SELECT date_key, sessions, projects, messages, prompts, assistant_messages, active_hours, api_calls
        FROM gold.agg_daily_summary WHERE date_key > 20260304 ORDER BY date_key
    """
    assert rows(gold, query) == [(20260307, 1, 1, 4, 1, 2, 1, 2), (20260309, 1, 1, 1, 1, 0, 1, 0)]


@pytest.mark.parametrize("measure", ["input_tokens", "output_tokens", "cache_creation_tokens", "cost_usd"])
@pytest.mark.parametrize("table", ["dim_sessions", "dim_projects", "agg_daily_summary"])
def test_sums_agree_with_the_responses(gold: Connection, table: str, measure: str) -> None:
    ((expected,),) = rows(gold, f"SELECT sum({measure}) FROM gold.fct_api_calls")
    ((found,),) = rows(gold, f"SELECT sum({measure}) FROM gold.{table}")
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("fact", ["fct_messages", "fct_tool_calls", "fct_api_calls"])
@pytest.mark.parametrize(
    ("key", "dimension"),
    [("session_id", "dim_sessions"), ("project_id", "dim_projects"), ("date_key", "dim_date")],
)
def test_keys_resolve(gold: Connection, fact: str, key: str, dimension: str) -> None:
    lost = f"SELECT {key} FROM gold.{fact} WHERE {key} IS NOT NULL EXCEPT SELECT {key} FROM gold.{dimension}"
    assert rows(gold, lost) == []


def test_every_table_and_column_says_what_it_holds(gold: Connection) -> None:
    silent = """
        SELECT view_name FROM duckdb_views()
        WHERE schema_name IN ('bronze', 'silver', 'gold') AND comment IS NULL
        UNION ALL
        SELECT table_name || '.' || column_name FROM duckdb_columns()
        WHERE schema_name IN ('bronze', 'silver', 'gold') AND comment IS NULL
    """
    assert rows(gold, silent) == []


def test_every_table_is_readable_under_any_name(gold: Connection, tmp_path: Path) -> None:
    """As by a dashboard that has a copy of the file attached, and has never heard of what made it."""
    ((file,),) = rows(gold, "SELECT path FROM duckdb_databases() WHERE database_name = current_database()")
    views = rows(gold, "SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE NOT internal")
    views = [(view,) for (view,) in views if not view.startswith("sqlmesh")]
    copy = shutil.copy(file, tmp_path / "a copy.db")
    with duckdb.connect() as dashboard:
        dashboard.execute(f"ATTACH '{copy}' AS other (READ_ONLY)")
        for (view,) in views:
            expected = rows(gold, f"SELECT count(*) FROM {view}")
            assert dashboard.execute(f"SELECT count(*) FROM other.{view}").fetchall() == expected
    assert len(views) == 29
