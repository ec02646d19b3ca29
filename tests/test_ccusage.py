"""Gold's tokens and costs against those of ccusage, another reader of transcripts, per day and model.

ccusage counts what gold counts: one response per message and request, or per message and session where there
is no request, by its fullest line, on the day of that line; sub-agents too, in files of their own or wrapped
in progress; nothing of ``<synthetic>``. It differs in three ways, all spelled out below: a line outside
sidechains beats a fuller one in a sidechain, what it has no price for costs 0, and only part of a long
prompt has the higher price.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from built import SAMPLES
from following import rows_of
from truth import PRICES

from clogs import warehouse
from clogs.files import bundled
from clogs.transform import TransformConfig, transform

pytestmark = pytest.mark.slow

VERSION = "20.0.24"  # some others lack their Linux binary
MILLION = 1_000_000

Key = tuple[str, str]
"""A day (yyyy-mm-dd, UTC) and a model."""


class Usage(NamedTuple):
    """Tokens, and what they cost in US dollars; None where that is unknown."""

    input: int
    output: int
    cache_creation: int
    cache_read: int
    cost: float | None


class Told(NamedTuple):
    """A response with its output tokens: by the fullest of all its lines, and of those outside sidechains."""

    day: str
    model: str
    message_id: str
    output: int
    output_outside: int


TOLD_LESS_OUTSIDE = {
    # the copy in agent-acompact-44a63d.jsonl reports it in full, the original does not
    "samples": [Told("2026-09-16", "claude-opus-4-5-20251101", "msg_01zNVGswACnTVc94pXwwzrqB", 131, 128)],
    "transcripts": [],
}
OUTPUT_PRICE = 25 / MILLION
"""Of the model in that list."""

COSTING_NOTHING = {
    "samples": {
        "gateway-experimental-1",  # not in gold's price list either
        "claude-opus-4-0",  # second names of claude-opus-4 and claude-sonnet-4
        "claude-sonnet-4-0",
        "claude-haiku-5-5",  # newer than that version
        "claude-opus-5-5",
        "claude-sonnet-5-5",
    },
    "transcripts": set(),
}
"""Models that ccusage has no price for."""

LONG_PROMPTS: dict[str, dict[Key, tuple[float, float]]] = {
    "samples": {
        ("2026-03-04", "claude-sonnet-4"): (12, 10.8),
        ("2026-03-04", "claude-sonnet-4-5"): (12, 10.8),
        ("2026-03-06", "claude-sonnet-4"): (6, 5.4),
        ("2026-03-06", "claude-sonnet-4-5"): (6, 5.4),
        ("2026-09-19", "claude-sonnet-4-20250514"): (1.47459165, 0.86977665),
    },
    "transcripts": {},
}
"""Prompts above 200,000 tokens, in gold and in ccusage, where the higher price is for what is above alone."""

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
        gold: With the responses of `TOLD_LESS_OUTSIDE` as they are told outside sidechains.
        ccusage: As it is.
        less_outside: The responses that gold finds told in full only in sidechains.
        expected_less_outside: Those that it is to find.
        costing_nothing: Models that ccusage is to have no price for.
        long_prompts: Costs that are to differ, in gold and in ccusage.
    """

    gold: dict[Key, Usage]
    ccusage: dict[Key, Usage]
    less_outside: list[Told]
    expected_less_outside: list[Told]
    costing_nothing: set[str]
    long_prompts: dict[Key, tuple[float, float]]


def test_the_same_days_and_models(compared: Compared) -> None:
    assert compared.ccusage.keys() == compared.gold.keys()
    assert len(compared.gold) > 10


def test_the_same_tokens(compared: Compared) -> None:
    tokens = {key: usage._replace(cost=None) for key, usage in compared.ccusage.items()}
    assert tokens == {key: usage._replace(cost=None) for key, usage in compared.gold.items()}


def test_the_same_costs_but_of_long_prompts(compared: Compared) -> None:
    priced = {key for key in compared.gold if key[1] not in compared.costing_nothing}
    costs = {key: (compared.gold[key].cost, compared.ccusage[key].cost) for key in priced}
    other = {key: both for key, both in costs.items() if both[0] != pytest.approx(both[1], rel=1e-6)}
    assert other == {key: pytest.approx(both) for key, both in compared.long_prompts.items()}


def test_what_costs_nothing(compared: Compared) -> None:
    free = {model for (_, model), usage in compared.ccusage.items() if not usage.cost}
    assert free == compared.costing_nothing


def test_what_is_told_in_full_only_in_sidechains(compared: Compared) -> None:
    assert compared.less_outside == compared.expected_less_outside


@pytest.fixture(scope="module", params=["samples", "transcripts"])
def compared(
    request: pytest.FixtureRequest, ccusage: Path, tmp_path_factory: pytest.TempPathFactory
) -> Compared:
    folder: Path = request.getfixturevalue(request.param)
    place = tmp_path_factory.mktemp("compared")
    _build(folder, place)
    with warehouse.connect(place / "w.duckdb", read_only=True) as connection:
        gold, less_outside = _gold(connection), _less_outside(connection)
    expected = TOLD_LESS_OUTSIDE[request.param]
    return Compared(
        gold=_as_told_outside(gold, expected),
        ccusage=_ccusage(ccusage, folder, place),
        less_outside=less_outside,
        expected_less_outside=expected,
        costing_nothing=COSTING_NOTHING[request.param],
        long_prompts=LONG_PROMPTS[request.param],
    )


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


def _ccusage(command: Path, folder: Path, place: Path) -> dict[Key, Usage]:
    finished = subprocess.run(
        [command, "claude", "daily", "--json", "--offline", "-z", "UTC"],
        cwd=place,
        env={"PATH": os.environ["PATH"], "HOME": str(place), "CLAUDE_CONFIG_DIR": str(folder)},
        check=True,
        capture_output=True,
        timeout=60,
    )
    names = ("inputTokens", "outputTokens", "cacheCreationTokens", "cacheReadTokens", "cost")
    return {
        (day["date"], part["modelName"]): Usage(*(part[name] for name in names))
        for day in json.loads(finished.stdout)["daily"]
        for part in day["modelBreakdowns"]
    }


def _build(folder: Path, place: Path) -> None:
    """Build a warehouse of transcripts."""
    rows = rows_of(folder, place)
    with warehouse.connect(place / "w.duckdb") as connection:
        warehouse.create_tables(connection)
        connection.execute(f"INSERT INTO raw.conversations BY NAME FROM read_parquet('{rows}')")
    transform(
        TransformConfig(
            warehouse=place / "w.duckdb",
            models_dir=bundled("transforms"),
            cache_dir=place / "cache",
            timezone="UTC",
            threads=2,
        )
    )


def _gold(connection: warehouse.Connection) -> dict[Key, Usage]:
    rows = connection.execute("""
        SELECT CAST(date AS VARCHAR), model,
            CAST(sum(input_tokens) AS BIGINT), CAST(sum(output_tokens) AS BIGINT),
            CAST(sum(cache_creation_tokens) AS BIGINT), CAST(sum(cache_read_tokens) AS BIGINT),
            sum(cost_usd)
        FROM gold.fct_api_calls GROUP BY ALL
    """).fetchall()
    return {(day, model): Usage(*usage) for day, model, *usage in rows}


def _less_outside(connection: warehouse.Connection) -> list[Told]:
    rows = connection.execute("""
        SELECT CAST(response.date AS VARCHAR), response.model, response.message_id, response.output_tokens,
            max(line.output_tokens)
        FROM bronze.stg_messages AS line JOIN silver.int_api_calls AS response USING (response_key)
        WHERE NOT line.is_sidechain
        GROUP BY ALL HAVING max(line.output_tokens) < response.output_tokens
    """).fetchall()
    return [Told(*row) for row in rows]


def _as_told_outside(gold: dict[Key, Usage], responses: Iterable[Told]) -> dict[Key, Usage]:
    """Gold without the tokens that are told in sidechains alone."""
    told = dict(gold)
    for response in responses:
        usage = told[response.day, response.model]
        less = response.output - response.output_outside
        cost = (usage.cost or 0) - less * OUTPUT_PRICE
        told[response.day, response.model] = usage._replace(output=usage.output - less, cost=cost)
    return told


def _answer(day: int, model: str, usage: dict[str, Any]) -> dict[str, Any]:
    identity = f"{model}-{day}"
    usage = {"input_tokens": 0, "output_tokens": 0} | usage
    return {
        "type": "assistant",
        "sessionId": "session",
        "uuid": identity,
        "timestamp": f"2026-03-{day:02}T12:00:00.000Z",
        "requestId": identity,
        "message": {"id": identity, "role": "assistant", "model": model, "content": [], "usage": usage},
    }
