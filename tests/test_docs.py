"""README, CONTRIBUTING and the CI script say what is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from built import fill, warehouse_of
from conftest import Workspace

from clogs.cli import COMMANDS
from clogs.warehouse import connect, query

TEST_COMMAND = "python3 -m venv .venv && .venv/bin/pip install --quiet nox && .venv/bin/nox"
DEMO_COMMAND = "python3 -m venv .venv && .venv/bin/pip install --quiet '.[demo]' && .venv/bin/clogs demo"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", ".ci/run"])
def test_one_command_runs_all_tests(project: Path, page: str) -> None:
    assert TEST_COMMAND in (project / page).read_text(encoding="utf-8")


def test_one_command_runs_the_demo(project: Path) -> None:
    assert DEMO_COMMAND in (project / "README.md").read_text(encoding="utf-8")


def test_the_readme_leads_to_every_page(project: Path) -> None:
    links = re.findall(r"\]\((docs/[\w/-]+\.md)\)", (project / "README.md").read_text(encoding="utf-8"))
    pages = {page.relative_to(project).as_posix() for page in (project / "docs").rglob("*.md")}
    assert set(links) == pages


@pytest.mark.parametrize("name", COMMANDS)
def test_the_changelog_names_every_command(project: Path, name: str) -> None:
    assert f"`clogs {name}`" in (project / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_query_of_the_readme_has_an_answer(project: Path, workspace: Workspace) -> None:
    page = (project / "README.md").read_text(encoding="utf-8")
    blocks = [
        sql for block in re.findall(r"```sql\n(.*?)```", page, re.DOTALL) for sql in block.split(";")[:-1]
    ]
    assert len(blocks) == 2
    with connect(warehouse_of(fill(workspace)), read_only=True) as connection:
        assert all(query(connection, sql)[1] for sql in blocks)
