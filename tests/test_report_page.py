"""The page of a report, as it is written."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from built import fill, warehouse_of
from conftest import new_workspace
from report_cases import HOSTILE, page_of_hostile_texts, page_of_samples

from clogs.warehouse import connect

pytestmark = pytest.mark.slow


class Reader(HTMLParser):
    """The elements of a page that could do something, and its texts."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = [("html", {})]
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements[-1] not in [("style", {}), ("script", {})]:
            self.texts.append(data)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return page_of_samples(tmp_path_factory.mktemp("page")).read_text(encoding="utf-8")


def data_of(source: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', source, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_its_policy_allows_what_it_brings_and_nothing_else(source: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', source)
    assert policy
    assert "unsafe" not in policy[1]
    assert policy[1].startswith("default-src 'none'; style-src 'sha256-")
    body = source[: source.index("</main>")]
    assert re.findall(r"(?:src|href)=\"(?!#|data:)([^\"]*)", body) == []
    assert " style=" not in body


def test_it_is_small_and_has_every_section(source: str) -> None:
    assert len(source) < 2_000_000
    sections = re.findall(r'<section class="overview" id="(\w+)">', source)
    assert sections == [
        "cost", "models", "unpriced", "projects", "users", "hours", "days", "tools", "errors", "times",
        "answers", "dearest", "longest", "categories", "tasks", "code", "languages", "files", "blocks",
    ]  # fmt: skip
    charts = [each for each in data_of(source)["sections"].values() if each["spec"]]
    assert source.count('"><svg') == len(charts) > 10
    captions = re.findall(r'role="img" aria-label="([^"]+)"', source)
    assert all("The most is" in caption for caption in captions)


def test_its_figures_are_those_of_sql(tmp_path: Path) -> None:
    workspace = fill(new_workspace(tmp_path, "mongodb://127.0.0.1:9", "none"))
    workspace.run("report", "--html", "report.html").check_returncode()
    shown = Reader()
    shown.feed((workspace.folder / "report.html").read_text(encoding="utf-8"))
    with connect(warehouse_of(workspace), read_only=True) as connection:
        ((cost, calls, prompts),) = connection.execute(
            "SELECT (SELECT sum(cost_usd) FROM gold.fct_api_calls),"
            " (SELECT count(*) FROM gold.fct_tool_calls),"
            " (SELECT count(*) FROM gold.fct_messages WHERE message_kind = 'prompt')"
        ).fetchall()
    assert {f"${cost:,.2f}", f"{calls:,}", f"{prompts:,}"} <= set(shown.texts)


def test_hostile_texts_are_only_texts(tmp_path: Path) -> None:
    source = page_of_hostile_texts(tmp_path).read_text(encoding="utf-8")
    read = Reader()
    read.feed(source)
    plain = HOSTILE.replace("\x1b", "�").replace("\u202e", "�")
    assert "\x1b" not in source
    assert "\u202e" not in source
    assert [attributes for tag, attributes in read.elements if tag == "img"] == []
    assert [
        attributes for _, attributes in read.elements if any(name.startswith("on") for name in attributes)
    ] == []
    assert sum(tag == "script" for tag, _ in read.elements) == 3
    assert any(plain in text for text in read.texts)
    assert any("{{7*7}}" in text for text in read.texts)
    data = data_of(source)
    assert plain in data["facts"]["sessions"]["title"]["texts"][0]
    assert plain in data["facts"]["errors"]["error"]["texts"][0]


def test_no_name_is_left_where_that_is_asked_for(tmp_path: Path) -> None:
    read = Reader()
    read.feed(page_of_samples(tmp_path, "--redact").read_text(encoding="utf-8"))
    labels = [each.get("aria-label") or "" for _, each in read.elements]
    body = "\n".join([*labels, *read.texts])
    with connect(tmp_path / "data" / "clogs.duckdb", read_only=True) as connection:
        names = connection.execute(
            "SELECT DISTINCT unnest([project_name, project_id, user_name, machine_name, session_id, title,"
            " cwd]) FROM gold.dim_sessions UNION SELECT user_name FROM gold.dim_users UNION"
            " SELECT DISTINCT unnest([file_path, parse_filename(file_path)]) FROM gold.fct_file_operations"
            " UNION SELECT DISTINCT unnest([mcp_server, CASE WHEN mcp_server IS NOT NULL THEN tool_name END])"
            " FROM gold.fct_tool_calls UNION SELECT error_text FROM gold.fct_tool_calls WHERE is_error"
        ).fetchall()
    found = {name for (name,) in names if name and len(name) > 3}
    assert len(found) > 50
    assert {name for name in found if name in body} == set()


def test_the_two_pages_lead_to_each_other(tmp_path: Path) -> None:
    workspace = fill(new_workspace(tmp_path, "mongodb://127.0.0.1:9", "none"))
    for command in (["report", "--html"], ["validate", "--build-docs"], ["report", "--html"]):
        workspace.run(*command).check_returncode()
    docs = Path(workspace.environment["DATA_DIR"]) / "docs"
    assert '<a href="report.html">Report</a>' in (docs / "index.html").read_text(encoding="utf-8")
    assert '<a href="index.html">Warehouse</a>' in (docs / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("options", [["--by", "day"], ["--json"], ["--format", "csv"], ["--compare"]])
def test_a_page_is_not_a_table(tmp_path: Path, options: list[str]) -> None:
    finished = new_workspace(tmp_path, "mongodb://127.0.0.1:9", "none").run("report", "--html", *options)
    assert finished.returncode == 2
    assert "The page has all figures." in finished.stderr


def test_a_time_without_anything_says_so(tmp_path: Path) -> None:
    source = page_of_samples(tmp_path, "--since", "2019-01-01", "--until", "2019-01-02").read_text(
        encoding="utf-8"
    )
    assert "Nothing in this time. The newest day is 2026-" in source
