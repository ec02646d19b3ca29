"""``clogs report``: its figures against SQL written apart from it, and how it reads."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from built import fill, warehouse_of
from conftest import Workspace, new_workspace

from clogs.errors import UsageError
from clogs.report.period import moment, period
from clogs.warehouse import Connection, connect

NOW = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)  # Wednesday, Thursday in Berlin


def spoken(options: dict[str, str], timezone: str = "UTC") -> str:
    given = (options.get(name) for name in ("last", "since", "until"))
    last, since, until = given
    return str(period(last=last, since=since, until=until, timezone=timezone, now=NOW))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "2026-02-03 to 2026-03-04"),
        ({"last": "1d"}, "2026-03-04"),
        ({"last": "2w"}, "2026-02-19 to 2026-03-04"),
        ({"last": "12h"}, "2026-03-04 11:30 to 2026-03-04 23:30"),
        ({"last": "all"}, "until 2026-03-04"),
        ({"last": "9999d"}, "1998-10-19 to 2026-03-04"),
        ({"since": "yesterday"}, "2026-03-03 to 2026-03-04"),
        ({"since": "Monday"}, "2026-03-02 to 2026-03-04"),
        ({"since": "wednesday"}, "2026-03-04"),
        ({"since": "2026-01-01", "until": "2026-01-31"}, "2026-01-01 to 2026-01-31"),
        ({"since": "7d"}, "2026-02-25 23:30 to 2026-03-04"),
        ({"since": "2026-01-01T08:00"}, "2026-01-01 08:00 to 2026-03-04"),
        ({"until": "2026-01-31"}, "until 2026-01-31"),
    ],
)
def test_a_period_in_words(options: dict[str, str], expected: str) -> None:
    assert spoken(options) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("today", "2026-03-05T00:00+01:00"),
        ("yesterday", "2026-03-04T00:00+01:00"),
        (" Monday", "2026-03-02T00:00+01:00"),
        ("thursday", "2026-03-05T00:00+01:00"),
        ("friday", "2026-02-27T00:00+01:00"),
        ("7d", "2026-02-26T00:30+01:00"),
        ("12h", "2026-03-04T12:30+01:00"),
        ("2026-03-01", "2026-03-01T00:00+01:00"),
        ("2026-03-01T08:00", "2026-03-01T08:00+01:00"),
        ("2026-03-01T08:00Z", "2026-03-01T09:00+01:00"),
    ],
)
def test_moments_in_a_time_zone_where_the_next_day_has_begun(text: str, expected: str) -> None:
    here = NOW.astimezone(ZoneInfo("Europe/Berlin"))
    assert moment(text, here).isoformat(timespec="minutes") == expected


def test_twelve_hours_are_twelve_where_clocks_change() -> None:
    here = datetime(2026, 3, 29, 10, tzinfo=ZoneInfo("Europe/Berlin"))
    assert moment("12h", here).isoformat(timespec="minutes") == "2026-03-28T21:00+01:00"


@pytest.mark.parametrize("text", ["", "mon", "7", "7y", "tomorrow", "2026-13-01", "0001-01-01T00:00+23:00"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(UsageError):
        moment(text, NOW)


def test_a_day_begins_where_the_time_zone_says() -> None:
    assert spoken({"last": "1d"}, "Europe/Berlin") == "2026-03-05"
    found = period(last="1d", since=None, until=None, timezone="Europe/Berlin", now=NOW)
    assert found.since == datetime(2026, 3, 4, 23, tzinfo=UTC)
    assert found.before is not None
    assert found.before.until == found.since


@pytest.mark.parametrize(
    "options",
    [
        {"last": "soon"},
        {"last": "0d"},
        {"last": "1d", "since": "today"},
        {"since": "someday"},
        {"since": "2026-03-04", "until": "2026-03-01"},
        {"until": "9999-12-31"},
    ],
)
def test_what_is_no_period(options: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        spoken(options)


@pytest.fixture(scope="module", params=["UTC", "America/Los_Angeles"])
def workspace(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    found = fill(new_workspace(tmp_path_factory.mktemp("report"), "mongodb://127.0.0.1:9", "none"))
    if request.param != "UTC":
        found.environment["TRANSFORM_TIMEZONE"] = request.param
        found.run("transform").check_returncode()
    return found


@pytest.fixture
def warehouse(workspace: Workspace) -> Iterator[Connection]:
    with connect(warehouse_of(workspace), read_only=True) as opened:
        yield opened


def reported(workspace: Workspace, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(workspace.output("report", *arguments, "--json"))
    return found


@pytest.mark.parametrize(
    ("since", "until"),
    [("2020-01-01", "2030-01-01"), ("2026-03-01", "2026-03-31"), ("2026-10-07", "2026-10-07")],
)
def test_the_figures_are_those_of_sql(
    workspace: Workspace, warehouse: Connection, since: str, until: str
) -> None:
    found = reported(workspace, "--since", since, "--until", until)
    days = f"date BETWEEN '{since}' AND '{until}'"
    cost, tokens = warehouse.execute(
        "SELECT sum(cost_usd), coalesce(sum(input_tokens + output_tokens + cache_creation_tokens"
        f" + cache_read_tokens), 0) FROM gold.fct_api_calls WHERE {days}"
    ).fetchall()[0]
    ((prompts,),) = warehouse.execute(
        f"SELECT count(*) FROM gold.fct_messages WHERE message_kind = 'prompt' AND {days}"
    ).fetchall()
    calls, failed = warehouse.execute(
        f"SELECT count(*), count(*) FILTER (is_error) FROM gold.fct_tool_calls WHERE {days}"
    ).fetchall()[0]
    total = found["total"]
    assert total["cost_usd"] == (pytest.approx(cost) if cost is not None else None)
    assert [total[each] for each in ("tokens", "prompts", "tool_calls", "failed")] == [
        tokens, prompts, calls, failed,
    ]  # fmt: skip
    for table, column, name in (
        ("by_project", "project_name", "project"),
        ("by_day", "CAST(date AS VARCHAR)", "day"),
        ("by_model", "coalesce(model, 'unknown')", "model"),
    ):
        costs = warehouse.execute(
            f"SELECT {column}, sum(cost_usd) FROM gold.fct_api_calls WHERE {days} GROUP BY 1"
        ).fetchall()
        shown = {row[name]: row["cost_usd"] for row in found[table]}
        for key, value in costs:
            assert shown[key] == (pytest.approx(value) if value is not None else None), (table, key)
        assert sum(value or 0 for value in shown.values()) == pytest.approx(cost or 0)


def test_windows_of_five_hours_are_those_of_gold(workspace: Workspace, warehouse: Connection) -> None:
    found = reported(workspace, "--last", "all", "--by", "block")
    ((windows, cost),) = warehouse.execute(
        "SELECT count(*), sum(cost_usd) FROM gold.agg_usage_blocks"
    ).fetchall()
    assert len(found["rows"]) == windows
    assert found["total"]["cost_usd"] == pytest.approx(cost)


@pytest.mark.parametrize("by", ["day", "week", "month", "project", "model", "session", "tool", "user"])
def test_a_table_adds_up(workspace: Workspace, by: str) -> None:
    found = reported(workspace, "--last", "all", "--by", by)
    measure = "tool_calls" if by == "tool" else "cost_usd"
    assert sum(row[measure] or 0 for row in found["rows"]) == pytest.approx(found["total"][measure])


def test_filters_choose(workspace: Workspace, warehouse: Connection) -> None:
    some = reported(workspace, "--last", "all", "--project", "*teashop*", "--model", "claude-*")
    ((cost,),) = warehouse.execute(
        "SELECT sum(cost_usd) FROM gold.fct_api_calls"
        " WHERE project_id LIKE '%teashop%' AND model LIKE 'claude-%'"
    ).fetchall()
    assert some["total"]["cost_usd"] == pytest.approx(cost)
    assert some["failing_tools"] == []
    assert reported(workspace, "--last", "all", "--user", "nobody")["total"]["cost_usd"] is None


def test_a_terminal_of_80_columns_holds_it(workspace: Workspace) -> None:
    for options in ([], ["--by", "week", "--by", "project"], ["--by", "session"], ["--by", "tool"]):
        shown = workspace.output("report", "--last", "all", *options, COLUMNS="80")
        assert max(map(len, shown.splitlines())) <= 80, options
        assert "$" in shown or "tool" in shown


def test_it_compares_and_minds_a_budget(workspace: Workspace) -> None:
    above = workspace.run("report", "--last", "all", "--budget", "1")
    assert above.returncode == 1
    assert "above the budget of $1.00" in above.stderr
    assert workspace.run("report", "--last", "all", "--budget", "1000").returncode == 0
    compared = reported(workspace, "--since", "2026-01-01", "--by", "project", "--compare")
    assert all("cost_usd_before" in row for row in compared["rows"])
    assert workspace.run("report", "--by", "day", "--compare").returncode == 2
    assert workspace.run("report", "--by", "tool", "--by", "model").returncode == 2
    assert workspace.run("report", "--by", "block", "--by", "model").returncode == 2


def test_csv_has_the_same_figures(workspace: Workspace) -> None:
    rows = list(
        csv.DictReader(
            StringIO(workspace.output("report", "--last", "all", "--by", "project", "--format", "csv"))
        )
    )
    found = reported(workspace, "--last", "all", "--by", "project")["rows"]
    assert [row["project"].removeprefix("'") for row in rows] == [row["project"] for row in found]
    summary = workspace.output("report", "--last", "all", "--format", "csv")
    assert summary.startswith("table,row,measure,value\ntotal,1,cost_usd,")


def test_names_are_hidden_where_that_is_asked_for(workspace: Workspace, warehouse: Connection) -> None:
    shown = workspace.output("report", "--last", "all", "--redact") + workspace.output(
        "report", "--last", "all", "--redact", "--by", "session", "--by", "user", "--by", "project"
    )
    names = warehouse.execute(
        "SELECT DISTINCT unnest([project_name, project_id, user_name, session_id, title])"
        " FROM gold.dim_sessions"
    ).fetchall()
    assert [name for (name,) in names if name and len(name) > 3 and name in shown] == []


def test_nothing_in_a_period_says_where_there_is_something(workspace: Workspace) -> None:
    shown = workspace.output("report", "--since", "2019-01-01", "--until", "2019-01-02")
    assert "Nothing in this time. The newest day is 20" in shown


def test_without_a_warehouse_it_says_how_to_get_one(tmp_path: Path) -> None:
    finished = new_workspace(tmp_path, "mongodb://127.0.0.1:9", "none").run("report")
    assert finished.returncode == 69
    assert "clogs pipeline" in finished.stderr
