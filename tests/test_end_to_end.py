"""Transcripts into gold through the command line, and gold against a plain reading of the same files."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from built import SAMPLES, build, warehouse_of
from conftest import DATABASE, Document, Workspace, new_workspace
from pymongo import MongoClient
from truth import ToolCall, Truth
from truth_costs import Response

from clogs import warehouse

pytestmark = pytest.mark.slow

Rows = list[tuple[Any, ...]]

TABLES = """
    SELECT table_schema || '.' || table_name FROM information_schema.tables
    WHERE table_schema IN ('raw', 'bronze', 'silver', 'gold') AND table_name <> 'checkpoints' ORDER BY 1
"""


@dataclass(frozen=True)
class Run:
    """A workspace whose transcripts have gone through the pipeline, and what they say."""

    workspace: Workspace
    truth: Truth

    def query(self, sql: str) -> Rows:
        with warehouse.connect(warehouse_of(self.workspace), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def json(self, *arguments: str | Path) -> dict[str, Any]:
        finished = self.workspace.run(*arguments, "--json")
        assert finished.returncode == 0, finished.stderr
        document: dict[str, Any] = json.loads(finished.stdout)
        return document

    def snapshot(self) -> dict[str, Rows]:
        """Every table's rows in one number that changes with any of them."""
        checksum = "SELECT count(*), bit_xor(hash(CAST(each AS VARCHAR))) FROM {} AS each"
        return {name: self.query(checksum.format(name)) for (name,) in self.query(TABLES)}

    def gold(self) -> dict[str, Rows]:
        return {name: rows for name, rows in self.snapshot().items() if name.startswith("gold.")}


@pytest.fixture(scope="module", params=["samples", "transcripts"])
def run(
    request: pytest.FixtureRequest, mongo_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Run]:
    folder = SAMPLES if request.param == "samples" else request.getfixturevalue("transcripts")
    root = tmp_path_factory.mktemp(request.param)
    name = f"conversations_{root.name}"
    workspace = new_workspace(root, mongo_uri, name)
    assert workspace.run("import", folder).returncode == 0
    workspace.run("pipeline").check_returncode()
    yield Run(workspace, Truth(folder))
    with MongoClient[Document](mongo_uri) as client:
        client[DATABASE].drop_collection(name)


def test_every_line_is_a_row(run: Run) -> None:
    assert run.query("SELECT count(*) FROM raw.conversations") == [(len(run.truth.lines),)]


def test_entries_and_messages(run: Run) -> None:
    roles = run.query("SELECT role, count(*) FROM gold.fct_messages GROUP BY role")
    assert run.query("SELECT count(*) FROM silver.int_entries") == [(len(run.truth.entries),)]
    assert dict(roles) == run.truth.messages


def test_kinds_of_user_messages(run: Run) -> None:
    rows = run.query("""
        SELECT uuid, message_kind FROM gold.fct_messages WHERE role = 'user' AND uuid IS NOT NULL
    """)
    queued = {entry.get("uuid") for entry in run.truth.queued}
    assert {uuid: kind for uuid, kind in rows if uuid not in queued} == run.truth.kinds


def test_prompts(run: Run) -> None:
    rows = run.query("""
        SELECT session_id, timestamp, COALESCE(uuid, '') FROM gold.fct_messages WHERE message_kind = 'prompt'
    """)
    expected = [
        (entry["sessionId"], datetime.fromisoformat(entry["timestamp"]), entry.get("uuid", ""))
        for entry in run.truth.prompts
    ]
    # a fork repeats entries in a session of its own, at the same time
    assert sorted(("" if uuid in run.truth.forked else session, at, uuid) for session, at, uuid in rows) == (
        sorted(("" if uuid in run.truth.forked else session, at, uuid) for session, at, uuid in expected)
    )


def test_sessions_that_nobody_typed_in(run: Run) -> None:
    rows = run.query("SELECT session_id, prompts, is_automated FROM gold.agg_session_metrics")
    assert {session for session, _, is_automated in rows if is_automated} == run.truth.automated
    assert sum(prompts for _, prompts, _ in rows) == len(run.truth.prompts)


def test_imports_say_who_the_user_is(run: Run) -> None:
    rows = run.query("SELECT DISTINCT user_name FROM gold.dim_sessions")
    assert rows == [(getpass.getuser(),)]


def test_without_an_import_it_is_whose_home_it_is(tmp_path: Path) -> None:
    with warehouse.connect(build(SAMPLES, tmp_path), read_only=True) as connection:
        rows = connection.execute("SELECT session_id, user_name FROM gold.dim_sessions").fetchall()
    assert dict(rows) == Truth(SAMPLES).users


def test_sessions(run: Run) -> None:
    rows = run.query("SELECT session_id FROM gold.dim_sessions ORDER BY session_id")
    assert [session for (session,) in rows] == sorted(run.truth.sessions)


def test_tool_calls(run: Run) -> None:
    rows = run.query("SELECT tool_use_id, tool_name, is_error, has_result FROM gold.fct_tool_calls")
    assert {key: ToolCall(*call) for key, *call in rows} == run.truth.tool_calls
    assert len(rows) == len(run.truth.tool_calls)


def test_changed_lines(run: Run) -> None:
    rows = run.query("""
        SELECT tool_use_id, COALESCE(lines_added, 0), COALESCE(lines_removed, 0)
        FROM gold.fct_file_operations WHERE operation_type <> 'read'
    """)
    assert {name: tuple(lines) for name, *lines in rows} == run.truth.changed_lines


def test_api_calls(run: Run) -> None:
    rows = run.query("""
        SELECT message_id, COALESCE(request_id, ''), if(request_id IS NULL, session_id, ''), call_kind,
            date, model, input_tokens, output_tokens,
            cache_creation_5m_tokens, cache_creation_1h_tokens, cache_read_tokens, web_searches
        FROM gold.fct_api_calls
    """)
    expected = [
        (message, request or "", session or "", each.kind, each.response, each.searches)
        for (message, request, session), each in run.truth.bought
    ]
    assert sorted((*row[:4], Response(*row[4:11]), row[11]) for row in rows) == sorted(expected)


def test_costs(run: Run) -> None:
    rows = run.query("""
        SELECT message_id, COALESCE(request_id, ''), if(request_id IS NULL, session_id, ''), call_kind, model,
            sum(cost_usd)
        FROM gold.fct_api_calls GROUP BY ALL
    """)
    expected: dict[tuple[str, ...], float | None] = {}
    for (message, request, session), each in run.truth.bought:
        key = (message, request or "", session or "", each.kind, each.response.model)
        before = expected.get(key)
        expected[key] = before if each.cost is None else each.cost + (before or 0)
    assert {row[:-1]: row[-1] for row in rows} == pytest.approx(expected)


def test_windows_of_five_hours(run: Run) -> None:
    rows = run.query("""
        SELECT block_start, block_end, first_activity_at, last_activity_at, api_calls,
            input_tokens, output_tokens, cache_creation_tokens, cache_read_tokens, tokens, models
        FROM gold.agg_usage_blocks ORDER BY block_start
    """)
    expected = [
        (
            window.start,
            window.end,
            window.first,
            window.last,
            window.responses,
            *window.tokens,
            sum(window.tokens),
            window.models,
        )
        for window in run.truth.windows
    ]
    assert rows == expected


def test_days(run: Run) -> None:
    rows = run.query("""
        SELECT date, api_calls, input_tokens, output_tokens, cache_creation_tokens, cache_read_tokens
        FROM gold.agg_daily_summary WHERE api_calls > 0
    """)
    assert {day: tuple(counts) for day, *counts in rows} == run.truth.daily


def test_again_changes_nothing(run: Run) -> None:
    before = run.snapshot()
    imported = run.json("import", run.truth.folder)
    steps = run.json("pipeline")["steps"]
    assert (imported["lines"], imported["imported"], imported["rejected"]) == (0, 0, 0)
    assert [step["status"] for step in steps] == ["done", "done", "unchanged", "unchanged"]
    assert (steps[0]["result"]["landed"], steps[0]["result"]["files"]) == (0, 0)
    assert run.snapshot() == before


def test_rebuilding_gives_the_same_gold(run: Run) -> None:
    before = run.gold()
    loaded = run.json("load", "--full-refresh")
    assert (loaded["inserted"], loaded["total"]) == (len(run.truth.lines), len(run.truth.lines))
    backfilled = run.json("pipeline", "--full-backfill")["steps"]
    assert backfilled[0]["result"]["landed"] == len(run.truth.lines)
    assert backfilled[1]["result"]["unchanged"] == len(run.truth.lines)
    assert backfilled[2]["status"] == "done"
    assert run.gold() == before
