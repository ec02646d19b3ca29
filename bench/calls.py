"""Made-up tool calls, sized as real ones are, in words that mean nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate
from math import exp
from random import Random
from typing import Any

Document = dict[str, Any]
Made = tuple[Document, Any, Any]
"""A call's input, the content of its tool_result block, and its toolUseResult."""

BEGIN = datetime(2024, 1, 8, 7, tzinfo=UTC)  # so a million documents end in the past
PAUSE = 5.0
"""Mean seconds between entries while a session goes on."""
FOLDERS = ("/home/ora/src/lumen", "/Users/teo/code/quarry-api", "c:\\Users\\ina\\Hedge", "/srv/build/vane")
SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ha", "ji", "ke", "lo", "mu", "na", "pe", "té", "ul", "zer", "lin")
ENDS = {" ": 80, ", ": 8, ". ": 8, ".\n": 3, "\n\n- `": 1, " – ": 1}
LINES = (
    "def {0}_{1}({2}: str) -> {3}:",
    '    {0} = {1}.get("{2}", {3}[0])',
    "        if {0}.{1} != {2} or not {3}:",
    "src/{0}/{1}_{2}.ts:3: import {{ {0} }} from '../{3}';",
    '  "{0}-{1}": {{ "{2}": null, "{3}": true }},',
    "✓ {0} {1} > {2} {3}",
    "",
)


@cache
def _prose() -> str:
    dice = Dice(1)
    words = ["".join(dice.choices(SYLLABLES, k=dice.randint(1, 4))) for _ in range(4_000)]
    weights = [share / (rank + 9) for rank in range(len(words)) for share in ENDS.values()]
    return "".join(dice.choices([word + end for word in words for end in ENDS], weights, k=300_000))


@cache
def _code() -> str:
    dice = Dice(2)
    words = [dice.word() for _ in range(3_000)]
    return "\n".join([dice.choice(LINES).format(*dice.choices(words, k=4)) for _ in range(120_000)])


@cache
def _bytes() -> str:
    return base64.b64encode(Dice(3).randbytes(1_200_000)).decode()


class Dice(Random):
    """Seeded chance, with ids, texts of a median length, and the time."""

    now = BEGIN

    def chance(self, share: float) -> bool:
        return self.random() < share

    def size(self, median: int, spread: float, most: int) -> int:
        """A length: as many are below the median as above it; the spread is that of its logarithm."""
        return min(most, 1 + int(median * exp(spread * self.gauss())))

    def uuid(self) -> str:
        digits = f"{self.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def id(self, prefix: str) -> str:
        return prefix + base64.b64encode(self.randbytes(16), b"Xz").decode()[:22]

    def word(self) -> str:
        return "".join(self.choices(SYLLABLES[:12], k=3))

    def path(self) -> str:
        return f"{self.choice(FOLDERS)}/src/{self.word()}/{self.word()}.py"

    def part(self, text: str, length: int) -> str:
        """Some place in a long text: far quicker than to put words together."""
        start = int(self.random() * (len(text) - length))
        return text[start : start + length]

    def prose(self, median: int, spread: float = 0.3, most: int = 20_000) -> str:
        return self.part(_prose(), self.size(median, spread, most))

    def code(self, median: int, spread: float = 1.5, most: int = 30_000) -> str:
        return self.part(_code(), self.size(median, spread, most))

    def base64(self, length: int) -> str:
        return self.part(_bytes(), length)

    def wait(self, mean: float) -> None:
        """Let the time go on, by so many seconds on average."""
        self.now += timedelta(milliseconds=int(self.expovariate(1) * mean * 1_000))

    def timestamp(self) -> str:
        """The time of the next entry, in UTC; one in 20 is earlier than the one before."""
        moment = self.now
        if self.chance(0.056):
            moment -= timedelta(milliseconds=self.randint(1, 3_000))
        elif self.chance(0.9):
            self.wait(PAUSE)
            moment = self.now
        return moment.isoformat(timespec="milliseconds")[:23] + "Z"


def image(dice: Dice) -> Document:
    """An image block; half are smaller than 140 kB, none is larger than 1.01 MB."""
    data = dice.base64(4 * int(12_000 * 21 ** (dice.random() ** 1.5)))
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}


def usage(dice: Dice) -> Document:
    """What an API response cost, in tokens."""
    written = dice.size(900, 1.4, 90_000)
    return {
        "input_tokens": dice.randint(1, 12),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": dice.randint(9_000, 150_000),
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": written},
        "output_tokens": dice.size(160, 1.4, 16_000),
        "service_tier": "standard",
    }


def _shell(dice: Dice) -> Made:
    text = dice.code(520)
    result = {"stdout": text, "stderr": "", "interrupted": False, "isImage": False}
    return {"command": dice.code(110, 1.0), "description": dice.prose(40)}, text, result


def _read(dice: Dice) -> Made:
    path, first, text = dice.path(), dice.randint(1, 400), dice.code(3_200, 1.5, 52_000)
    if dice.chance(0.006):
        block = image(dice)
        data = block["source"]["data"]
        file = {"base64": data, "type": "image/png", "originalSize": len(data) * 3 // 4}
        return {"file_path": path}, [block], {"type": "image", "file": file}
    lines = text.split("\n")
    counts = {"numLines": len(lines), "startLine": first, "totalLines": len(lines) + first}
    numbered = "\n".join([f"{number:6}→{line}" for number, line in enumerate(lines, first)])
    asked = {"file_path": path, "offset": first, "limit": len(lines)}
    return asked, numbered, {"type": "text", "file": {"filePath": path, "content": text, **counts}}


def _edit(dice: Dice) -> Made:
    path, old, new = dice.path(), dice.code(180, 1.2, 9_000), dice.code(260, 1.2, 9_000)
    lines = [f"-{line}" for line in old.split("\n")] + [f"+{line}" for line in new.split("\n")]
    patch = {"oldStart": 12, "oldLines": 9, "newStart": 12, "newLines": len(lines), "lines": lines}
    asked = {"file_path": path, "old_string": old, "new_string": new, "replace_all": False}
    result: Document = {"filePath": path, "oldString": old, "newString": new}
    result |= {"originalFile": dice.code(14_500, 0.9, 100_000), "structuredPatch": [patch]}
    told = f"{path} is updated.\n{new if dice.chance(0.5) else ''}"
    return asked, told, result | {"userModified": False, "replaceAll": False}


def _write(dice: Dice) -> Made:
    path, text = dice.path(), dice.code(2_500, 1.3, 60_000)
    result: Document = {"type": "create", "filePath": path, "content": text, "structuredPatch": []}
    return {"file_path": path, "content": text}, f"{path} is written.", result | {"originalFile": None}


def _search(dice: Dice) -> Made:
    text = dice.code(640, 1.5, 20_000)
    asked = {"pattern": dice.word(), "path": dice.path(), "output_mode": "content", "-n": True, "-A": 3}
    result: Document = {"mode": "content", "numFiles": 0, "filenames": [], "content": text}
    return asked, text, result | {"numLines": text.count("\n")}


def _plan(dice: Dice) -> Made:
    steps = [{"content": dice.prose(45), "status": "pending", "activeForm": dice.prose(45)} for _ in range(6)]
    return {"todos": steps}, dice.prose(160), {"oldTodos": steps[1:], "newTodos": steps}


def _delegate(dice: Dice) -> Made:
    asked = {"description": dice.prose(30), "prompt": dice.prose(1_300, 0.9), "subagent_type": "Explore"}
    content = [{"type": "text", "text": dice.prose(6_000, 0.8)}]
    result: Document = {"status": "completed", "prompt": asked["prompt"], "agentId": dice.id("a")[:8]}
    result |= {"content": content, "totalDurationMs": dice.randint(9_000, 400_000), "totalTokens": 48_112}
    return asked, content, result | {"totalToolUseCount": 12, "usage": usage(dice)}


def _note(dice: Dice) -> Made:
    asked = {"taskId": dice.word(), "query": dice.prose(50), "status": "completed"}
    return asked, dice.prose(120), {"success": True, "taskId": asked["taskId"], "updatedFields": ["status"]}


def _fetch(dice: Dice) -> Made:
    content = [{"type": "text", "text": dice.prose(1_100, 1.1)}]
    return {"query": dice.prose(50), "limit": dice.randint(5, 50)}, content, content


TOOLS: dict[Callable[[Dice], Made], dict[str, float]] = {
    _shell: {"Bash": 348, "BashOutput": 2},
    _read: {"Read": 217},
    _edit: {"Edit": 180, "MultiEdit": 6, "NotebookEdit": 1},
    _search: {"Grep": 90, "Glob": 23, "LS": 1, "ToolSearch": 3},
    _plan: {"TodoWrite": 46},
    _delegate: {"Task": 18, "Agent": 8},
    _write: {"Write": 14},
    _note: {
        "TaskUpdate": 15,
        "TaskCreate": 7,
        "ExitPlanMode": 5,
        "Skill": 3,
        "KillShell": 1,
        "AskUserQuestion": 1,
    },
    _fetch: {"WebFetch": 8, "WebSearch": 7, "mcp__tracker__search_issues": 2, "mcp__tracker__get_issue": 1},
}
"""The tools, and the calls of each in a thousand."""
_MAKERS = {name: make for make, names in TOOLS.items() for name in names}
_NAMES = list(_MAKERS)
_WEIGHTS = list(accumulate(weight for names in TOOLS.values() for weight in names.values()))


def call(dice: Dice) -> tuple[Document, Document, Any]:
    """A tool_use block, the tool_result block that answers it, and the toolUseResult that repeats it."""
    (name,) = dice.choices(_NAMES, cum_weights=_WEIGHTS)
    make = _MAKERS[name]
    asked, content, result = make(dice)
    use = {"type": "tool_use", "id": dice.id("toolu_01"), "name": name, "input": asked}
    answer = {"tool_use_id": use["id"], "type": "tool_result", "content": content}
    if dice.chance(0.05):
        content = f"Error: {dice.prose(150, 1.0)}"
        return use, answer | {"content": content, "is_error": True}, content
    if make is _shell and dice.chance(0.83):
        answer["is_error"] = False
    return use, answer, result
