"""The commands with ``engine.kind = "spark"``, as they are typed; run by ``nox -s spark``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from answers import QUESTIONS, answer, assert_same, assert_same_answers, workspace_in
from built import data_of
from clusters import SPARK
from conftest import Workspace
from engines import IGNORED

pytest.importorskip("pyspark.java_gateway", reason="nox -s spark installs it")
pytestmark = [pytest.mark.filterwarnings(IGNORED), pytest.mark.slow]


@pytest.fixture(scope="module")
def sparked(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A finished pipeline on Spark."""
    made = workspace_in(tmp_path_factory.mktemp("sparked"), **SPARK)
    finished = made.run("pipeline")
    assert (finished.returncode, "27 models built" in finished.stdout) == (0, True), finished.stderr
    assert "WARN " not in finished.stderr  # as Spark logs
    return made


@pytest.mark.parametrize("command", QUESTIONS.values(), ids=QUESTIONS)
def test_answers_are_the_same(duck: Workspace, sparked: Workspace, command: list[str]) -> None:
    ours, theirs = (answer(each, command) for each in (duck, sparked))
    assert_same(ours, theirs)
    assert ours


def test_all_that_reads_works(sparked: Workspace) -> None:
    assert "fct_messages" in sparked.output("tables")
    assert "723 in raw.conversations" in sparked.run("status").stdout
    assert "of 104 checks passed" in sparked.run("validate").stdout
    assert json.loads(sparked.output("transform", "--plan", "--json")) == {"models": [], "documents": 0}
    assert "nothing new" in sparked.run("load").stdout


@pytest.mark.parametrize("table", ["raw.conversations", "fct_messages", "agg_daily_summary"])
def test_tables_are_described(duck: Workspace, sparked: Workspace, table: str) -> None:
    command = "tables", table, "--json"
    assert json.loads(sparked.output(*command)) == json.loads(duck.output(*command))


def test_what_it_leaves_is_its_owners_alone(sparked: Workspace) -> None:
    left = list(data_of(sparked).rglob("*"))
    assert {path.suffix for path in left} >= {".db", ".duckdb", ".parquet", ".avro", ".log"}
    assert [path for path in left if path.stat().st_mode & 0o077] == []


def test_compact_merges_files_and_changes_no_answer(sparked: Workspace) -> None:
    asked = QUESTIONS["report"], ["tables", "--all", "--json"], ["tables", "raw.conversations", "--json"]
    before = [sparked.output(*each) for each in asked]
    assert sparked.run("compact").returncode == 0
    assert [sparked.output(*each) for each in asked] == before
    assert "nothing new" in sparked.run("transform").stdout


def test_days_are_pruned_as_in_duckdb(duck: Workspace, sparked: Workspace, tmp_path: Path) -> None:
    shutil.copytree(data_of(duck), tmp_path / "data")
    both = workspace_in(tmp_path), sparked
    for option in ("--dry-run", "--yes"):
        ours, theirs = (answer(each, ["prune", "--before", "2026-09-20", "--json", option]) for each in both)
        assert {**ours, "bytes": 0, "seconds": 0} == {**theirs, "bytes": 0, "seconds": 0}
        assert ours["rows"] > 0
    assert_same_answers(*both)
    assert "Nothing to remove." in sparked.run("prune", "--before", "2026-09-20").stdout
    assert "0 of" not in sparked.run("validate").stdout


def test_a_warehouse_of_duckdb_is_left_alone(duck: Workspace, tmp_path: Path) -> None:
    shutil.copytree(data_of(duck), tmp_path / "data")
    workspace = workspace_in(tmp_path, **SPARK)
    refused = workspace.run("load")
    assert (refused.returncode, "a warehouse of DuckDB's own" in refused.stderr) == (69, True)
    assert workspace.output(
        "query", "-f", "csv", "SELECT count(*) FROM raw.conversations", ENGINE_KIND="duckdb"
    )


def test_a_damaged_file_is_put_aside_and_all_others_are_loaded(tmp_path: Path) -> None:
    workspace = workspace_in(tmp_path, **SPARK)
    assert workspace.run("extract", "-q").returncode == 0
    damaged, *_ = sorted((data_of(workspace) / "landing").rglob("*.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:-9])
    finished = workspace.run("load")
    assert (finished.returncode, "1 damaged landing file moved" in finished.stderr) == (65, True)
    assert workspace.run("extract", "-q", "--full-backfill").returncode == 0
    workspace.output("load", "-q")
    assert "723" in workspace.output("query", "-f", "csv", "SELECT count(*) FROM raw.conversations")
