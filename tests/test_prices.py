"""Lists of prices of a user's own: how they are checked, and what they change."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import pytest
from built import fill
from conftest import Workspace

from clogs.errors import SettingsError
from clogs.files import bundled
from clogs.prices import BUNDLED, COLUMNS, newest_day, price_faults, price_list
from clogs.settings import load_settings

SHIPPED = bundled("transforms") / BUNDLED
HEAD = "model,input,output,cache_write_5m,cache_write_1h,cache_read"
ALL = ",".join(COLUMNS)
NUMBER = "expected a number such as 12.50"
SHORT = "a needs a row with prompt_above 0 and"
NAME = (
    "expected a plain name such as claude-opus-4-5: lower case, dashes for dots,"
    " without provider, date and suffix"
)


def listed(folder: Path, *lines: str) -> Path:
    """A list of these lines."""
    path = folder / "prices.csv"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def test_the_bundled_list_has_no_faults() -> None:
    assert price_faults(SHIPPED) == []


def test_columns_may_be_left_out_or_empty_and_stand_in_any_order(tmp_path: Path) -> None:
    own = listed(
        tmp_path, "\ufeffcache_read, output,model ,cache_write_5m,cache_write_1h,input", "1,2,mine,3,4,0.5"
    )
    head, first, second, *_ = price_list(SHIPPED, own).splitlines()
    assert (head, first) == (ALL, "mine,,0,0.5,2,3,4,1,,,")
    assert second == SHIPPED.read_text().splitlines()[1]


def test_a_model_has_its_prices_from_the_own_list_alone(tmp_path: Path) -> None:
    own = listed(tmp_path, HEAD, "claude-sonnet-4-5,1,1,1,1,1")
    lines = price_list(SHIPPED, own).splitlines()
    assert [line for line in lines if line.startswith("claude-sonnet-4-5,")] == [
        "claude-sonnet-4-5,,0,1,1,1,1,1,,,"
    ]
    assert len(lines) == len(SHIPPED.read_text().splitlines()) - 1


def test_the_newest_day(tmp_path: Path) -> None:
    own = listed(tmp_path, f"{HEAD},listed_on", "mine,1,1,1,1,1,2031-02-03", "other,1,1,1,1,1,")
    assert newest_day(price_list(SHIPPED, own)) == date(2031, 2, 3)
    assert newest_day(own.read_text().replace("2031-02-03", "")) is None


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], [f"line 1: the column {name} is missing" for name in HEAD.split(",")]),
        ([HEAD.replace("input", "inputs")], [
            "line 1: unknown column 'inputs', the nearest is input", "line 1: the column input is missing",
        ]),
        ([f"{HEAD},model"], ["line 1: the column model stands there 2 times"]),
        ([HEAD, "a,1,1"], ["line 2: 3 values for 6 columns"]),
        ([HEAD, "", ",1,1,1,1,"], ["line 3, column model: is empty", "line 3, column cache_read: is empty"]),
        ([HEAD, "Claude 3,1,1,1,1,1"], [f"line 2, column model: {NAME}, found 'Claude 3'"]),
        ([HEAD, "claude-opus-4.5,1,1,1,1,1"], [f"line 2, column model: {NAME}, found 'claude-opus-4.5'"]),
        ([HEAD, "claude-opus-4-5-20251101,1,1,1,1,1"], [
            f"line 2, column model: {NAME}, found 'claude-opus-4-5-20251101'",
        ]),
        ([HEAD, "claude-4-opus,1,1,1,1,1"], [f"line 2, column model: {NAME}, found 'claude-4-opus'"]),
        ([HEAD, "a,x,-1,1e3,nan,1_0"], [
            "line 2, column input: expected a number such as 12.50, found 'x'",
            "line 2, column output: expected 0 or more, found '-1'",
            "line 2, column cache_write_5m: expected a number such as 12.50, found '1e3'",
            "line 2, column cache_write_1h: expected a number such as 12.50, found 'nan'",
            "line 2, column cache_read: expected a number such as 12.50, found '1_0'",
        ]),
        ([HEAD, "a,1000000,0.0000001,1,1,1"], [
            "line 2, column input: expected less than 1,000,000 with at most 6 decimals, found '1000000'",
            "line 2, column output: expected less than 1,000,000 with at most 6 decimals, found '0.0000001'",
        ]),
        ([ALL, "a,1.1.2026,-1,1,1,1,1,1,0,x,2026-02-30"], [
            "line 2, column valid_from: expected a day such as 2026-11-01, found '1.1.2026'",
            "line 2, column prompt_above: expected a whole number of tokens, found '-1'",
            "line 2, column fast_factor: expected more than 0, found '0'",
            "line 2, column region_factor: expected a number such as 12.50, found 'x'",
            "line 2, column listed_on: expected a day of the calendar, found '2026-02-30'",
        ]),
        ([ALL, "a,,,1,1,1,1,1,,,", "b,,,1,1,1,1,1,,,", "a,,0,2,2,2,2,2,,,"], [
            "line 4: the same model, valid_from and prompt_above as line 2",
        ]),
        ([ALL, "a,,200000,1,1,1,1,1,,,"], [
            f"line 2, column prompt_above: {SHORT} an empty valid_from, the price of short prompts",
        ]),
        ([ALL, "a,2026-03-04,0,1,1,1,1,1,,,", "a,2026-01-01,9,1,1,1,1,1,,,"], [
            f"line 3, column prompt_above: {SHORT} valid_from 2026-01-01, the price of short prompts",
        ]),
        ([ALL, "a,2026-01-01,0,1,1,1,1,1,,,", "a,2026-03-04,9,1,1,1,1,1,,,"], []),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, lines: list[str], expected: list[str]) -> None:
    path = listed(tmp_path, *lines)
    assert price_faults(path) == [f"{path} {fault}" for fault in expected]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"model\xff", "is not UTF-8 text"),
        (HEAD.encode() + b'\n"a', "is not CSV: unexpected end of data"),
    ],
)
def test_a_file_that_is_no_list(tmp_path: Path, content: bytes | None, fault: str) -> None:
    path = tmp_path / "prices.csv"
    if content is not None:
        path.write_bytes(content)
    assert price_faults(path) == [f"{path} {fault}"]
    with pytest.raises(SettingsError, match="is no list of prices"):
        price_list(SHIPPED, path)


def test_faults_are_those_of_the_settings(tmp_path: Path) -> None:
    listed(tmp_path, HEAD, "a,x,1,1,1,1")
    (tmp_path / "clogs.toml").write_text('[transform]\nprices = "prices.csv"\n[duckdb]\nthreads = 0\n')
    with pytest.raises(SettingsError) as caught:
        load_settings(environ={}, cwd=tmp_path)
    assert caught.value.message.replace(f"{tmp_path}{os.sep}", "").splitlines() == [
        "The settings have 2 faults:",
        "  duckdb.threads = 0 (clogs.toml line 4): expected a whole number >= 1",
        f"  transform.prices (clogs.toml line 2): prices.csv line 2, column input: {NUMBER}, found 'x'",
    ]


@pytest.mark.slow
def test_costs_follow_the_list_and_go_back_with_it(workspace: Workspace) -> None:
    fill(workspace)
    before = costs(workspace)
    own = listed(
        workspace.folder, HEAD, *(f"{model},1,1,1,1,1" for model in ("gateway-experimental-1", "mine"))
    )
    prices = {"TRANSFORM_PRICES": str(own)}
    assert transformed(workspace, **prices) == "done"
    assert transformed(workspace, **prices) == "unchanged"
    after = costs(workspace)
    assert (after.pop("gateway-experimental-1") or 0) > 0
    assert before.pop("gateway-experimental-1") is None
    assert after == before

    listed(workspace.folder, HEAD, "gateway-experimental-1,0,0,0,0,0")
    assert transformed(workspace, **prices) == "done"
    assert costs(workspace)["gateway-experimental-1"] == 0

    assert transformed(workspace) == "done"
    assert costs(workspace) == before | {"gateway-experimental-1": None}
    listed(workspace.folder, HEAD, "a,-1,0,0,0,0")
    assert "line 2, column input" in workspace.refusal("transform", code=78, **prices)


def transformed(workspace: Workspace, **variables: str) -> str:
    """How a pipeline's transform ends."""
    finished = workspace.run("pipeline", "--skip-extract", "--skip-validate", "--json", **variables)
    steps = {step["name"]: step["status"] for step in json.loads(finished.stdout)["steps"]}
    return str(steps["transform"])


def costs(workspace: Workspace) -> dict[str, float | None]:
    """What each model cost."""
    rows = workspace.output("query", "--format", "json", "SELECT model, cost_usd FROM gold.dim_models")
    return {row["model"]: row["cost_usd"] for row in json.loads(rows)}
