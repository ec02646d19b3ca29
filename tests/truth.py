"""What transcripts say, read line by line in plain Python: the numbers that gold must show."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from truth_costs import Bought, Response, bought, output_of
from truth_lines import WRITERS, changed
from truth_prompts import kind_of, queued

Entry = dict[str, Any]
Key = tuple[str, str | None, str | None]
"""A response's message, request and, without a request, session."""

COPIES = re.compile(r"(^|/)agent-(acompact|aside_question)-")
HOME = re.compile(r"(?:/home/|/Users/|[A-Za-z]:\\Users\\)([^/\\]+)")
FIVE_HOURS = timedelta(hours=5)


@dataclass(frozen=True)
class ToolCall:
    """A tool call and what is known of its result."""

    tool: str
    is_error: bool
    has_result: bool


@dataclass(frozen=True)
class Window:
    """Responses in a window of five hours; its start is the hour of the first."""

    start: datetime
    first: datetime
    last: datetime
    bought: list[Bought]

    @property
    def end(self) -> datetime:
        """Five hours after the start."""
        return self.start + FIVE_HOURS

    @property
    def responses(self) -> int:
        """How many, without advisors and compactions."""
        return sum(each.kind == "response" for each in self.bought)

    @property
    def tokens(self) -> tuple[int, ...]:
        """Input, output, cache creation and cache read."""
        return tuple(map(sum, zip(*(each.response.tokens for each in self.bought), strict=True)))

    @property
    def models(self) -> list[str]:
        """Those that answered, by name."""
        return sorted({each.response.model for each in self.bought})


@dataclass(frozen=True)
class Truth:
    """What the transcripts under a folder that holds ``projects`` say.

    Attributes:
        folder: That folder.
        is_unwrapping: Whether progress lines count as the sub-agents' entries that they wrap.
    """

    folder: Path
    is_unwrapping: bool = True

    @cached_property
    def lines(self) -> list[Entry]:
        """Every line that is a JSON object, with the file it stands in."""
        return [line for path in sorted(self.folder.rglob("*.jsonl")) for line in _lines(path)]

    @cached_property
    def unwrapped(self) -> list[Entry]:
        """Every line as the entry it is or wraps, copies included."""
        return [_unwrapped(line) if self.is_unwrapping else line for line in self.lines]

    @property
    def entries(self) -> list[Entry]:
        """One entry per uuid, originals before copies; without one, per file and content."""
        entries = reversed(_originals_first(self.unwrapped))
        return list({_identity(entry): entry for entry in entries}.values())

    @property
    def sessions(self) -> set[str]:
        """Every session that a line names."""
        return {entry["sessionId"] for entry in self.unwrapped if entry.get("sessionId")}

    @cached_property
    def forked(self) -> set[str]:
        """The uuids that stand in several sessions."""
        found = {(entry.get("uuid"), entry.get("sessionId")) for entry in self.unwrapped}
        times = Counter(uuid for uuid, _ in found if uuid)
        return {uuid for uuid, count in times.items() if count > 1}

    @property
    def messages(self) -> dict[str, int]:
        """How many messages each role wrote, with the texts that no user entry repeats."""
        roles = Counter(entry["type"] for entry in self.entries if entry["type"] in {"user", "assistant"})
        return dict(roles + Counter(user=len(self.queued)))

    @cached_property
    def kinds(self) -> dict[str, str]:
        """What each user entry is, by its uuid."""
        return {entry["uuid"]: kind_of(entry) for entry in self.entries if entry["type"] == "user"}

    @cached_property
    def queued(self) -> list[Entry]:
        """The entries that stand for texts taken in the middle of a turn, which no user entry repeats."""
        return list(queued(self.entries))

    @property
    def prompts(self) -> list[Entry]:
        """The entries that stand for what a person typed, each once."""
        typed = [entry for entry in self.entries if self.kinds.get(entry.get("uuid", "")) == "prompt"]
        return typed + [entry for entry in self.queued if entry["sessionId"] not in self._by_program]

    @property
    def automated(self) -> set[str]:
        """The sessions that a program ran: nobody typed a prompt."""
        return self._by_program - {entry["sessionId"] for entry in self.prompts}

    @cached_property
    def _by_program(self) -> set[str]:
        """The sessions begun by the SDK."""
        return {
            entry["sessionId"] for entry in self.unwrapped if entry.get("entrypoint", "").startswith("sdk-")
        }

    @property
    def users(self) -> dict[str, str]:
        """Whose home folder each session worked in."""
        found = ((entry.get("sessionId"), HOME.match(entry.get("cwd") or "")) for entry in self.unwrapped)
        return {session: home[1] for session, home in found if session and home}

    @property
    def tool_calls(self) -> dict[str, ToolCall]:
        """The tool calls by their ids."""
        return {
            name: ToolCall(call["name"], _is_error(result), bool(result))
            for name, (call, result, _) in self._calls.items()
        }

    @property
    def changed_lines(self) -> dict[str, tuple[int, int]]:
        """Lines added and removed by each call that writes a file, by its id."""
        return {
            name: (0, 0) if _is_error(result) else changed(call, outcome)
            for name, (call, result, outcome) in self._calls.items()
            if call["name"] in WRITERS
        }

    @cached_property
    def _calls(self) -> dict[str, tuple[Entry, Entry, Any]]:
        """Each call, its result and what Claude Code recorded beside that, by the call's id."""
        entries = list(reversed(_originals_first(self.unwrapped)))
        results = {
            block["tool_use_id"]: (block, entry.get("toolUseResult"))
            for entry, block in _blocks(entries, "user", "tool_result")
        }
        calls = [block for _, block in _blocks(entries, "assistant", "tool_use")]
        return {call["id"]: (call, *results.get(call["id"], ({}, None))) for call in calls}

    @cached_property
    def reported(self) -> dict[Key, list[Entry]]:
        """The lines of each API response, the fullest first; without what /btw repeats."""
        found: dict[Key, list[Entry]] = defaultdict(list)
        for entry in sorted(self.unwrapped, key=lambda each: each.get("timestamp") or "9"):
            if entry["type"] == "assistant" and entry["message"].get("model") != "<synthetic>":
                found[_response_key(entry)].append(entry)
        for lines in found.values():
            lines.sort(key=output_of, reverse=True)
        aside = {key for key, lines in found.items() if key[1] and all(map(_is_aside, lines))}
        outside = {_said(found[key][0]) for key in found.keys() - aside if key[1]}
        return {
            key: lines for key, lines in found.items() if not (key in aside and _said(lines[0]) in outside)
        }

    @cached_property
    def bought(self) -> list[tuple[Key, Bought]]:
        """Every response, and the advisors and compactions that came with it."""
        return [
            (key, each)
            for key, lines in self.reported.items()
            for each in bought(lines[0], self._searches[key])
        ]

    @cached_property
    def _searches(self) -> Counter[Key]:
        """Searches of the web that Claude Code's own tool made, by the response that asked for them."""
        asked = _blocks(reversed(_originals_first(self.unwrapped)), "assistant", "tool_use")
        found: Counter[Key] = Counter()
        for name, key in {block["id"]: _response_key(entry) for entry, block in asked}.items():
            outcome = self._calls[name][2]
            found[key] += (outcome.get("searchCount") or 0) if isinstance(outcome, dict) else 0
        return found

    @property
    def responses(self) -> list[Response]:
        """What was bought, without its price."""
        return [each.response for _, each in self.bought]

    @property
    def costs(self) -> list[float | None]:
        """The list price of each in US dollars; None where its model has none."""
        return [each.cost for _, each in self.bought]

    @property
    def daily(self) -> dict[date, tuple[int, ...]]:
        """Responses, then input, output, cache creation and cache read tokens, per UTC day."""
        days: dict[date, tuple[int, ...]] = {}
        for _, each in self.bought:
            before = days.get(each.response.day, (0, 0, 0, 0, 0))
            counts = (each.kind == "response", *each.response.tokens)
            days[each.response.day] = tuple(map(sum, zip(before, counts, strict=True)))
        return days

    @property
    def windows(self) -> list[Window]:
        """The windows of five hours that the responses fall into."""
        found: list[Window] = []
        for key, lines in sorted(self.reported.items(), key=lambda item: _moment(item[1][0])):
            moment, things = _moment(lines[0]), list(bought(lines[0], self._searches[key]))
            if found and moment <= found[-1].end:
                found[-1] = replace(found[-1], last=moment, bought=found[-1].bought + things)
            else:
                start = moment.replace(minute=0, second=0, microsecond=0)
                found.append(Window(start, moment, moment, things))
        return found


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
    outer = {name: line.get(name) for name in ("sessionId", "timestamp", "file", "cwd", "version")}
    return {**outer, **data["message"], "isSidechain": True}


def _originals_first(entries: list[Entry]) -> list[Entry]:
    """Files of copies last, and the earliest first."""
    return sorted(entries, key=lambda e: (bool(COPIES.search(e["file"])), e.get("timestamp") or "9"))


def _identity(entry: Entry) -> str:
    return entry.get("uuid") or json.dumps(entry, sort_keys=True)


def _blocks(entries: Iterable[Entry], role: str, kind: str) -> Iterator[tuple[Entry, Entry]]:
    """The blocks of a kind, each after the entry it stands in."""
    for entry in entries:
        content = entry["message"]["content"] if entry["type"] == role else None
        for block in content or ():
            if isinstance(block, dict) and block["type"] == kind:
                yield entry, block


def _is_error(result: Entry) -> bool:
    return bool(result.get("is_error"))


def _response_key(entry: Entry) -> Key:
    request = entry.get("requestId")
    return entry["message"]["id"], request, None if request else entry["sessionId"]


def _is_aside(entry: Entry) -> bool:
    return bool(entry.get("isSidechain"))


def _said(entry: Entry) -> tuple[str, Response]:
    """A message and its prompt's tokens: gateways reuse the name of a message."""
    response = next(bought(entry, 0)).response
    return entry["message"]["id"], replace(response, day=date.min, model="", output=0)


def _moment(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry["timestamp"]).astimezone(UTC)
