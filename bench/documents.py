"""Made-up documents to measure with: what the sync service would have put into MongoDB."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice

from bson import ObjectId

from bench.calls import FOLDERS, Dice, Document, call, image, usage

BATCH = 100
OPEN_SESSIONS = 4
COPIED = 10
REST = 2_250.0
"""Mean seconds before a prompt; with the pauses between entries it makes 2,000 documents a day."""
MODELS = ("claude-opus-4-5-20251101", "claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001")
RESPONSES = {"hu": 24, "tu": 14, "htu": 12, "u": 12, "uu": 7, "huu": 7, "tuuu": 8, "t": 8, "ht": 8}
"""The lines of a response, h for thinking, t for text, u for tool_use, and how often they are so."""
WRITER = b"bench"


def entries(count: int, *, seed: int = 0) -> Iterator[Document]:
    """Yield documents in the order of their arrival, the same ones for the same seed.

    They arrive in batches of 100 that share one ``ingestedAt`` (UTC), about 2,000 in a day; both ``_id`` and
    ``ingestedAt`` ascend.

    Args:
        count: How many.
        seed: Which ones.
    """
    dice = Dice(seed)
    arriving = islice(_written(dice), count)
    number = 0
    while batch := list(islice(arriving, BATCH)):
        dice.wait(1)
        seconds = int(dice.now.timestamp()).to_bytes(4, "big")
        for entry in batch:
            number += 1
            key = ObjectId(seconds + WRITER + (number % 2**24).to_bytes(3, "big"))
            yield {"_id": key, **entry, "ingestedAt": dice.now}


def _written(dice: Dice) -> Iterator[Document]:
    """Entries without end, from several sessions that are open at a time."""
    sessions = [_Session(dice) for _ in range(OPEN_SESSIONS)]
    place = 0
    while True:
        if dice.chance(0.1):
            place = dice.randrange(OPEN_SESSIONS)
        if not sessions[place].steps:
            sessions[place] = _Session(dice)
        yield from sessions[place].step()


class _Session:
    """The entries of one file: a session's, or those of one of its sub-agents."""

    def __init__(self, dice: Dice) -> None:
        cwd, session, agent = dice.choice(FOLDERS), dice.uuid(), f"{dice.getrandbits(24):06x}"
        is_agent, self._reports = dice.chance(0.035), dice.chance(0.92)
        version = f"2.1.{dice.randint(2, 99)}" if self._reports else f"1.0.{dice.randint(20, 127)}"
        self._dice = dice
        self._id = session
        self._frame = {"isSidechain": is_agent, "userType": "external", "cwd": cwd, "sessionId": session}
        self._frame |= {"version": version} | ({"agentId": agent} if is_agent else {})
        self._frame |= {"gitBranch": f"feature/{dice.word()}", "slug": dice.word()} if self._reports else {}
        self._project = cwd.translate(dict.fromkeys(map(ord, "/\\:."), "-"))
        self._file = f"{session}/subagents/agent-{agent}.jsonl" if is_agent else f"{session}.jsonl"
        self._parent: str | None = None
        self._recent: deque[Document] = deque(maxlen=COPIED)
        self._gateway = dice.id("msg_01")
        self.steps = dice.size(40, 0.8, 400)

    def step(self) -> Iterator[Document]:
        """An API response with its calls, and what happens around it now and then."""
        self.steps -= 1
        chance = self._dice.chance
        if chance(0.104):
            self._dice.wait(REST)
            yield self._prompt()
        if chance(0.152):
            yield self._snapshot()
        yield from self._response()
        if chance(0.112):
            yield self._system()
        if chance(0.042):
            yield self._said(f"<command-name>/{self._dice.word()}</command-name>", isMeta=chance(0.3))
        if chance(0.062):
            yield self._queued()
        if chance(0.031):
            yield self._rare()
        if chance(0.0058) and len(self._recent) == COPIED:
            yield from self._compaction()

    def _entry(self, kind: str, **fields: object) -> Document:
        parent, self._parent = self._parent, self._dice.uuid()
        stamp = {"uuid": self._parent, "timestamp": self._dice.timestamp()}
        entry = {"parentUuid": parent, **self._frame, "type": kind, **fields, **stamp, **self._origin()}
        if kind in {"assistant", "user"}:
            self._recent.append(entry)
        return entry

    def _origin(self) -> Document:
        return {"projectId": self._project, "sourceFile": self._file}

    def _said(self, content: object, **fields: object) -> Document:
        return self._entry("user", message={"role": "user", "content": content}, **fields)

    def _prompt(self) -> Document:
        dice = self._dice
        text = dice.prose(130, 1.2)
        if dice.chance(0.015):
            return self._said([image(dice), {"type": "text", "text": text}])
        thinking = {"level": "high", "disabled": False, "triggers": []}
        return self._said(text, thinkingMetadata=thinking, todos=[], permissionMode="default")

    def _snapshot(self) -> Document:
        dice = self._dice
        stamp, message = dice.timestamp(), dice.uuid()
        backup = {"backupFileName": f"{dice.getrandbits(64):016x}@v2", "version": 2, "backupTime": stamp}
        backups = {dice.path(): dict(backup) for _ in range(dice.size(2, 1.0, 30) - 1)}
        snapshot = {"messageId": message, "trackedFileBackups": backups, "timestamp": stamp}
        fields = {"messageId": message, "snapshot": snapshot, "isSnapshotUpdate": dice.chance(0.5)}
        return {"type": "file-history-snapshot", **fields, **self._origin()}

    def _response(self) -> Iterator[Document]:
        """The lines of one response, each call followed by its answer."""
        dice = self._dice
        (kinds,) = dice.choices(list(RESPONSES), list(RESPONSES.values()))
        model, answer, request = dice.choice(MODELS), dice.id("msg_01"), {"requestId": dice.id("req_011")}
        if dice.chance(0.006):  # an API error, or a gateway with one id for all its answers
            model, answer, request = dice.choice(("<synthetic>", model)), self._gateway, {}
        spent, grows = usage(dice), dice.chance(0.28)
        for place, kind in enumerate(kinds, start=1):
            is_early = grows and place < len(kinds)
            cost = spent | {"output_tokens": min(place, spent["output_tokens"])} if is_early else spent
            if kind == "u":
                yield from self._call(_answer(model, answer, cost), request)
            else:
                message = _answer(model, answer, cost, _thought(dice) if kind == "h" else _text(dice))
                yield self._entry("assistant", message=message, **request)

    def _call(self, message: Document, request: Document) -> Iterator[Document]:
        use, answer, result = call(self._dice)
        asked = self._entry("assistant", message=message | {"content": [use]}, **request)
        yield asked
        if self._reports:
            yield from self._progress(use)
        fields = {"toolUseResult": result} if self._dice.chance(0.97) else {}
        yield self._said([answer], **fields, sourceToolAssistantUUID=asked["uuid"])

    def _progress(self, use: Document) -> Iterator[Document]:
        dice, name = self._dice, use["name"]
        if dice.chance(0.3):
            for event in ("PreToolUse", "PostToolUse"):
                hook = {"hookEvent": event, "hookName": f"{event}:{name}", "command": "bin/tidy --quietly"}
                yield self._report(use, use["id"], "hook_progress", **hook)
        for second in range(int(dice.expovariate(1 / 3.4)) if name == "Bash" else 0):
            text = dice.code(330, 1.0) if dice.chance(0.3) else ""
            output = {"output": text[-900:], "fullOutput": text, "elapsedTimeSeconds": second + 2}
            yield self._report(use, f"bash-progress-{second}", "bash_progress", **output, totalLines=second)
        for _ in range(dice.randint(4, 20) if name in {"Task", "Agent"} else 0):
            yield self._report(use, dice.id("agent_msg_01"), "agent_progress", **self._agent(use))

    def _report(self, use: Document, own_id: str, kind: str, **data: object) -> Document:
        return self._entry(
            "progress", data={"type": kind, **data}, toolUseID=own_id, parentToolUseID=use["id"]
        )

    def _agent(self, use: Document) -> Document:
        """What a sub-agent did last; old versions repeat all that it did before."""
        dice = self._dice
        before = dice.randint(2, 9) if dice.chance(0.12) else 0
        messages = [self._agent_message() for _ in range(1 + before)]
        told = {"prompt": use["input"]["prompt"], "agentId": use["id"][-8:]}
        return {"message": messages[0], "normalizedMessages": messages[1:], **told}

    def _agent_message(self) -> Document:
        dice = self._dice
        use, answer, _ = call(dice)
        stamp = {"uuid": dice.uuid(), "timestamp": dice.timestamp()}
        if dice.chance(0.5):
            return {"type": "user", "message": {"role": "user", "content": [answer]}, **stamp}
        message = _answer(MODELS[2], dice.id("msg_01"), usage(dice), use)
        return {"type": "assistant", "message": message, "requestId": dice.id("req_011"), **stamp}

    def _system(self) -> Document:
        dice = self._dice
        if dice.chance(0.5):
            hooks = {"hookCount": 1, "hookInfos": [{"command": "bin/tidy --quietly"}], "hookErrors": []}
            rest = {"preventedContinuation": False, "stopReason": "", "hasOutput": False, "level": "info"}
            return self._entry("system", subtype="stop_hook_summary", **hooks, **rest, toolUseID=dice.uuid())
        if dice.chance(0.5):
            return self._entry(
                "system", subtype="turn_duration", durationMs=dice.size(90_000, 1.0, 9_000_000)
            )
        return self._entry("system", content=dice.prose(90), isMeta=False, level="info")

    def _rare(self) -> Document:
        """An entry of one of the kinds that are rare, half of them without a time."""
        dice = self._dice
        whose = {"sessionId": self._id} | self._origin()
        if dice.chance(0.4):
            event = {
                "hookName": "SessionStart:startup",
                "hookEvent": "SessionStart",
                "toolUseID": dice.uuid(),
            }
            output = {"content": "", "stdout": dice.prose(60), "stderr": "", "exitCode": 0, "durationMs": 212}
            return self._entry("attachment", attachment={"type": "hook_success", **event, **output})
        if dice.chance(0.6):
            return {"type": "summary", "summary": dice.prose(40), "leafUuid": dice.uuid(), **self._origin()}
        fields = {"ai-title": "aiTitle", "last-prompt": "lastPrompt", "custom-title": "customTitle"}
        kind = dice.choice(list(fields))
        return {"type": kind, fields[kind]: dice.prose(50), **whose}

    def _queued(self) -> Document:
        fields = {"operation": "enqueue", "content": self._dice.prose(90, 1.0)}
        stamp = {"timestamp": self._dice.timestamp(), "sessionId": self._id}
        return {"type": "queue-operation", **fields, **stamp, **self._origin()}

    def _compaction(self) -> Iterator[Document]:
        """The boundary, the summary, and the entries that the summary's own sub-agent read again."""
        dice = self._dice
        agent = f"acompact-{dice.getrandbits(24):06x}"
        again = {"isSidechain": True, "agentId": agent}
        again |= {"sourceFile": f"{self._id}/subagents/agent-{agent}.jsonl"}
        for entry in list(self._recent):
            yield entry | again | {"message": entry["message"] | {"context_management": None}}
        size = {"trigger": "auto", "preTokens": dice.randint(120_000, 170_000)}
        yield self._entry("system", subtype="compact_boundary", content="Compacted", compactMetadata=size)
        yield self._said(dice.prose(9_000), isCompactSummary=True, isVisibleInTranscriptOnly=True)


def _answer(model: str, answer: str, cost: Document, *blocks: Document) -> Document:
    begin = {"model": model, "id": answer, "type": "message", "role": "assistant", "content": list(blocks)}
    return {**begin, "stop_reason": None, "stop_sequence": None, "usage": cost}


def _thought(dice: Dice) -> Document:
    signature = dice.base64(dice.size(450, 0.9, 60_000))
    return {"type": "thinking", "thinking": dice.prose(160, 1.4), "signature": signature}


def _text(dice: Dice) -> Document:
    return {"type": "text", "text": dice.prose(115, 1.3)}
