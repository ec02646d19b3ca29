"""The samples hold what decides prompts, lines, costs and users."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest
from sample_entries import (
    blocks,
    entries,
    patches,
    prompt_tokens,
    queue,
    queued_commands,
    results,
    text,
    usage_of,
)


def test_usage_that_cannot_be() -> None:
    messages = [entry["message"] for entry in entries("assistant")]
    counts = [usage_of(entry).get("input_tokens", 0) for entry in entries("assistant")]
    assert any(message["usage"] is None for message in messages)
    assert any(
        message["usage"] is not None and "output_tokens" not in message["usage"] for message in messages
    )
    assert (min(counts), max(counts)) == (-7, 10**15)


@pytest.mark.parametrize(
    ("model", "bound"),
    [("claude-sonnet-4-5-20250929[1m]", 200_000), ("claude-haiku-5-5", 100_000)],
)
def test_long_prompts(model: str, bound: int) -> None:
    asked = [entry for entry in entries("assistant") if entry["message"]["model"] == model]
    assert max(map(prompt_tokens, asked)) > bound > max(usage_of(entry)["input_tokens"] for entry in asked)


def test_a_price_changes() -> None:
    asked = [e for e in entries("assistant") if e["message"]["model"] == "claude-sonnet-5-5"]
    assert {entry["timestamp"] >= "2026-10-07" for entry in asked} == {False, True}


def test_what_else_costs() -> None:
    usages = [usage_of(entry) for entry in entries("assistant")]
    parts = {part["type"] for usage in usages for part in usage.get("iterations") or ()}
    assert parts == {"message", "advisor_message", "compaction"}
    assert {usage.get("speed") for usage in usages} == {None, "standard", "fast"}
    assert {usage.get("inference_geo") for usage in usages} >= {"us", "not_available"}
    assert any((usage.get("server_tool_use") or {}).get("web_search_requests") for usage in usages)
    assert any((each or {}).get("searchCount") for each in results("WebSearch"))


def test_an_aside_repeats_a_response() -> None:
    requests = defaultdict(set)
    for entry in entries("assistant"):
        if entry["message"]["model"] != "<synthetic>" and "requestId" in entry:
            requests[entry["message"]["id"]].add((entry["requestId"], entry["isSidechain"]))
    repeated = [found for found in requests.values() if len({request for request, _ in found}) > 1]
    assert [{side for _, side in found} for found in repeated] == [{False, True}]


@pytest.mark.parametrize("tool", ["Edit", "MultiEdit", "Write"])
def test_patches(tool: str) -> None:
    marks = {line[0] for patch in patches(tool) for hunk in patch for line in hunk.get("lines", ())}
    assert marks >= {"+", " "}


def test_edits_that_the_patch_alone_tells_of() -> None:
    edits = [each for each in results("Edit") if isinstance(each, dict)]
    assert any(each["replaceAll"] and "\\" in str(each["structuredPatch"]) for each in edits)
    assert any("lines" not in hunk for patch in patches("Edit") for hunk in patch)
    assert None in results("Edit")
    assert any(isinstance(each, str) for each in results("Edit"))


def test_files_written() -> None:
    written = [each for each in results("Write") if each]
    assert {(each["type"], bool(each["structuredPatch"])) for each in written} == {
        *{("create", False), ("update", True), ("update", False)}
    }


@pytest.mark.parametrize(
    "beginning",
    [
        *("Implement the following plan", "<teammate-message ", "<task-notification>", "<ci-monitor-event>"),
        *("Operation stopped by hook", "Stop hook says"),
    ],
)
def test_what_nobody_typed(beginning: str) -> None:
    assert any(text(entry).startswith(beginning) for entry in entries("user"))


def test_who_typed_it() -> None:
    plans = [entry for entry in entries("user") if text(entry).startswith("Implement the following plan")]
    sources = {(e.get("promptSource"), e.get("entrypoint")) for e in entries("user")}
    origins = [(e["origin"], text(e)[:4]) for e in entries("user") if "origin" in e]
    assert {(entry["version"], "planContent" in entry) for entry in plans} == {
        ("2.1.190", True),
        ("2.1.14", False),
    }
    assert sources >= {("sdk", "sdk-cli"), ("sdk", "claude-desktop"), ("typed", "cli"), (None, None)}
    assert ("task-notification", "The ") in origins
    assert ({"kind": "task-notification"}, "The ") in origins
    assert ({"kind": "human"}, "<ci-") in origins


def test_instructions_to_sub_agents() -> None:
    wrapped = [e["data"]["message"] for e in entries("progress") if e["data"]["type"] == "agent_progress"]
    assert any(entry["type"] == "user" and text(entry) for entry in wrapped)
    assert any(entry["isSidechain"] and text(entry) for entry in entries("user"))


def test_context_of_the_editor() -> None:
    marked = [blocks(entry) for entry in entries("user") if text(entry).startswith("<ide_opened_file>")]
    assert {len(found) for found in marked} == {1, 2}


def test_queue_operations() -> None:
    assert {type(content) for content in queue("enqueue")} == {str, list}
    assert {str(content)[0] for content in queue("enqueue")} >= {"<", "/", "{"}
    assert {content in queue("enqueue") for content in queue("popAll")} == {True}
    assert queue("remove")
    assert {text({"message": {"content": c}}) in map(text, entries("user")) for c in queue("enqueue")} == {
        False,
        True,
    }


def test_queued_commands() -> None:
    prompts = [each["prompt"] for each in queued_commands() if each["commandMode"] == "prompt"]
    assert {prompt in queue("enqueue") for prompt in prompts} == {False, True}
    assert {type(prompt) for prompt in prompts} == {str, list}
    assert any(each["commandMode"] != "prompt" for each in queued_commands())


def test_whose_home_it_is() -> None:
    found = {re.sub(r"(?<=dana|mika|noor)\W.*", "", entry["cwd"]) for entry in entries() if "cwd" in entry}
    assert found == {
        *("/home/dana", "/home/noor", "/Users/mika", "/Users/noor"),
        *("C:\\Users\\dana", "c:\\Users\\dana", "C:\\Users\\noor"),
    }
