"""The totals of gold, against a plain reading of the samples."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from built import SAMPLES, fill, warehouse_of
from conftest import new_workspace
from truth import Truth

from clogs.commands.pipeline import totals_lines
from clogs.report import questions
from clogs.report.questions import Totals, UnpricedModel
from clogs.warehouse import Connection, connect, create_tables

TRUTH = Truth(SAMPLES)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    workspace = fill(new_workspace(tmp_path_factory.mktemp("report"), "mongodb://127.0.0.1:9", "none"))
    with connect(warehouse_of(workspace), read_only=True) as opened:
        yield opened


def test_totals(connection: Connection) -> None:
    found = questions.totals(connection)
    assert found is not None
    calls, responses, costs = TRUTH.tool_calls.values(), TRUTH.responses, TRUTH.costs
    assert (found.sessions, found.prompts) == (len(TRUTH.sessions), len(TRUTH.prompts))
    assert (found.tool_calls, found.tool_errors) == (len(calls), sum(call.is_error for call in calls))
    assert found.tokens == sum(sum(response.tokens) for response in responses)
    assert found.cost_usd == pytest.approx(sum(cost for cost in costs if cost is not None))
    assert [each.model for each in found.unpriced_models] == ["gateway-experimental-1"]
    (unpriced,) = found.unpriced_models
    its = [response for response in responses if response.model == unpriced.model]
    assert unpriced.api_calls == len(its)
    assert unpriced.tokens == sum(sum(response.tokens) for response in its)


def test_top_tools(connection: Connection) -> None:
    calls = Counter(call.tool for call in TRUTH.tool_calls.values())
    errors = Counter(call.tool for call in TRUTH.tool_calls.values() if call.is_error)
    expected = sorted(
        ((tool, count, errors[tool]) for tool, count in calls.items()), key=lambda each: (-each[1], each[0])
    )
    assert questions.top_tools(connection) == expected[:5]


def test_top_projects(connection: Connection) -> None:
    expected: Counter[str] = Counter()
    for key, each in TRUTH.bought:
        folder = TRUTH.reported[key][0]["file"].split("/")[0]
        expected[re.sub("^c--", "C--", folder)] += each.cost or 0  # type: ignore[assignment]
    found = {project: cost for project, _, cost in questions.top_projects(connection)}
    assert found == pytest.approx(dict(expected.most_common(5)))


def test_before_gold_is_built_there_are_none(tmp_path: Path) -> None:
    with connect(tmp_path / "clogs.duckdb") as empty:
        create_tables(empty)
        assert questions.totals(empty) is None


def test_the_totals_in_lines() -> None:
    found = Totals(
        sessions=10, automated=2, projects=2, prompts=1200, tool_calls=200, tool_errors=13, tokens=2_712_345,
        cost_usd=None,
        unpriced_models=[UnpricedModel("one", 1, 12_345), UnpricedModel("\x1b[2J", 1200, 0)],
    )  # fmt: skip
    line, unpriced = totals_lines(found)
    assert line.startswith(
        "10 sessions, 2 of them automated, in 2 projects · 1,200 prompts · 200 tool calls "
    )
    assert line.endswith("(6.5% failed) · 2.7 M tokens · –")
    assert unpriced == (
        "No price, so not in the cost: one (1 call, 12.3 k tokens), �[2J (1,200 calls, 0 tokens)"
    )
