"""What importing clogs costs, and that every command it names is there."""

from __future__ import annotations

import subprocess
import sys

import polars as pl
import pytest
from built import data_of, fill, warehouse_of
from conftest import Workspace, landed_in

from clogs import warehouse
from clogs.cli import app
from clogs.landing.files import land

pytestmark = pytest.mark.every_python

PAGE = {"altair", "great_tables", "vl_convert"}
HEAVY = {"bson", "duckdb", "pandas", "pandera", "polars", "pyarrow", "pymongo", "sqlmesh", *PAGE}

CALL_AND_LIST_MODULES = """
import sys
from clogs.cli import run
code = run(sys.argv[1:])
print("LOADED", *sorted(name for name in sys.modules if "." not in name))
sys.exit(code)
"""


def loaded_modules(*arguments: str, environment: dict[str, str] | None = None) -> set[str]:
    """The top-level modules that a run of ``clogs`` has loaded by its end."""
    command = [sys.executable, "-c", CALL_AND_LIST_MODULES, *arguments]
    output = subprocess.run(
        command, stdout=subprocess.PIPE, check=True, encoding="utf-8", env=environment
    ).stdout
    return set(output.rpartition("LOADED")[2].split())


@pytest.mark.parametrize("arguments", [[], ["--help"], ["--version"], ["config", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert loaded_modules(*arguments) & HEAVY == set()


@pytest.mark.parametrize(
    "arguments", [["query", "SELECT 1"], ["tables"], ["tables", "dim_tools"], ["report"]]
)
def test_a_question_loads_no_pandas(workspace: Workspace, arguments: list[str]) -> None:
    assert "pandas" not in loaded_modules(*arguments, environment=fill(workspace).environment)


def test_a_run_with_nothing_new_loads_no_sqlmesh(workspace: Workspace) -> None:
    found = loaded_modules("pipeline", "--skip-extract", environment=fill(workspace).environment)
    assert "duckdb" in found
    assert found & {"sqlmesh", "sqlglot", "pandera", "pandas", *PAGE} == set()


def test_a_load_loads_no_pandas(workspace: Workspace) -> None:
    landing = data_of(fill(workspace)) / "landing"
    rows = pl.read_parquet(landed_in(landing)[0], hive_partitioning=True)
    moved = pl.col("extracted_at") + pl.duration(seconds=1)
    changed = pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("changed")).otherwise("type")
    land(rows.with_columns(moved, type=changed), landing, name="again")
    assert "pandas" not in loaded_modules("load", environment=workspace.environment)
    with warehouse.connect(warehouse_of(workspace), read_only=True) as connection:
        last = "SELECT updated, unchanged FROM raw.ledger ORDER BY loaded_at DESC LIMIT 1"
        assert connection.execute(last).fetchall() == [(1, rows.height - 1)]


def test_a_run_that_follows_changes_loads_no_sqlmesh(workspace: Workspace) -> None:
    fill(workspace)
    with warehouse.connect(warehouse_of(workspace)) as connection:
        warehouse.note_changed(connection, "SELECT _id FROM raw.conversations", count=1)
        connection.execute("DELETE FROM raw.conversations")
    found = loaded_modules("transform", environment=workspace.environment)
    assert found & {"sqlmesh", "sqlglot", "pandera", "pandas", *PAGE} == set()
    with warehouse.connect(warehouse_of(workspace), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM gold.fct_messages").fetchall() == [(0,)]


def test_checks_of_changed_rows_that_hold_load_no_pandera(workspace: Workspace) -> None:
    command = """
import sys
from datetime import timedelta
from pathlib import Path
from clogs import warehouse
from clogs.checks.suites import CHECKS
from clogs.validate import validate

with warehouse.connect(Path(sys.argv[1])) as connection:
    connection.execute("UPDATE quality.results SET failing = 0")
    result = validate(
        connection, run="r", overrides={}, max_age=timedelta(days=3), only_changed=True
    )
assert [check.check for check in result.checks] == list(CHECKS)
assert not {"pandas", "pandera"} & sys.modules.keys()
"""
    path = warehouse_of(fill(workspace))
    subprocess.run([sys.executable, "-c", command, path], check=True)


def test_what_runs_spark_leaves_sqlmesh_to_be_set_up() -> None:
    """Or it loads models in processes that outlive a killed command, and hold its lock."""
    command = "import sys, clogs.spark.transform, clogs.spark.lens; print('sqlmesh' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", command], text=True) == "False\n"


@pytest.mark.parametrize("name", [name for name in app if not name.startswith("-")])
def test_every_command_is_there_and_documented(name: str) -> None:
    command = app[name].default_command
    assert command is not None
    assert command.__doc__
