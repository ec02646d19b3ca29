"""How many lines a tool call adds to its file and removes from it, by a plain reading of transcripts."""

from __future__ import annotations

from itertools import chain, takewhile
from typing import Any

Block = dict[str, Any]

WRITERS = {"Write", "Edit", "MultiEdit", "NotebookEdit"}


def changed(call: Block, outcome: object) -> tuple[int, int]:
    """Lines added and removed: those of the recorded patch, else those that the call itself tells of."""
    recorded = outcome if isinstance(outcome, dict) else {}
    hunks = [hunk.get("lines") for hunk in recorded.get("structuredPatch") or ()]
    if "structuredPatch" not in recorded or recorded.get("type") == "create" or None in hunks:
        return _told(call)
    lines = list(chain.from_iterable(hunks))
    return sum(line.startswith("+") for line in lines), sum(line.startswith("-") for line in lines)


def _told(call: Block) -> tuple[int, int]:
    given = call["input"]
    match call["name"]:
        case "Write":
            edits = [("", given.get("content"))]
        case "NotebookEdit":
            edits = [("", given.get("new_source"))]
        case _:
            parts = given.get("edits", [given])
            edits = [(part.get("old_string"), part.get("new_string")) for part in parts]
    added, removed = zip(*(_replaced(_lines(old), _lines(new)) for old, new in edits), strict=True)
    return sum(added), sum(removed)


def _replaced(old: list[str], new: list[str]) -> tuple[int, int]:
    """Lines of each that the other does not repeat at its ends."""
    equal = min(len(old), len(new), _equal(old, new) + _equal(old[::-1], new[::-1]))
    return len(new) - equal, len(old) - equal


def _equal(old: list[str], new: list[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))


def _lines(text: str | None) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []
