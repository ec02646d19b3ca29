"""What a user message is, and which prompts a person typed, by a plain reading of transcripts."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

Entry = dict[str, Any]
Content = str | list[Any] | None

CONTEXT = ("<ide_opened_file>", "<ide_selection>")
"""How blocks begin that the editor adds to what is typed."""
COMMAND = re.compile(r"\s*<(command-(name|message|args)|local-command-\w+|bash-(input|stdout|stderr))>")
NOTIFICATION = re.compile(
    r"\s*(<(task-notification|teammate-message|ci-monitor-event)\b|Operation stopped by hook|Stop hook says)"
)
PLAN = "Implement the following plan"
WITHOUT_PLAN_CONTENT = {f"2.1.{patch}" for patch in range(12, 18)}
"""Versions that do not mark the plans that they write as user entries."""


def text_of(content: Content) -> str:
    """What is typed of a content: its texts, without what the editor adds."""
    if isinstance(content, str):
        return content
    texts = [block.get("text") if isinstance(block, dict) else block for block in content or ()]
    return "\n".join(text for text in texts if text is not None and not text.startswith(CONTEXT))


def kind_of(entry: Entry) -> str:
    """What a user message is."""
    content = entry["message"]["content"]
    text = text_of(content)
    checks = {
        "compact_summary": entry.get("isCompactSummary"),
        "tool_result": _has_block(content, "tool_result"),
        "meta": entry.get("isMeta") or not (text or _has_block(content, "image")),
        "interrupt": text.startswith("[Request interrupted by user"),
        "command": COMMAND.match(text),
        "agent_prompt": entry.get("isSidechain"),
        "notification": NOTIFICATION.match(text) or _origin(entry) == "task-notification",
        "plan": _is_plan(entry, text),
        "sdk_prompt": entry.get("promptSource") == "sdk" and entry.get("entrypoint", "").startswith("sdk-"),
    }
    return next((kind for kind, holds in checks.items() if holds), "prompt")


def queued(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries that stand for prompts taken in the middle of a turn, which no user entry repeats."""
    by_text: dict[tuple[str, str], dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    taken_back: dict[str, list[Entry]] = defaultdict(list)
    for entry in sorted(entries, key=_time):
        role, content = _queue_role(entry)
        text = text_of(content).strip()
        if role == "popAll":
            taken_back[entry["sessionId"]].append(entry)
        elif role and text and text[0] not in "</{":
            by_text[entry["sessionId"], text][role].append(entry)
    for (session, text), found in by_text.items():
        yield from _unrepeated(text, found, taken_back[session])


def _unrepeated(text: str, found: dict[str, list[Entry]], taken_back: list[Entry]) -> list[Entry]:
    """The last of the entries that queue a text in a session: as many as no user entry repeats."""
    enqueued, attached = found["enqueue"], found["attachment"]
    since = min(map(_time, enqueued + attached), default="9")
    repeated = [entry for entry in found["user"] if _time(entry) >= since]
    back = [each for each in taken_back if _time(each) >= since and text in text_of(each["content"])]
    count = max(len(enqueued) - len(back), len(attached)) - len(repeated)
    rows = enqueued if len(enqueued) >= len(attached) else attached
    return rows[len(rows) - max(count, 0) :]


def _queue_role(entry: Entry) -> tuple[str | None, Content]:
    """What an entry does with the queue, and with which content."""
    attachment = entry.get("attachment") or {}
    is_queued = attachment.get("type") == "queued_command" and attachment.get("commandMode") == "prompt"
    match entry["type"]:
        case "queue-operation" if entry.get("operation") in {"enqueue", "popAll"}:
            return entry["operation"], entry.get("content")
        case "attachment" if is_queued:
            return "attachment", attachment.get("prompt")
        case "user":
            return "user", entry["message"]["content"]
    return None, None


def _is_plan(entry: Entry, text: str) -> bool:
    return bool(entry.get("planContent")) or (
        entry.get("version") in WITHOUT_PLAN_CONTENT and text.startswith(PLAN)
    )


def _origin(entry: Entry) -> str | None:
    origin = entry.get("origin")
    kind: str | None = origin.get("kind") if isinstance(origin, dict) else origin
    return kind


def _has_block(content: Content, kind: str) -> bool:
    return any(isinstance(block, dict) and block["type"] == kind for block in content or ())


def _time(entry: Entry) -> str:
    return entry.get("timestamp") or "9"
