"""Hand-made rows of ``raw.conversations``: each case is a session of its own, and what is to come of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from clogs.schema import COLUMNS

Row = dict[str, Any]

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
SONNET = "claude-sonnet-4-5-20250929"
NAMES = [column.name for column in COLUMNS]


def at(seconds: float) -> datetime:
    """A moment on Wednesday 2026-03-04, counted from noon UTC."""
    return NOON + timedelta(seconds=seconds)


def entry(identity: str, session: str | None, **columns: object) -> Row:
    """A document with an `_id`, in a session, with a uuid of its own."""
    row: Row = dict.fromkeys(NAMES)
    row |= {"_id": identity, "session_id": session, "uuid": f"u-{identity}", "project_id": "-home-me-app"}
    row |= {"type": "user", "source_file": f"{session}.jsonl", "timestamp": NOON, "date": NOON.date()}
    return row | {"ingested_at": NOON, "extracted_at": NOON} | columns


def user(identity: str, session: str, content: object, text: str | None = None, **columns: object) -> Row:
    message = json.dumps({"role": "user", "content": content})
    shown = text if text is not None else content if isinstance(content, str) else None
    return entry(
        identity, session, message_role="user", message_content=shown, message_raw=message, **columns
    )


def assistant(identity: str, session: str, blocks: object, text: str | None = None, **columns: object) -> Row:
    fields: Any = columns.pop("message", {"model": SONNET, "id": f"m-{identity}"})
    message = json.dumps({"role": "assistant", "content": blocks, **fields})
    columns = {"request_id": f"r-{identity}", "type": "assistant"} | columns
    return entry(
        identity, session, message_role="assistant", message_content=text, message_raw=message, **columns
    )


def call(identity: str, name: str = "Bash", **fields: object) -> Row:
    return {"type": "tool_use", "id": identity, "name": name, "input": {}} | fields


def result(identity: str, content: object = "ok", **fields: object) -> Row:
    return {"type": "tool_result", "tool_use_id": identity, "content": content} | fields


def answer(model: str | None = SONNET, message_id: str | None = "m", **usage: object) -> Row:
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
        entry_raw='{"data":{"type":"agent_progress","message":{"type":"user","uuid":"bare","message":"go"}}}',
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
    ("us.anthropic.claude-sonnet-4-20250514-v1:0", {"output_tokens": 1000}, 0.0165),
    ("claude-3-5-sonnet-v2@20241022", {"output_tokens": 1000}, 0.015),
    ("claude-3-5-haiku-latest", {"output_tokens": 1000}, 0.004),
    ("claude-sonnet-4-5[1m]", {"input_tokens": 300_000}, 1.8),
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
    (entry("k12", "kinds"), "meta"),
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
    *COPIES, *WRAPPED, *TOOLS, *RESPONSES, *PRICES, *(row for row, _ in KINDS), *ASKING,
    *TALK, *TITLES, *WINDOWS,
]  # fmt: skip
