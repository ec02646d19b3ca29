"""What the models make of documents: each case is a session of its own in one small warehouse, built once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clogs import warehouse
from clogs.resources import bundled
from clogs.schemas import COLUMNS
from clogs.transform import transform
from clogs.warehouse import Connection

Row = dict[str, Any]

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
SONNET = "claude-sonnet-4-5-20250929"
NAMES = [column.name for column in COLUMNS]


def at(seconds: float) -> datetime:
    """A moment on Wednesday 2026-03-04, counted from noon UTC."""
    return NOON + timedelta(seconds=seconds)


def entry(identity: str, session: str | None, **columns: Any) -> Row:
    """A document with an `_id`, in a session, with a uuid of its own."""
    row: Row = dict.fromkeys(NAMES)
    row |= {"_id": identity, "session_id": session, "uuid": f"u-{identity}", "project_id": "-home-me-app"}
    row |= {"type": "user", "source_file": f"{session}.jsonl", "timestamp": NOON, "date": NOON.date()}
    return row | {"ingested_at": NOON, "extracted_at": NOON} | columns


def user(identity: str, session: str, content: Any, text: str | None = None, **columns: Any) -> Row:
    message = json.dumps({"role": "user", "content": content})
    shown = text if text is not None else content if isinstance(content, str) else None
    return entry(
        identity, session, message_role="user", message_content=shown, message_raw=message, **columns
    )


def assistant(identity: str, session: str, blocks: Any, text: str | None = None, **columns: Any) -> Row:
    fields = columns.pop("message", {"model": SONNET, "id": f"m-{identity}"})
    message = json.dumps({"role": "assistant", "content": blocks, **fields})
    columns = {"request_id": f"r-{identity}", "type": "assistant"} | columns
    return entry(
        identity, session, message_role="assistant", message_content=text, message_raw=message, **columns
    )


def call(identity: str, name: str = "Bash", **fields: Any) -> Row:
    return {"type": "tool_use", "id": identity, "name": name, "input": {}} | fields


def result(identity: str, content: Any = "ok", **fields: Any) -> Row:
    return {"type": "tool_result", "tool_use_id": identity, "content": content} | fields


def answer(model: str | None = SONNET, message_id: str | None = "m", **usage: Any) -> Row:
    """The fields of an assistant's message that report what it cost."""
    return {"id": message_id, "model": model, "usage": usage}


TEXT = [{"type": "text", "text": "hi"}]

COPIES = [
    user("c1", "copies", "fix it", timestamp=at(5), uuid="same"),
    user(
        "c0",
        "copies",
        "fix it",
        timestamp=at(0),
        uuid="same",
        source_file="copies/subagents/agent-acompact-1.jsonl",
    ),
    user("c2", "forked", "fix it", timestamp=at(9), uuid="same"),
    entry("c3", "copies", type="mode", uuid=None, entry_raw='{"mode":"plan"}'),
    entry("c4", "copies", type="mode", uuid=None, entry_raw='{"mode":"plan"}'),
    entry("c5", "copies", type="mode", uuid=None, entry_raw='{"mode":"edit"}'),
    entry("c6", "copies", type="mode", uuid=None, entry_raw='{"mode":"plan"}', source_file="other.jsonl"),
]

WRAPPED = [
    entry(
        "w1",
        "wrapped",
        type="progress",
        timestamp=at(30),
        entry_raw=json.dumps(
            {
                "data": {
                    "type": "agent_progress",
                    "agentId": "a1",
                    "message": {
                        "type": "assistant",
                        "timestamp": "2026-03-04T12:00:20.000Z",
                        "uuid": "inner",
                        "requestId": "r-w1",
                        "message": {
                            "role": "assistant",
                            "id": "m-w1",
                            "model": SONNET,
                            "content": ["bare", {"type": "text", "text": "look"}, call("t-w1", "Grep")],
                            "usage": {"output_tokens": 7},
                        },
                    },
                }
            }
        ),
    ),
    entry("w2", "wrapped", type="progress", entry_raw='{"data":{"type":"hook_progress"}}'),
    entry(
        "w3",
        "wrapped",
        type="progress",
        uuid="outer",
        entry_raw='{"data":{"type":"agent_progress","message":{"type":"user","uuid":"bare","message":"go on"}}}',
    ),
]

TOOLS = [
    assistant("t1", "tools", [call("read", "Read", input={"file_path": "/a.py"})], timestamp=at(0)),
    assistant("t2", "tools", [call("read", "Read")], source_file="agent-acompact-9.jsonl", timestamp=at(-9)),
    user("t3", "tools", [result("read", "four", is_error=True)], "[tool_result]", timestamp=at(2.5)),
    user("t4", "tools", [result("read", "later")], "[tool_result]", timestamp=at(60)),
    assistant(
        "t5", "tools", [call("odd", 'say "hi"\nnow'), call("mcp", "mcp__my_server__do_it")], timestamp=at(10)
    ),
    user("t6", "tools", [result("odd", [{"type": "text", "text": "x"}]), "bare"], timestamp=at(9)),
    assistant(
        "t7",
        "tools",
        [call("web", "web_search", type="server_tool_use"), {"type": "tool_use"}],
        timestamp=None,
    ),
    user("t8", "tools", [result("web", None), result("orphan")], timestamp=at(70)),
    assistant(
        "t9", "tools", [call("nb", "NotebookEdit", input={"notebook_path": "n.ipynb"})], timestamp=at(80)
    ),
]

RESPONSES = [
    assistant(
        "a1", "api", TEXT, message=answer(output_tokens=3, input_tokens=10), request_id="r", timestamp=at(1)
    ),
    assistant(
        "a2", "api", TEXT, message=answer(output_tokens=9, input_tokens=10), request_id="r", timestamp=at(3)
    ),
    assistant(
        "a3", "api", TEXT, message=answer(output_tokens=9, input_tokens=10), request_id="r", timestamp=at(2)
    ),
    assistant("a4", "api", TEXT, message=answer("<synthetic>", "s", output_tokens=0)),
    assistant("a5", "api", TEXT, message=answer(message_id="gw", output_tokens=1), request_id=None),
    assistant("a6", "api2", TEXT, message=answer(message_id="gw", output_tokens=2), request_id=None),
    assistant("a7", "api2", TEXT, message=answer(message_id="gw", output_tokens=1), request_id=""),
    assistant("a8", "api2", TEXT, message=answer("some-model", "np", output_tokens=5)),
    assistant("a9", "api2", TEXT, message=answer(None, None, output_tokens=4), uuid="no-id", request_id=None),
    assistant("a10", "api2", "said", message={}, request_id=None),
    assistant("a11", "api2", TEXT, message=answer(message_id="odd", input_tokens="many", output_tokens=[1])),
]

MILLION = 1_000_000
PRICED: list[tuple[str, Row, float]] = [
    ("claude-opus-4-5-20251101", {"input_tokens": 100_000, "output_tokens": 10_000}, 0.5 + 0.25),
    ("anthropic/claude-opus-4.5", {"cache_read_input_tokens": 100_000}, 0.05),
    ("us.anthropic.claude-sonnet-4-20250514-v1:0", {"output_tokens": 1000}, 0.015),
    ("claude-3-5-sonnet-v2@20241022", {"output_tokens": 1000}, 0.015),
    ("claude-3-5-haiku-latest", {"output_tokens": 1000}, 0.004),
    ("claude-sonnet-4-5[1m]", {"input_tokens": 300_000}, 0.6 + 0.6),
    ("claude-opus-4-1", {"input_tokens": 300_000}, 4.5),
    ("claude-haiku-4-5", {"cache_creation_input_tokens": MILLION}, 1.25),
    (
        "claude-haiku-4-5",
        {
            "cache_creation_input_tokens": MILLION,
            "cache_creation": {"ephemeral_5m_input_tokens": 400_000, "ephemeral_1h_input_tokens": 600_000},
        },
        0.5 + 1.2,
    ),
]
PRICES = [
    assistant(f"p{place}", "prices", TEXT, message=answer(model, f"p{place}", **usage))
    for place, (model, usage, _) in enumerate(PRICED)
]

KINDS: list[tuple[Row, str]] = [
    (user("k01", "kinds", "Add a flag"), "prompt"),
    (user("k02", "kinds", TEXT, "hi"), "prompt"),
    (user("k03", "kinds", [{"type": "image", "source": {}}]), "prompt"),
    (user("k04", "kinds", [result("k"), {"type": "text", "text": "x"}], "[tool_result]\nx"), "tool_result"),
    (user("k05", "kinds", "Caveat: …", is_meta=True), "meta"),
    (user("k06", "kinds", "[Request interrupted by user for tool use]"), "interrupt"),
    (user("k07", "kinds", "<command-name>/clear</command-name>"), "command"),
    (user("k08", "kinds", "<local-command-stdout></local-command-stdout>"), "command"),
    (user("k09", "kinds", "<bash-input>ls</bash-input>"), "command"),
    (
        user("k10", "kinds", "So far …", entry_raw='{"isCompactSummary":true}', is_meta=True),
        "compact_summary",
    ),
    (entry("k11", "kinds", message_content="a bare string"), "prompt"),
    (entry("k12", "kinds"), "prompt"),
    (entry("k13", "kinds", message_raw="[1, 2]"), "prompt"),
    (user("k14", "kinds", {"odd": 1}, '{"odd":1}'), "prompt"),
    (assistant("k20", "kinds", TEXT, "hi"), "text"),
    (assistant("k21", "kinds", "hi", "hi"), "text"),
    (assistant("k22", "kinds", []), "text"),
    (assistant("k23", "kinds", [call("k23"), call("k23b")]), "tool_use"),
    (assistant("k24", "kinds", [{"type": "thinking"}, {"type": "redacted_thinking"}]), "thinking"),
    (assistant("k25", "kinds", [*TEXT, call("k25")]), "mixed"),
]

ASKED: list[tuple[str, str]] = [
    ("Fix the failing test", "bug_fix"),
    ("There is a BUG", "bug_fix"),
    ("Add the prefix to the latest address", "feature"),
    ("Rename it, then test it", "refactor"),
    ("Run the tests", "testing"),
    ("Update the README", "documentation"),
    ("Please review", "review"),
    ("prefix latest addressed", "other"),
    ("Do it", "other"),
]
ASKING = [user(f"q{place}", "asking", text) for place, (text, _) in enumerate(ASKED)]

TALK = [
    user("h0", "talk", "Warmup", is_sidechain=True, agent_id="a", timestamp=at(-60)),
    user("h1", "talk", "Why? See https://example.org", timestamp=datetime(2026, 3, 6, 23, 30, tzinfo=UTC)),
    assistant("h2", "talk", TEXT, "```py```", timestamp=datetime(2026, 3, 6, 23, 30, 4, 500_000, tzinfo=UTC)),
    assistant("h3", "talk", TEXT, "hi", timestamp=datetime(2026, 3, 6, 23, 31, tzinfo=UTC)),
    user("h4", "talk", [result("none")], "[tool_result]", timestamp=datetime(2026, 3, 6, 23, 40, tzinfo=UTC)),
    user("h5", "talk", "/clear?x=1", timestamp=datetime(2026, 3, 9, 5, 0, tzinfo=UTC)),
]

TITLES = [
    user("s1", "titled", "hello", timestamp=at(0), uuid="leaf", cwd="/home/me/app", git_branch="main"),
    user("s2", "titled", "bye", timestamp=at(90), cwd="/home/me/app/src", git_branch="fix"),
    entry("s3", "titled", type="mode", timestamp=None, uuid=None),
    entry(
        "s4", None, type="summary", timestamp=None, uuid=None, entry_raw='{"summary":"Sum","leafUuid":"leaf"}'
    ),
    entry("s5", "titled", type="ai-title", timestamp=None, uuid=None, entry_raw='{"aiTitle":"By machine"}'),
    entry("s6", "titled", type="custom-title", timestamp=None, uuid=None, entry_raw='{"customTitle":"Old"}'),
    entry(
        "s7", "titled", type="custom-title", timestamp=None, uuid=None, entry_raw='{"customTitle":"By hand"}'
    ),
    user("s8", "summed", "hello", uuid="leaf2"),
    entry(
        "s9",
        None,
        type="summary",
        timestamp=None,
        uuid=None,
        entry_raw='{"summary":"Sum 2","leafUuid":"leaf2"}',
    ),
]

WINDOWS = [
    user("d1", "windows", "hi", project_id="c--Users-me", cwd="C:\\Users\\me"),
    user("d2", "windows2", "hi", project_id="C--Users-me", cwd="C:\\Users\\me\\src"),
]

ROWS = [
    *COPIES, *WRAPPED, *TOOLS, *RESPONSES, *PRICES, *(row for row, _ in KINDS), *ASKING, *TALK, *TITLES, *WINDOWS,
]  # fmt: skip


@pytest.fixture(scope="module")
def gold(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """The models built from all the rows above, in Berlin's time zone."""
    folder: Path = tmp_path_factory.mktemp("models")
    with warehouse.connect(folder / "w.duckdb") as connection:
        warehouse.create_tables(connection)
        places = ", ".join("?" for _ in NAMES)
        connection.executemany(
            f"INSERT INTO raw.conversations VALUES ({places})",
            [[row[name] for name in NAMES] for row in ROWS],
        )
    transform(
        folder / "w.duckdb",
        models_dir=bundled("transforms"),
        cache_dir=folder / "cache",
        timezone="Europe/Berlin",
        threads=2,
        memory_limit=None,
    )
    with warehouse.connect(folder / "w.duckdb", read_only=True) as connection:
        yield connection


def rows(gold: Connection, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    return gold.execute(query, [*parameters]).fetchall()


def test_an_entry_is_its_original_not_a_copy(gold: Connection) -> None:
    query = "SELECT entry_id FROM silver.int_entries WHERE entry_id LIKE 'c%' ORDER BY entry_id"
    assert rows(gold, query) == [("c1",), ("c3",), ("c5",), ("c6",)]


def test_agent_progress_is_unwrapped(gold: Connection) -> None:
    query = """
        SELECT _id, type, epoch(timestamp - TIMESTAMPTZ '2026-03-04 12:00:00+00'), message_role, message_content,
            uuid, request_id, agent_id, is_sidechain, session_id
        FROM bronze.stg_conversations WHERE session_id = 'wrapped' ORDER BY _id
    """
    assert rows(gold, query) == [
        (
            "w1",
            "assistant",
            20,
            "assistant",
            "bare\nlook\n[tool_use: Grep]",
            "inner",
            "r-w1",
            "a1",
            True,
            "wrapped",
        ),
        ("w2", "progress", 0, None, None, "u-w2", None, None, False, "wrapped"),
        ("w3", "user", 0, None, "go on", "bare", None, None, True, "wrapped"),
    ]


def test_what_was_unwrapped_counts(gold: Connection) -> None:
    assert rows(
        gold, "SELECT entry_id, message_kind FROM gold.fct_messages WHERE entry_id LIKE 'w%' ORDER BY 1"
    ) == [
        ("w1", "mixed"),
        ("w3", "prompt"),
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
        SELECT calls, errors, first_used_at = last_used_at, tool_category FROM gold.dim_tools WHERE tool_name = 'Read'
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
    ((cost,),) = rows(gold, "SELECT cost_usd FROM gold.fct_api_calls WHERE message_id = ?", [message_id])
    assert cost == pytest.approx(expected)


def test_cache_writes_are_split(gold: Connection) -> None:
    query = """
        SELECT cache_creation_tokens, cache_creation_5m_tokens, cache_creation_1h_tokens
        FROM gold.fct_api_calls WHERE message_id IN ('p7', 'p8') ORDER BY message_id
    """
    assert rows(gold, query) == [(MILLION, MILLION, 0), (MILLION, 400_000, 600_000)]


@pytest.mark.parametrize(("identity", "expected"), [(row["_id"], kind) for row, kind in KINDS])
def test_message_kind(gold: Connection, identity: str, expected: str) -> None:
    found = rows(gold, "SELECT message_kind FROM gold.fct_messages WHERE entry_id = ?", [identity])
    assert found == [(expected,)]


@pytest.mark.parametrize(("place", "expected"), [(place, kind) for place, (_, kind) in enumerate(ASKED)])
def test_task_category(gold: Connection, place: int, expected: str) -> None:
    found = rows(gold, "SELECT task_category FROM gold.fct_messages WHERE entry_id = ?", [f"q{place}"])
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
        ("h0", 1, "follow_up", None, 20260304, 12, "afternoon", 2, "weekday"),
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
        SELECT view_name FROM duckdb_views() WHERE schema_name IN ('bronze', 'silver', 'gold') AND comment IS NULL
        UNION ALL
        SELECT table_name || '.' || column_name FROM duckdb_columns()
        WHERE schema_name IN ('bronze', 'silver', 'gold') AND comment IS NULL
    """
    assert rows(gold, silent) == []
