"""The bundled samples hold every shape that real transcripts have, in a moderate size."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from sample_entries import (
    BY_UUID,
    PARSED,
    TEXTS,
    UUID,
    blocks,
    blocks_of,
    copies_in,
    entries,
    responses,
    usage_of,
)


def test_projects_are_laid_out_as_claude_code_does() -> None:
    assert {name.split("/")[0] for name in TEXTS} == {
        *("-home-dana-code-teashop-api", "-Users-mika-src-pebble"),
        *("C--Users-dana-notes", "c--Users-dana-notes"),
        *("-home-noor-code-lighthouse", "-Users-noor-Pictures", "C--Users-noor-harbour"),
    }
    assert sum(bool(UUID.fullmatch(Path(name).stem)) for name in TEXTS) == 21


@pytest.mark.parametrize(
    "place",
    [
        r"[^/]+/agent-\w+",
        r".+/subagents/agent-[0-9a-f]+",
        r".+/workflows/\w+/agent-[0-9a-f]+",
        r".+/agent-acompact-\w+",
        r".+/agent-aside_question-\w+",
    ],
)
def test_sub_agents_stand_beside_and_below(place: str) -> None:
    assert any(re.fullmatch(place + r"\.jsonl", name) for name in TEXTS)


def test_the_samples_are_small_but_not_tiny() -> None:
    assert 500 <= len(entries()) <= 900
    assert 400_000 <= sum(len(text.encode()) for text in TEXTS.values()) <= 900_000


def test_every_line_is_compact_json() -> None:
    written = "\n".join(json.dumps(e, ensure_ascii=False, separators=(",", ":")) for e in entries())
    assert set(written.split("\n")) <= set("\n".join(TEXTS.values()).split("\n"))


def test_the_dirt_is_what_the_demo_expects() -> None:
    assert ["}{" in line for _, broken in PARSED.values() for line in broken] == [True, False]
    assert sum("\n\n" in text for text in TEXTS.values()) == 1
    assert sum(not text.endswith("\n") for text in TEXTS.values()) == 1
    assert "\r" not in "".join(TEXTS.values())


def test_entry_types() -> None:
    assert {entry["type"] for entry in entries()} == {
        *("assistant", "user", "progress", "file-history-snapshot", "system", "queue-operation"),
        *("attachment", "summary", "last-prompt", "pr-link", "permission-mode", "ai-title"),
        *("custom-title", "mode", "tea-break"),
    }


def test_subtypes() -> None:
    progress = {entry["data"]["type"] for entry in entries("progress")}
    system = {entry.get("subtype") for entry in entries("system")}
    assert progress >= {"bash_progress", "hook_progress", "mcp_progress", "agent_progress"}
    assert system >= {None, "stop_hook_summary", "turn_duration", "compact_boundary", "api_error"}


def test_agent_progress_wraps_whole_entries() -> None:
    wrapped = [e["data"]["message"] for e in entries("progress") if e["data"]["type"] == "agent_progress"]
    assert {frozenset(entry) for entry in wrapped} == {
        frozenset({"type", "timestamp", "message", "uuid"}),
        frozenset({"type", "timestamp", "message", "uuid", "requestId"}),
    }
    assert {entry["type"] for entry in wrapped} == {"user", "assistant"}


def test_summaries_point_to_an_entry() -> None:
    assert all(entry["leafUuid"] in BY_UUID for entry in entries("summary"))
    assert not any("sessionId" in entry or "timestamp" in entry for entry in entries("summary"))
    assert not any("sessionId" in entry for entry in entries("file-history-snapshot"))


def test_versions() -> None:
    assert {entry["version"][:4] for entry in entries() if "version" in entry} == {"1.0.", "2.0.", "2.1."}


def test_models() -> None:
    assert {entry["message"]["model"] for entry in entries("assistant")} == {
        *("claude-opus-4-5-20251101", "claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001"),
        *("claude-opus-4-1-20250805", "claude-sonnet-4-20250514", "gateway-experimental-1", "<synthetic>"),
        *("claude-opus-4-8", "claude-opus-5", "claude-sonnet-4-6", "claude-sonnet-5-5", "claude-fable-5-1"),
        *("claude-haiku-5-5", "claude-sonnet-4-5-20250929[1m]"),
        "us.anthropic.claude-opus-4-5-20251101-v1:0",
    }


def test_one_response_takes_several_lines() -> None:
    lines = list(responses().values())
    tokens = [[output for _, output in response] for response in lines]
    places = [pair for response in lines for pair in pairwise(place for place, _ in response)]
    assert any(outputs[0] < outputs[-1] for outputs in tokens), "output tokens grow"
    assert any(outputs[-1] < max(outputs) for outputs in tokens), "the largest is not always last"
    assert any(len(outputs) > 1 == len(set(outputs)) for outputs in tokens), "some lines repeat them"
    assert any(later - earlier > 1 for earlier, later in places), "lines need not be adjacent"


def test_responses_without_a_request() -> None:
    without = [entry for entry in entries("assistant") if "requestId" not in entry]
    gateway = [entry for entry in without if entry["message"]["model"] != "<synthetic>"]
    sessions = defaultdict(set)
    for entry in gateway:
        sessions[entry["message"]["id"]].add(entry["sessionId"])
    assert sorted(len(found) for found in sessions.values()) == [1, 1, 1, 2]
    assert any(entry.get("isApiErrorMessage") for entry in without)


def test_usage() -> None:
    usages = [usage_of(entry) for entry in entries("assistant")]
    splits = [usage["cache_creation"] for usage in usages if "cache_creation" in usage]
    assert 0 < len(splits) < len(usages)
    assert any(split["ephemeral_5m_input_tokens"] for split in splits)
    assert any(split["ephemeral_1h_input_tokens"] for split in splits)


def test_tools() -> None:
    assert {block["name"] for block in blocks_of("tool_use", "assistant")} >= {
        *("Bash", "Read", "Write", "Edit", "MultiEdit", "NotebookEdit", "Grep", "Glob", "Task", "WebFetch"),
        *("TodoWrite", "mcp__tracker__search_issues", 'ask "politely"\nand wait'),
    }


def test_calls_and_results_do_not_all_meet() -> None:
    calls = {block["id"] for block in blocks_of("tool_use", "assistant")}
    results = {block["tool_use_id"] for block in blocks_of("tool_result", "user")}
    assert len(calls & results) > 100
    assert (len(calls - results), len(results - calls)) == (1, 1)


def test_results_take_every_form() -> None:
    results = blocks_of("tool_result", "user")
    assert {block.get("is_error") for block in results} == {None, False, True}
    assert {type(block["content"]) for block in results} == {str, list}
    assert any(block["content"] == "" for block in results)
    lists = [block["content"] for block in results if isinstance(block["content"], list)]
    assert {part["type"] for parts in lists for part in parts} == {"text", "image"}
    assert {type(entry.get("toolUseResult")) for entry in entries("user")} == {type(None), dict, str, list}


@pytest.mark.parametrize(
    "words",
    [
        *("<command-name>", "<local-command-stdout>", "<bash-input>", "[Request interrupted by user]"),
        *("[Request interrupted by user for tool use]", "https://", "```", "?", "fix", "feature"),
        *("refactor", "test", "docs", "review", "\N{WRAPPED PRESENT}", "\N{VULGAR FRACTION ONE HALF}"),
    ],
)
def test_typed_words(words: str) -> None:
    assert any(words in block["text"] for block in blocks_of("text", "user"))


def test_messages_take_every_form() -> None:
    kinds = Counter(frozenset(b["type"] for b in blocks(e)) for e in entries("assistant"))
    assert {type(entry["message"]["content"]) for entry in entries("user")} == {str, list}
    assert {frozenset[str](), frozenset({"thinking"}), frozenset({"text", "tool_use"})} <= kinds.keys()
    assert blocks_of("image", "user")
    assert {"isMeta", "isCompactSummary"} <= {field for entry in entries("user") for field in entry}
    assert any(len({b["type"] for b in blocks(entry)}) > 1 for entry in entries("user"))


@pytest.mark.parametrize("part", ["agent-acompact-", "agent-aside_question-"])
def test_copies_differ_from_their_originals(part: str) -> None:
    assert len(copies_in(part)) > 5
    assert all("agentId" in copy and "agentId" not in original for original, copy in copies_in(part))
    assert all(copy["message"] != original["message"] for original, copy in copies_in(part))


def test_uuids_repeat_in_a_fork_but_not_in_a_file() -> None:
    sessions = [{entry["sessionId"] for _, entry in found} for found in BY_UUID.values()]
    assert sum(len(found) > 1 for found in sessions) > 10
    assert all(len({name for name, _ in found}) == len(found) for found in BY_UUID.values())


def test_order_is_not_time_order() -> None:
    stamps = [[e["timestamp"] for e in rows if "timestamp" in e] for rows, _ in PARSED.values()]
    pairs = [pair for file in stamps for pair in pairwise(file)]
    assert any(later < earlier for earlier, later in pairs)
    assert any(later == earlier for earlier, later in pairs)


def test_identical_lines_have_no_uuid() -> None:
    lines = Counter((name, json.dumps(entry)) for name, (rows, _) in PARSED.items() for entry in rows)
    repeated = [line for (_, line), times in lines.items() if times > 1]
    assert repeated
    assert all('"uuid"' not in line for line in repeated)


def test_keys_with_dots_and_null_parents() -> None:
    inputs = [block["input"] for block in blocks_of("tool_use", "assistant")]
    assert any("src/watch.ts" in given.get("files", {}) for given in inputs)
    assert any(entry["snapshot"]["trackedFileBackups"] for entry in entries("file-history-snapshot"))
    assert any(entry.get("parentUuid", "") is None for entry in entries())


def test_the_days_span_three_to_four_weeks() -> None:
    stamps = [entry["timestamp"] for entry in entries() if "timestamp" in entry]
    days = {date.fromisoformat(stamp[:10]) for stamp in stamps}
    assert 21 <= (max(days) - min(days)).days <= 28
    assert {day.weekday() for day in days} == set(range(7))
    assert len({stamp[11:13] for stamp in stamps}) >= 10
