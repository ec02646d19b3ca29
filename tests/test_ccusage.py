"""Gold's tokens, costs and windows of five hours against those of ccusage, another reader of transcripts.

ccusage counts what gold counts: one response per message and request, or per message and session where there
is no request, by its fullest line, on the day of that line; sub-agents too, in files of their own or wrapped
in progress; nothing of ``<synthetic>``. `FAULTS` are the responses that it gets wrong by day and model.
Its windows leave out what is wrapped in progress, and count ``<synthetic>`` answers as entries.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from built import SAMPLES, build
from truth import Entry, Truth, Window
from truth_costs import IN_THE_US, MOST, Bought, output_of, plain

from clogs import warehouse
from clogs.files import bundled

pytestmark = pytest.mark.slow

VERSION = "20.0.24"  # some others lack their Linux binary
MILLION = 1_000_000
PRICES = bundled("transforms") / "seeds" / "model_prices.csv"
COUNTS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")

Key = tuple[str, str]
"""A day (yyyy-mm-dd, UTC) and a model."""


class Usage(NamedTuple):
    """Tokens, and what they cost in US dollars; None where that is unknown."""

    input: int
    output: int
    cache_creation: int
    cache_read: int
    cost: float | None


class Fault(NamedTuple):
    """What ccusage gets wrong, and whether in the tokens too."""

    holds: Callable[[list[Entry], Bought], bool]
    in_tokens: bool = False


UNPRICED = re.compile("gateway|-5-5$|-4-0$")
"""Models that ccusage has no price for: not in gold's list either, new ones, and second names."""
LONG = {"sonnet-4": 200_000, "sonnet-4-5": 200_000}
"""It prices what lies above these bounds, of each kind of token, at the higher price, not the request."""
FAULTS = {
    "no price": Fault(lambda _, each: bool(UNPRICED.search(each.response.model))),
    "long prompt": Fault(lambda _, each: each.response.prompt > LONG.get(_name(each), each.response.prompt)),
    "region": Fault(
        lambda _, each: each.geo == "us" and any(fnmatchcase(_name(each), of) for of in IN_THE_US)
    ),
    "web search": Fault(lambda _, each: each.searches > 0),
    "compaction": Fault(lambda _, each: each.kind == "compaction", in_tokens=True),
    # its line is left out, or taken at its word
    "impossible count": Fault(
        lambda lines, _: not _is_possible(lines[0]["message"]["usage"]), in_tokens=True
    ),
    # a line outside sidechains beats a fuller one in a sidechain
    "told in full aside": Fault(lambda lines, _: _is_fullest_aside(lines), in_tokens=True),
}
"""Which responses, by their lines, the fullest first, and what was bought."""

BOUGHT: list[dict[str, Any]] = [
    {"input_tokens": 100_000},
    {"output_tokens": 100_000},
    {"cache_creation_input_tokens": 100_000},
    {"cache_creation_input_tokens": MILLION, "cache_creation": {"ephemeral_1h_input_tokens": MILLION}},
    {"cache_read_input_tokens": 100_000},
    {"input_tokens": MILLION},
]
"""Each kind of token, and so many that they are dearer on some models."""


@dataclass(frozen=True)
class Compared:
    """What gold and ccusage say of the same transcripts.

    Attributes:
        gold: By day and model.
        ccusage: By day and model.
        faults: The days and models that each of `FAULTS` is found in.
    """

    gold: dict[Key, Usage]
    ccusage: dict[Key, Usage]
    faults: dict[str, set[Key]]

    def without(self, faults: Iterable[str]) -> set[Key]:
        """The days and models without those faults."""
        return self.gold.keys() - set().union(*(self.faults[name] for name in faults))


def test_the_same_days_and_models(compared: Compared) -> None:
    assert compared.ccusage.keys() == compared.gold.keys()
    assert len(compared.gold) > 10


def test_the_same_tokens(compared: Compared) -> None:
    keys = compared.without(name for name, fault in FAULTS.items() if fault.in_tokens)
    tokens = {key: compared.ccusage[key]._replace(cost=None) for key in keys}
    assert tokens == {key: compared.gold[key]._replace(cost=None) for key in keys}


def test_the_same_costs(compared: Compared) -> None:
    keys = compared.without(FAULTS)
    expected = {key: compared.gold[key].cost for key in keys}
    assert {key: compared.ccusage[key].cost for key in keys} == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", FAULTS)
def test_what_ccusage_gets_wrong(compared: Compared, name: str) -> None:
    keys = compared.faults[name]
    assert not [key for key in keys if compared.ccusage[key] == pytest.approx(compared.gold[key])]


def test_the_faults_that_there_are(compared: Compared, request: pytest.FixtureRequest) -> None:
    found = {name for name, keys in compared.faults.items() if keys}
    assert found == (set(FAULTS) if "samples" in request.node.callspec.id else set())


def test_windows_of_five_hours(ccusage: Path, transcripts: Path, tmp_path: Path) -> None:
    build(transcripts, tmp_path)
    with warehouse.connect(tmp_path / "w.duckdb", read_only=True) as connection:
        gold = _gold_windows(connection)
    found = _ccusage_windows(ccusage, transcripts, tmp_path)
    unwrapped = {window.start: window for window in Truth(transcripts).windows}
    expected = {window.start: window for window in Truth(transcripts, is_unwrapping=False).windows}
    left_out = {start: _less(unwrapped[start], expected[start]) for start in expected}
    assert gold.keys() == found.keys() == left_out.keys()
    for start, (*counts, last) in gold.items():
        less = [count - out for count, out in zip(counts, left_out[start], strict=True)]
        assert found[start] == (*map(pytest.approx, less), last)


@pytest.fixture(scope="module", params=["samples", "transcripts"])
def compared(
    request: pytest.FixtureRequest, ccusage: Path, tmp_path_factory: pytest.TempPathFactory
) -> Compared:
    folder: Path = request.getfixturevalue(request.param)
    place = tmp_path_factory.mktemp("compared")
    build(folder, place)
    with warehouse.connect(place / "w.duckdb", read_only=True) as connection:
        gold = _gold(connection)
    return Compared(gold=gold, ccusage=_ccusage(ccusage, folder, place), faults=_faults(Truth(folder)))


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples, and a transcript in which each model of the price list sells one kind of token a day."""
    folder = tmp_path_factory.mktemp("samples")
    shutil.copytree(SAMPLES, folder, dirs_exist_ok=True)
    with PRICES.open(encoding="utf-8", newline="") as file:
        models = sorted({row["model"] for row in csv.DictReader(file)})
    answers = [_answer(day, model, usage) for model in models for day, usage in enumerate(BOUGHT, 1)]
    path = folder / "projects" / "-home-me" / "session.jsonl"
    path.parent.mkdir()
    path.write_text("".join(json.dumps(answer, separators=(",", ":")) + "\n" for answer in answers))
    return folder


@pytest.fixture(scope="module")
def ccusage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ccusage's command, installed by npm as npm is set up here."""
    npm = shutil.which("npm")
    if not npm:
        pytest.skip("there is no npm to install ccusage with")
    folder = tmp_path_factory.mktemp("ccusage")
    options = ["--prefer-offline", "--no-audit", "--no-fund", "--prefix", str(folder)]
    install = [npm, "install", *options, f"ccusage@{VERSION}"]
    command = folder / "node_modules" / ".bin" / "ccusage"
    try:
        subprocess.run(install, check=True, capture_output=True, timeout=30)
        subprocess.run([command, "--version"], check=True, capture_output=True, timeout=60)
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"npm cannot install ccusage {VERSION}: {error}")
    return command


def _run(command: Path, folder: Path, place: Path, report: str) -> list[dict[str, Any]]:
    finished = subprocess.run(
        [command, "claude", report, "--json", "--offline", "-z", "UTC"],
        cwd=place,
        env={"PATH": os.environ["PATH"], "HOME": str(place), "CLAUDE_CONFIG_DIR": str(folder)},
        check=True,
        capture_output=True,
        timeout=60,
    )
    rows: list[dict[str, Any]] = json.loads(finished.stdout)[report]
    return rows


def _ccusage(command: Path, folder: Path, place: Path) -> dict[Key, Usage]:
    names = ("inputTokens", "outputTokens", "cacheCreationTokens", "cacheReadTokens", "cost")
    return {
        (day["date"], part["modelName"]): Usage(*(part[name] for name in names))
        for day in _run(command, folder, place, "daily")
        for part in day["modelBreakdowns"]
    }


def _ccusage_windows(command: Path, folder: Path, place: Path) -> dict[datetime, tuple[Any, ...]]:
    """Tokens, cost and end of activity of each window, by its start."""
    names = ("inputTokens", "outputTokens", "cacheCreationInputTokens", "cacheReadInputTokens")
    return {
        datetime.fromisoformat(window["startTime"]): (
            *(window["tokenCounts"][name] for name in names),
            window["costUSD"],
            datetime.fromisoformat(window["actualEndTime"]),
        )
        for window in _run(command, folder, place, "blocks")
        if not window["isGap"]
    }


def _gold(connection: warehouse.Connection) -> dict[Key, Usage]:
    rows = connection.execute("""
        SELECT CAST(date AS VARCHAR),
            model || if(speed = 'fast' AND call_kind = 'response', '-fast', ''),
            CAST(sum(input_tokens) AS BIGINT), CAST(sum(output_tokens) AS BIGINT),
            CAST(sum(cache_creation_tokens) AS BIGINT), CAST(sum(cache_read_tokens) AS BIGINT),
            sum(cost_usd)
        FROM gold.fct_api_calls GROUP BY ALL
    """).fetchall()
    return {(day, model): Usage(*usage) for day, model, *usage in rows}


def _gold_windows(connection: warehouse.Connection) -> dict[datetime, tuple[Any, ...]]:
    rows = connection.execute("""
        SELECT block_start, input_tokens, output_tokens, cache_creation_tokens, cache_read_tokens, cost_usd,
            last_activity_at
        FROM gold.agg_usage_blocks
    """).fetchall()
    return {start: tuple(window) for start, *window in rows}


def _less(window: Window, without: Window) -> tuple[float, ...]:
    """Tokens and cost of what a window has more than another."""
    tokens = (count - less for count, less in zip(window.tokens, without.tokens, strict=True))
    return (*tokens, _cost(window) - _cost(without))


def _cost(window: Window) -> float:
    return sum(each.cost or 0 for each in window.bought)


def _faults(truth: Truth) -> dict[str, set[Key]]:
    found: dict[str, set[Key]] = {name: set() for name in FAULTS}
    for key, each in truth.bought:
        is_fast = each.speed == "fast" and each.kind == "response"
        model = each.response.model + ("-fast" if is_fast else "")
        for name, fault in FAULTS.items():
            if fault.holds(truth.reported[key], each):
                found[name].add((each.response.day.isoformat(), model))
    return found


def _name(each: Bought) -> str:
    return plain(each.response.model)[0]


def _is_possible(usage: Entry | None) -> bool:
    counts = [(usage or {}).get(name, 0) or 0 for name in COUNTS]
    return "output_tokens" in (usage or ()) and all(0 <= count <= MOST for count in counts)


def _is_fullest_aside(lines: list[Entry]) -> bool:
    outside = [output_of(line) for line in lines if not line["isSidechain"]]
    return bool(outside) and max(outside) < output_of(lines[0])


def _answer(day: int, model: str, usage: dict[str, Any]) -> dict[str, Any]:
    identity = f"{model}-{day}"
    usage = {"input_tokens": 0, "output_tokens": 0} | usage
    return {
        "type": "assistant",
        "isSidechain": False,
        "sessionId": "session",
        "uuid": identity,
        "timestamp": f"2026-03-{day:02}T12:00:00.000Z",
        "requestId": identity,
        "message": {"id": identity, "role": "assistant", "model": model, "content": [], "usage": usage},
    }
