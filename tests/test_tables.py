"""``clogs tables``: what can be queried, and the columns of one table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from built import fill
from conftest import Workspace, new_workspace
from test_imports import loaded_modules


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A finished pipeline that is only read."""
    return fill(new_workspace(tmp_path_factory.mktemp("tables"), "mongodb://127.0.0.1:9", "none"))


def test_gold_with_rows_and_descriptions(filled: Workspace) -> None:
    head, *lines = filled.output("tables").splitlines()
    assert head.split() == ["table", "rows", "description"]
    names = [line.split()[0] for line in lines]
    assert names == sorted(names)
    assert len(names) == 17
    assert "18  One row per tool that was called." in next(line for line in lines if "dim_tools" in line)


def test_all_layers_without_what_is_behind_them(filled: Workspace) -> None:
    found = json.loads(filled.output("tables", "--all", "--json"))["tables"]
    schemas = [table["name"].partition(".")[0] for table in found]
    assert list(dict.fromkeys(schemas)) == ["gold", "silver", "bronze", "raw"]
    assert {"name", "rows", "description"} == set(found[0])
    assert [table["name"] for table in found if not table["description"]] == []
    assert "raw.conversations" in filled.output("tables", "--all", COLUMNS="80")


@pytest.mark.parametrize("name", ["dim_tools", "gold.dim_tools", "DIM_TOOLS"])
def test_the_columns_of_a_table(filled: Workspace, name: str) -> None:
    lines = [line.rstrip() for line in filled.output("tables", name).splitlines()]
    assert lines[0] == "gold.dim_tools, 18 rows: One row per tool that was called."
    assert lines[2].split() == ["column", "type", "description"]
    assert lines[3].split(maxsplit=2) == ["tool_name", "VARCHAR", "Tool, as the transcripts name it."]
    assert filled.output("tables", name, COLUMNS="80").startswith(lines[0])


def test_columns_as_json(filled: Workspace) -> None:
    found = json.loads(filled.output("tables", "silver.int_entries", "--json"))
    assert found["name"] == "silver.int_entries"
    assert set(found["columns"][0]) == {"name", "type", "description"}


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("dim_tool", "dim_tools"),
        ("gold.dim_tool", "gold.dim_tools"),
        ("int_entry", "silver.int_entries"),
        ("silver.dim_tools", "gold.dim_tools"),
    ],
)
def test_an_unknown_table_has_a_near_one(filled: Workspace, name: str, near: str) -> None:
    stderr = filled.refusal("tables", name, code=2)
    assert f"The table {name} does not exist, the nearest is {near}." in stderr


def test_no_warehouse_yet(workspace: Workspace) -> None:
    for arguments in (["tables"], ["query", "SELECT 1"]):
        assert "clogs.duckdb does not exist yet." in workspace.refusal(*arguments, code=69)


def test_nothing_is_built_yet(workspace: Workspace) -> None:
    workspace.run("load", "--init-only").check_returncode()
    finished = workspace.run("tables")
    assert (finished.returncode, finished.stdout) == (0, "")
    assert "clogs transform" in finished.stderr
    assert json.loads(workspace.output("tables", "--json")) == {"tables": []}


def test_a_model_of_your_own_is_listed(workspace: Workspace, tmp_path: Path) -> None:
    fill(workspace)
    models = tmp_path / "own" / "models"
    models.mkdir(parents=True)
    model = "MODEL (name mine.nights, kind FULL, description 'Mine.'); SELECT 1 AS n"
    (models / "nights.sql").write_text(model, encoding="utf-8")
    workspace.run("transform", TRANSFORM_EXTRA_MODELS=str(models.parent)).check_returncode()
    assert "mine.nights" in workspace.output("tables")
    assert workspace.output("tables", "nights").startswith("mine.nights, 1 row")


def test_it_loads_no_sqlmesh(filled: Workspace) -> None:
    assert "sqlmesh" not in loaded_modules("tables", environment=filled.environment)
