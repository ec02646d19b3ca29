"""Every question of docs/questions.md is answered, and as plain Python answers it from the samples."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from statistics import median
from typing import Any

import pytest
from built import SAMPLES, fill
from conftest import PROJECT, new_workspace
from truth import Entry, Truth
from truth_prompts import text_of

pytestmark = pytest.mark.slow

Row = dict[str, Any]
Ask = Callable[[str], list[Row]]

PAGE = (PROJECT / "docs" / "questions.md").read_text(encoding="utf-8")
QUESTIONS = dict(re.findall(r"^## (.+?)\n\n```sql\n(.+?)```\n\n[^\s#]", PAGE, re.DOTALL | re.MULTILINE))
TRUTH = Truth(SAMPLES)
WRITERS = {"Write", "Edit", "MultiEdit", "NotebookEdit"}


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """What the command line answers a question with."""
    workspace = fill(new_workspace(tmp_path_factory.mktemp("questions"), "mongodb://127.0.0.1:9", "none"))

    @cache
    def answer(question: str) -> list[Row]:
        stdout = workspace.output("query", QUESTIONS[question], "--format", "json")
        rows: list[Row] = json.loads(stdout)
        return rows

    return answer


def time(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry["timestamp"])


def monday(day: date) -> str:
    return (day - timedelta(days=day.weekday())).isoformat()


def entries(*types: str) -> list[Entry]:
    """The entries that have a time, by time."""
    timed = [entry for entry in TRUTH.entries if entry.get("timestamp")]
    return sorted((entry for entry in timed if not types or entry["type"] in types), key=time)


def blocks(entry: Entry) -> list[Entry]:
    content = entry["message"]["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def kind(entry: Entry) -> str:
    """What a message is, as far as the questions ask."""
    return "prompt" if entry in prompts() else TRUTH.kinds.get(entry.get("uuid", ""), "answer")


def conversation() -> list[Entry]:
    """The messages of a person and the assistant, without sub-agents."""
    return [entry for entry in entries("user", "assistant") if entry.get("isSidechain") is False]


@cache
def prompts() -> list[Entry]:
    return sorted(TRUTH.prompts, key=time)


def typed(prompt: Entry) -> str:
    """A prompt's text, on one line."""
    content = prompt["message"]["content"] if "message" in prompt else prompt.get("content")
    return " ".join(text_of(content).split())


def waits() -> dict[str, list[float]]:
    """Seconds from each prompt to its first answer, by model."""
    found = defaultdict(list)
    asked: dict[str, datetime | None] = {}
    for entry in sorted(conversation() + TRUTH.queued, key=time):
        session = entry["sessionId"]
        if kind(entry) in {"prompt", "command", "interrupt"}:
            asked[session] = time(entry) if kind(entry) == "prompt" else None
        elif entry.get("message", {}).get("model") not in {None, "<synthetic>"} and (
            before := asked.pop(session, None)
        ):
            found[entry["message"]["model"]].append((time(entry) - before).total_seconds())
    return found


def active_minutes() -> dict[str, float]:
    """Minutes between the messages of each session, without gaps of more than five."""
    times = defaultdict(list)
    for entry in entries("user", "assistant"):
        times[entry["sessionId"]].append(time(entry))
    gaps = {
        session: [(later - earlier).total_seconds() / 60 for earlier, later in pairwise(moments)]
        for session, moments in times.items()
    }
    return {session: sum(gap for gap in found if gap <= 5) for session, found in gaps.items()}


@cache
def calls() -> dict[str, tuple[Entry, Entry]]:
    """Each tool call and the entry it stands in."""
    found = [(block, entry) for entry in reversed(entries("assistant")) for block in blocks(entry)]
    return {block["id"]: (block, entry) for block, entry in found if block["type"] == "tool_use"}


def durations() -> dict[str, list[float]]:
    """Seconds from each tool call to its result, by tool."""
    found = defaultdict(list)
    results = [(block, entry) for entry in entries("user") for block in blocks(entry)]
    for block, entry in results:
        if block.get("tool_use_id") in calls():
            call, caller = calls()[block["tool_use_id"]]
            found[call["name"]].append((time(entry) - time(caller)).total_seconds())
    return found


def changes() -> Iterator[tuple[str, Entry]]:
    """The file that each call changes, and the entry the call stands in."""
    for name, (call, entry) in calls().items():
        if call["name"] in WRITERS and not TRUTH.tool_calls[name].is_error:
            yield call["input"].get("file_path") or call["input"]["notebook_path"], entry


def costs(key: Callable[[Any], Any]) -> dict[Any, float | None]:
    """What the responses of each day, week or model cost; None where none has a price."""
    found: dict[Any, float | None] = {}
    for response, cost in zip(TRUTH.responses, TRUTH.costs, strict=True):
        before = found.get(key(response))
        found[key(response)] = before if cost is None else cost + (before or 0)
    return found


def test_each_has_its_sql_and_a_word_on_it() -> None:
    assert len(QUESTIONS) == PAGE.count("\n## ") == PAGE.count("```sql\n")


@pytest.mark.parametrize("sql", QUESTIONS.values(), ids=QUESTIONS)
def test_it_fits_between_double_quotes_and_asks_gold_only(sql: str) -> None:
    assert not set('"$`\\!') & set(sql)
    assert not re.findall(r"\b(?:raw|bronze|silver)\.", sql)


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_column_of_the_answer_is_empty(ask: Ask, question: str) -> None:
    rows = ask(question)
    assert {name: any(row[name] is not None for row in rows) for name in rows[0]} == dict.fromkeys(
        rows[0], True
    )


def test_which_tools_fail_most(ask: Ask) -> None:
    known = [call for call in TRUTH.tool_calls.values() if call.has_result]
    answered = Counter(call.tool for call in known)
    failed = Counter(call.tool for call in known if call.is_error)
    expected = [
        (tool, count, failed[tool], round(100 * failed[tool] / count, 1))
        for tool, count in answered.items()
        if count >= 20
    ]
    expected.sort(key=lambda row: -row[-1])
    assert [tuple(row.values()) for row in ask("Which tools fail most?")] == expected


def test_which_tools_take_longest(ask: Ask) -> None:
    rows = {row["tool_name"]: row for row in ask("Which tools take longest?")}
    expected = {tool: seconds for tool, seconds in durations().items() if len(seconds) >= 10}
    assert {tool: row["timed"] for tool, row in rows.items()} == {
        tool: len(seconds) for tool, seconds in expected.items()
    }
    assert [row["median_seconds"] for row in rows.values()] == pytest.approx(
        sorted(map(median, expected.values()), reverse=True), abs=0.06
    )


def test_what_each_week_cost(ask: Ask) -> None:
    found: Counter[Any] = Counter()
    responses: Counter[str] = Counter()
    for row in ask("What did each project cost, week by week?"):
        found[row["week"]] += row["usd"] or 0
        responses[row["week"]] += row["responses"]
    assert found == pytest.approx(costs(lambda response: monday(response.day)), abs=0.02)
    assert responses == Counter(
        monday(each.response.day) for _, each in TRUTH.bought if each.kind == "response"
    )


def test_what_each_day_cost(ask: Ask) -> None:
    rows = ask("What did each day cost, and the seven days up to it?")
    expected = costs(lambda response: response.day.isoformat())
    days = [row["date"] for row in rows]
    assert days == [
        (date.fromisoformat(days[0]) + timedelta(days=place)).isoformat() for place in range(len(rows))
    ]
    assert [row["usd"] for row in rows] == [pytest.approx(expected.get(day), abs=0.006) for day in days]
    assert rows[-1]["usd_of_7_days"] == pytest.approx(
        sum(expected.get(day) or 0 for day in days[-7:]), abs=0.006
    )


def test_what_each_model_cost(ask: Ask) -> None:
    rows = ask("Which models cost what, and which have no price?")
    expected = costs(lambda response: response.model)
    assert {row["model"]: row["usd"] for row in rows} == {
        model: pytest.approx(cost, abs=0.006) for model, cost in expected.items()
    }
    assert [row["model"] for row in rows if row["priced_as"] is None] == ["gateway-experimental-1"]
    assert sum(row["percent"] or 0 for row in rows) == pytest.approx(100, abs=0.5)


def test_how_much_comes_from_the_cache(ask: Ask) -> None:
    read: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for response in TRUTH.responses:
        read[response.model] += response.cache_read
        whole[response.model] += sum(response.tokens) - response.output
    rows = ask("How much of the input comes from the cache?")
    assert {row["model"]: row["all_input_tokens"] for row in rows} == whole
    assert {row["model"]: row["read_percent"] for row in rows} == {
        model: pytest.approx(100 * read[model] / tokens, abs=0.06) for model, tokens in whole.items()
    }


def test_which_sessions_cost_most(ask: Ask) -> None:
    rows = ask("Which sessions cost most?")
    found = [row["usd"] for row in rows]
    titles = {line.get(name) for line in TRUTH.lines for name in ("customTitle", "aiTitle", "summary")}
    beginnings = {
        prompt[:80].rstrip() + "…" if len(prompt) > 80 else prompt for prompt in map(typed, prompts())
    }
    assert found == sorted(found, reverse=True)
    assert len({row["session_id"] for row in rows} & TRUTH.sessions) == 10
    assert {row["title"] for row in rows} <= titles | beginnings


def test_which_sessions_took_longest(ask: Ask) -> None:
    expected = sorted(active_minutes().items(), key=lambda each: -each[1])[:10]
    assert [(row["session_id"], row["active_minutes"]) for row in ask("Which sessions took longest?")] == [
        (session, pytest.approx(minutes, abs=0.06)) for session, minutes in expected
    ]


def test_what_is_asked_for(ask: Ask) -> None:
    rows = {row["task_category"]: row for row in ask("What is asked for, and how long does it take?")}
    minutes = active_minutes()["1b6f0a52-6d0e-4c1b-9a35-0c7f3f6f2a11"]
    assert rows["bug_fix"]["sessions"] == 1
    assert rows["bug_fix"]["median_active_minutes"] == pytest.approx(minutes, abs=0.06)
    # a forked session asks nothing of its own
    asked = [prompt for prompt in TRUTH.prompts if prompt.get("uuid") not in TRUTH.forked]
    assert sum(row["sessions"] for row in rows.values()) == len({prompt["sessionId"] for prompt in asked})


def test_how_long_until_the_first_answer(ask: Ask) -> None:
    rows = ask("How long until the first answer?")
    assert {row["model"]: (row["answers"], row["median_seconds"]) for row in rows} == {
        model: (len(seconds), pytest.approx(median(seconds), abs=0.06)) for model, seconds in waits().items()
    }


def test_when_work_gets_done(ask: Ask) -> None:
    found = {
        (row["hour"], weekday): row[name]
        for row in ask("When does work get done?")
        for weekday, name in enumerate(["mon", "tue", "wed", "thu", "fri", "sat", "sun"])
        if row[name]
    }
    assert found == Counter((time(prompt).hour, time(prompt).weekday()) for prompt in prompts())


def test_which_files_are_changed_most(ask: Ask) -> None:
    files = Counter(file for file, _ in changes())
    expected = sorted(files.items(), key=lambda each: (-each[1], each[0]))[:10]
    rows = ask("Which files are changed most?")
    assert [(row["file_path"], row["changes"]) for row in rows] == expected


def test_how_much_code_is_changed(ask: Ask) -> None:
    expected = {
        (monday(time(entry).date()), (re.findall(r"\.(\w+)$", file) or ["none"])[0], file)
        for file, entry in changes()
    }
    found: Counter[tuple[str, str]] = Counter()
    for row in ask("How much code is changed per week, in which languages?"):
        found[row["week"], row["extension"]] += row["files"]
    assert found == Counter((week, extension) for week, extension, _ in expected)
