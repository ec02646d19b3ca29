"""Models that follow changes are always what they would be if they were built from nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from built import SAMPLES
from conftest import TRANSCRIPTS
from following import Following, following, rows_of
from model_cases import NAMES, Row, answer, assistant, at, call, entry, result, user

pytestmark = pytest.mark.slow

CASES = int(os.environ.get("CLOGS_TEST_CASES", "12"))
FILES = 6
COMPILED = 0.6
"""The share of the runs that follow changes without SQLMesh."""

EDITS = {
    "another time": "SET timestamp = timestamp + to_days(CAST(hash(_id) % 60 AS INTEGER) - 30)",
    "no time": "SET timestamp = NULL",
    "another session": "SET session_id = (SELECT max(session_id) FROM raw.conversations)",
    "no session": "SET session_id = NULL",
    "another project": "SET project_id = '-somewhere-else'",
    "another message": "SET message_raw = (SELECT max(message_raw) FROM raw.conversations)",
    "no message": "SET message_raw = NULL, message_content = NULL",
    "another identity": "SET uuid = (SELECT max(uuid) FROM raw.conversations)",
    "no identity": "SET uuid = NULL",
    "another request": "SET request_id = (SELECT max(request_id) FROM raw.conversations)",
    "a copy": "SET source_file = 'x/subagents/agent-acompact-1.jsonl'",
    "no copy": "SET source_file = 'x.jsonl'",
    "another type": "SET type = 'user'",
    "typed ahead": "SET type = 'queue-operation'",
    "another entry": "SET entry_raw = (SELECT max(entry_raw) FROM raw.conversations)",
}


@pytest.fixture(scope="module")
def real(models: Following, tmp_path_factory: pytest.TempPathFactory) -> Following:
    """All rows of real transcripts, or else of the samples, in a table ``arriving``."""
    folder = TRANSCRIPTS if TRANSCRIPTS.is_dir() else SAMPLES
    rows = rows_of(folder, tmp_path_factory.mktemp("arriving"))
    models.run(
        f"CREATE OR REPLACE TEMP TABLE arriving AS SELECT * FROM read_parquet('{rows}')",
        "SELECT count(*) FROM arriving",
    )
    return models


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Following]:
    with following(tmp_path_factory.mktemp("following")) as opened:
        yield opened


@pytest.fixture
def empty(models: Following) -> Following:
    models.change("DELETE FROM raw.conversations", ids="SELECT _id FROM raw.conversations")
    models.follow()
    return models


@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("seed", range(CASES))
def test_after_any_loads_in_any_order(empty: Following, seed: int) -> None:
    dice = Random(seed)  # noqa: S311  # the same cases each time
    file = "split_part(_id, '-', 1)"
    files = f"SELECT {file} FROM arriving GROUP BY 1 ORDER BY hash({file}, {seed}) LIMIT {FILES}"
    loads = dice.randint(2, 3)
    for load in range(loads):
        arrived = f"FROM arriving WHERE hash(_id, {seed}) % {loads} = {load} AND {file} IN ({files})"
        empty.change(f"INSERT INTO raw.conversations {arrived}", ids=f"SELECT _id FROM ({arrived})")
        for edit in dice.sample(list(EDITS), dice.randint(0, 3)):
            some = f"SELECT _id FROM raw.conversations WHERE hash(_id, {dice.getrandbits(30)}) % 40 = 0"
            empty.change(
                f"CREATE OR REPLACE TEMP TABLE chosen AS {some}",
                f"UPDATE raw.conversations {EDITS[edit]} WHERE _id IN (FROM chosen)",
                ids=some,
            )
        if dice.random() < 0.4:
            gone = f"SELECT _id FROM raw.conversations WHERE hash(_id, {dice.getrandbits(30)}) % 25 = 0"
            empty.change(f"DELETE FROM raw.conversations WHERE _id IN ({gone})", ids=gone)
        empty.follow(compiled=dice.random() < COMPILED)
    assert empty.differences() == {}
    assert empty.run("SELECT count(*) > 0 FROM gold.fct_messages") == [(True,)]


def insert(models: Following, *rows: Row) -> None:
    """Load documents, in place of those of the same ``_id``, and follow."""
    path = json.dumps([row["_id"] for row in rows])
    ids = f"SELECT unnest(from_json('{path}', '[\"VARCHAR\"]')) AS _id"
    values = ", ".join("(" + ", ".join(_literal(row[name]) for name in NAMES) + ")" for row in rows)
    models.change(
        f"DELETE FROM raw.conversations WHERE _id IN ({ids})",
        f"INSERT INTO raw.conversations VALUES {values}",
        ids=ids,
    )
    models.follow()


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, bool) else "'" + str(value).replace("'", "''") + "'"


def wrapped(identity: str, uuid: str) -> Row:
    """A document that wraps the answer of a sub-agent."""
    inner = {"type": "assistant", "uuid": uuid, "timestamp": at(40).isoformat(), "requestId": "r-sub"}
    message = {"role": "assistant", "content": [call("t-sub")], **answer(message_id="m-sub", output_tokens=5)}
    data = {"type": "agent_progress", "agentId": "a", "message": inner | {"message": message}}
    return entry(identity, "s", type="progress", entry_raw=json.dumps({"data": data}))


COPY = "s/subagents/agent-acompact-1.jsonl"
FULL: Row = {"message": answer(message_id="m", output_tokens=9), "request_id": "r"}
EARLY: Row = {"message": answer(message_id="m", output_tokens=1), "request_id": "r"}
TITLE = {
    "type": "summary",
    "uuid": None,
    "timestamp": None,
    "entry_raw": '{"summary":"Sum","leafUuid":"leaf"}',
}
MONTH = 30 * 86_400

LATE: dict[str, tuple[list[list[Row]], str, list[tuple[Any, ...]]]] = {
    "the fullest line of a response comes later": (
        [[assistant("b", "s", [], **EARLY)], [assistant("c", "s", [], **FULL)]],
        "SELECT entry_id, output_tokens FROM gold.fct_api_calls",
        [("c", 9)],
    ),
    "the fullest line of a response comes first": (
        [[assistant("c", "s", [], **FULL)], [assistant("b", "s", [], **EARLY)]],
        "SELECT entry_id, output_tokens FROM gold.fct_api_calls",
        [("c", 9)],
    ),
    "a copy comes before its original": (
        [[user("b", "s", "hi", uuid="u", source_file=COPY)], [user("c", "s", "hi", uuid="u")]],
        "SELECT entry_id FROM gold.fct_messages",
        [("c",)],
    ),
    "an original comes to be a copy": (
        [
            [user("b", "s", "hi", uuid="u"), user("c", "s", "hi", uuid="u", timestamp=at(9))],
            [user("b", "s", "hi", uuid="u", source_file=COPY)],
        ],
        "SELECT entry_id FROM gold.fct_messages",
        [("c",)],
    ),
    "a result comes later": (
        [[assistant("b", "s", [call("t")])], [user("c", "s", [result("t", "ok")], timestamp=at(8))]],
        "SELECT has_result, duration_seconds, result_size FROM gold.fct_tool_calls",
        [(True, 8.0, 2)],
    ),
    "a result comes before its call": (
        [
            [user("c", "s", [result("t", "no", is_error=True)], timestamp=at(8))],
            [assistant("b", "s", [call("t")])],
        ],
        "SELECT is_error, duration_seconds FROM gold.fct_tool_calls",
        [(True, 8.0)],
    ),
    "an entry changes its session": (
        [
            [user("b", "s", "hi"), user("c", "s", "ho", timestamp=at(1))],
            [user("c", "other", "ho", timestamp=at(1))],
        ],
        "SELECT session_id, prompts FROM gold.dim_sessions ORDER BY 1",
        [("other", 1), ("s", 1)],
    ),
    "an entry moves to another day": (
        [[user("b", "s", "hi")], [user("b", "s", "hi", timestamp=at(MONTH))]],
        "SELECT date_key, prompts FROM gold.agg_daily_summary",
        [(20260403, 1)],
    ),
    "a session grows a month later": (
        [[user("b", "s", "hi")], [user("c", "s", "ho", timestamp=at(MONTH))]],
        "SELECT duration_seconds, messages FROM gold.dim_sessions",
        [(float(MONTH), 2)],
    ),
    "an earlier prompt comes later": (
        [[user("b", "s", "hi")], [user("c", "s", "ho", timestamp=at(-5))]],
        "SELECT entry_id, message_sequence, turn_type FROM gold.fct_messages ORDER BY 2",
        [("c", 1, "initial_prompt"), ("b", 2, "follow_up")],
    ),
    "a summary comes before the entry it names": (
        [[entry("b", None, **TITLE)], [user("c", "s", "hi", uuid="leaf")]],
        "SELECT session_id, title FROM gold.dim_sessions",
        [("s", "Sum")],
    ),
    "the entry that a summary names changes its session": (
        [
            [entry("b", None, **TITLE), user("c", "s", "hi", uuid="leaf")],
            [user("c", "other", "hi", uuid="leaf")],
        ],
        "SELECT session_id, title FROM gold.dim_sessions",
        [("other", "Sum")],
    ),
    "an entry is unwrapped from a later document": (
        [[user("c", "s", [result("t-sub", "ok")], timestamp=at(50))], [wrapped("b", "inner")]],
        "SELECT is_sidechain, has_result, duration_seconds FROM gold.fct_tool_calls",
        [(True, True, 10.0)],
    ),
    "the same documents come again": (
        [[user("b", "s", "hi"), assistant("c", "s", [call("t")], **FULL)]] * 3,
        "SELECT messages, tool_calls, api_calls FROM gold.dim_sessions",
        [(2, 1, 1)],
    ),
    "the last message of a day goes": (
        [[user("b", "s", "hi")], [entry("b", "s", type="system")]],
        "SELECT date_key FROM gold.agg_hourly_activity",
        [],
    ),
}


@pytest.mark.parametrize("case", LATE)
def test_what_comes_late_ends_as_if_it_had_come_at_once(empty: Following, case: str) -> None:
    loads, query, expected = LATE[case]
    for rows in loads:
        insert(empty, *rows)
    assert empty.run(query) == expected
    assert empty.differences() == {}
