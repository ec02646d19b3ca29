"""The entries of the bundled samples, and ways to look into them."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import clogs

PROJECTS = Path(clogs.__file__).parent / "samples" / "projects"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Entry = dict[str, Any]


def _parsed(text: str) -> tuple[list[Entry], list[str]]:
    """The entries of a file, and its broken lines."""
    entries: list[Entry] = []
    broken: list[str] = []
    for line in filter(None, text.split("\n")):
        try:
            entries.append(json.loads(line))
        except ValueError:
            broken.append(line)
    return entries, broken


TEXTS = {
    path.relative_to(PROJECTS).as_posix(): path.read_bytes().decode()
    for path in sorted(PROJECTS.rglob("*.jsonl"))
}
"""Each file's text, by its path under ``projects``."""
PARSED = {name: _parsed(text) for name, text in TEXTS.items()}
BY_UUID: dict[str, list[tuple[str, Entry]]] = defaultdict(list)
for _name, (_rows, _) in PARSED.items():
    for _entry in _rows:
        if "uuid" in _entry:
            BY_UUID[_entry["uuid"]].append((_name, _entry))


def entries(kind: str | None = None) -> list[Entry]:
    return [entry for found, _ in PARSED.values() for entry in found if kind in (None, entry["type"])]


def blocks(entry: Entry) -> list[Entry]:
    content = entry["message"]["content"]
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def blocks_of(kind: str, role: str) -> list[Entry]:
    return [block for entry in entries(role) for block in blocks(entry) if block["type"] == kind]


def usage_of(entry: Entry) -> Entry:
    return entry["message"]["usage"] or {}


def prompt_tokens(entry: Entry) -> int:
    names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    return sum(usage_of(entry).get(name) or 0 for name in names)


def text(entry: Entry) -> str:
    return "\n".join(block["text"] for block in blocks(entry) if block["type"] == "text")


def results(tool: str) -> list[Any]:
    """What Claude Code recorded of each result of a tool, None where it recorded nothing."""
    calls = {block["id"] for block in blocks_of("tool_use", "assistant") if block["name"] == tool}
    return [
        entry.get("toolUseResult")
        for entry in entries("user")
        if any(block.get("tool_use_id") in calls for block in blocks(entry))
    ]


def patches(tool: str) -> list[Any]:
    return [each["structuredPatch"] for each in results(tool) if "structuredPatch" in (each or ())]


def queue(operation: str) -> list[Any]:
    return [e.get("content") for e in entries("queue-operation") if e["operation"] == operation]


def queued_commands() -> list[Entry]:
    attachments = [entry["attachment"] for entry in entries("attachment")]
    return [attachment for attachment in attachments if attachment["type"] == "queued_command"]


def responses() -> dict[tuple[str, str], list[tuple[int, int]]]:
    """Place in the file and output tokens of each line, by message and request; without copies."""
    found: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for name, (rows, _) in PARSED.items():
        for place, entry in enumerate(rows):
            if entry["type"] == "assistant" and "agentId" not in entry and "requestId" in entry:
                key = (name + entry["message"]["id"], entry["requestId"])
                found[key].append((place, usage_of(entry).get("output_tokens", 0)))
    return found


def copies_in(part: str) -> list[tuple[Entry, Entry]]:
    """Originals and their copies in files whose name holds ``part``."""
    return [
        (original, copy)
        for found in BY_UUID.values()
        for name, copy in found
        for other, original in found
        if part in name and part not in other
    ]
