"""What transcripts say, read line by line in plain Python: the numbers that gold must show."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

Entry = dict[str, Any]

PRICES = Path(__file__).parent.parent / "transforms" / "seeds" / "model_prices.csv"
COPIES = re.compile(r"(^|/)agent-(acompact|aside_question)-")
DATED = re.compile(r"-\d{8}$")


@dataclass(frozen=True)
class ToolCall:
    """A tool call and what is known of its result."""

    tool: str
    is_error: bool
    has_result: bool


@dataclass(frozen=True)
class Response:
    """An API response; its day is in UTC."""

    day: date
    model: str
    input: int
    output: int
    cache_5m: int
    cache_1h: int
    cache_read: int

    @property
    def tokens(self) -> tuple[int, int, int, int]:
        """Input, output, cache creation and cache read."""
        return self.input, self.output, self.cache_5m + self.cache_1h, self.cache_read


@dataclass(frozen=True)
class Truth:
    """What the transcripts under a folder that holds ``projects`` say."""

    folder: Path

    @cached_property
    def lines(self) -> list[Entry]:
        """Every line that is a JSON object, with the file it stands in."""
        return [line for path in sorted(self.folder.rglob("*.jsonl")) for line in _lines(path)]

    @cached_property
    def unwrapped(self) -> list[Entry]:
        """Every line as the entry it is or wraps, copies included."""
        return [_unwrapped(line) for line in self.lines]

    @property
    def entries(self) -> list[Entry]:
        """One entry per uuid, originals before copies; without one, per file and content."""
        entries = reversed(_originals_first(self.unwrapped))
        return list({_identity(entry): entry for entry in entries}.values())

    @property
    def sessions(self) -> set[str]:
        """Every session that a line names."""
        return {entry["sessionId"] for entry in self.unwrapped if entry.get("sessionId")}

    @property
    def messages(self) -> dict[str, int]:
        """How many messages each role wrote."""
        roles = [entry["type"] for entry in self.entries if entry["type"] in {"user", "assistant"}]
        return {role: roles.count(role) for role in sorted(set(roles))}

    @property
    def tool_calls(self) -> dict[str, ToolCall]:
        """The tool calls by their ids."""
        entries = list(reversed(_originals_first(self.unwrapped)))
        results = {block["tool_use_id"]: block for block in _blocks(entries, "user", "tool_result")}
        return {
            block["id"]: ToolCall(
                block["name"], bool(results.get(block["id"], {}).get("is_error")), block["id"] in results
            )
            for block in _blocks(entries, "assistant", "tool_use")
        }

    @property
    def responses(self) -> dict[tuple[str, str | None, str | None], Response]:
        """The fullest line of each API response, by message, request and, without a request, session."""
        found = [
            entry
            for entry in self.unwrapped
            if entry["type"] == "assistant" and entry["message"].get("model") != "<synthetic>"
        ]
        found.sort(key=lambda entry: (-entry["message"]["usage"]["output_tokens"], entry["timestamp"]))
        return {_response_key(entry): _response(entry) for entry in reversed(found)}

    @property
    def daily(self) -> dict[date, tuple[int, ...]]:
        """Responses, then input, output, cache creation and cache read tokens, per UTC day."""
        days: dict[date, tuple[int, ...]] = {}
        for response in self.responses.values():
            before = days.get(response.day, (0, 0, 0, 0, 0))
            days[response.day] = tuple(map(sum, zip(before, (1, *response.tokens), strict=True)))
        return days

    @property
    def costs(self) -> dict[tuple[str, str | None, str | None], float | None]:
        """The list price of each response in US dollars; None where its model has none."""
        prices = _prices()
        return {key: _cost(response, prices) for key, response in self.responses.items()}


def _lines(path: Path) -> Iterator[Entry]:
    file = re.split(r"(?:^|/)projects/", path.as_posix())[-1]
    for line in path.read_bytes().split(b"\n"):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        yield {**entry, "file": file}


def _unwrapped(line: Entry) -> Entry:
    data = line.get("data") or {}
    if line["type"] != "progress" or data.get("type") != "agent_progress":
        return line
    outer = {name: line.get(name) for name in ("sessionId", "timestamp", "file")}
    return {**outer, **data["message"]}


def _originals_first(entries: list[Entry]) -> list[Entry]:
    """Files of copies last, and the earliest first."""
    return sorted(entries, key=lambda e: (bool(COPIES.search(e["file"])), e.get("timestamp") or "9"))


def _identity(entry: Entry) -> str:
    return entry.get("uuid") or json.dumps(entry, sort_keys=True)


def _blocks(entries: Iterable[Entry], role: str, kind: str) -> Iterator[Entry]:
    for entry in entries:
        content = entry["message"]["content"] if entry["type"] == role else None
        yield from (block for block in content or () if isinstance(block, dict) and block["type"] == kind)


def _response_key(entry: Entry) -> tuple[str, str | None, str | None]:
    request = entry.get("requestId")
    return entry["message"]["id"], request, None if request else entry["sessionId"]


def _response(entry: Entry) -> Response:
    usage = entry["message"]["usage"]
    one_hour = (usage.get("cache_creation") or {}).get("ephemeral_1h_input_tokens", 0)
    return Response(
        day=datetime.fromisoformat(entry["timestamp"]).date(),
        model=entry["message"]["model"],
        input=usage["input_tokens"],
        output=usage["output_tokens"],
        cache_5m=usage.get("cache_creation_input_tokens", 0) - one_hour,
        cache_1h=one_hour,
        cache_read=usage.get("cache_read_input_tokens", 0),
    )


def _prices() -> list[dict[str, str]]:
    with PRICES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _cost(response: Response, prices: list[dict[str, str]]) -> float | None:
    """By the price of the day for the longest prompt that this one exceeds."""
    model, day = DATED.sub("", response.model), response.day.isoformat()
    prompt = response.input + response.cache_5m + response.cache_1h + response.cache_read
    held = [
        ((int(row["prompt_above"]), row["valid_from"]), row)
        for row in prices
        if row["model"] == model and row["valid_from"] <= day and int(row["prompt_above"]) < max(prompt, 1)
    ]
    if not held:
        return None
    _, price = max(held, key=lambda each: each[0])
    counts = (response.input, response.output, response.cache_5m, response.cache_1h, response.cache_read)
    kinds = ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read")
    return sum(count * float(price[kind]) for count, kind in zip(counts, kinds, strict=True)) / 1e6
