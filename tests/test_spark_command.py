"""The commands with ``engine.kind = "spark"``, as they are typed; run by ``nox -s spark``."""

from __future__ import annotations

import json
import random
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from built import SAMPLES, data_of, warehouse_of
from clusters import SPARK, end, settings, standalone
from conftest import Workspace, new_workspace
from engines import IGNORED

pytest.importorskip("pyspark.java_gateway", reason="nox -s spark installs it")
pytestmark = [pytest.mark.filterwarnings(IGNORED), pytest.mark.slow]

KILLS = 3


def workspace_in(folder: Path, **settings: str) -> Workspace:
    made = new_workspace(folder, "mongodb://127.0.0.1:9", "none")
    made.environment.update(settings, SOURCE_PATHS=str(SAMPLES))
    return made


@pytest.fixture(scope="module")
def duck(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A finished pipeline on DuckDB."""
    made = workspace_in(tmp_path_factory.mktemp("duck"))
    assert made.run("pipeline", "-q").returncode == 0
    return made


@pytest.fixture(scope="module")
def sparked(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A finished pipeline on Spark."""
    made = workspace_in(tmp_path_factory.mktemp("sparked"), **SPARK)
    finished = made.run("pipeline")
    assert (finished.returncode, "27 models built" in finished.stdout) == (0, True), finished.stderr
    assert "WARN " not in finished.stderr  # as Spark logs
    return made


QUESTIONS = {
    "report": ["report", "--last", "all", "--json"],
    "days": ["query", "-f", "json", "SELECT * FROM agg_daily_summary ORDER BY date"],
    "messages": ["query", "-f", "json", "SELECT * FROM fct_messages ORDER BY entry_id"],
    "documents": ["query", "-f", "json", "SELECT _id, message_raw FROM raw.conversations ORDER BY _id"],
    "loads": ["query", "-f", "json", "SELECT sum(rows), sum(inserted), sum(updated) FROM raw.ledger"],
}


@pytest.mark.parametrize("command", QUESTIONS.values(), ids=QUESTIONS)
def test_answers_are_the_same(duck: Workspace, sparked: Workspace, command: list[str]) -> None:
    ours, theirs = (answer(each, command) for each in (duck, sparked))
    assert_same(ours, theirs)
    assert ours


def answer(workspace: Workspace, command: list[str]) -> Any:  # noqa: ANN401  # as JSON has it
    return json.loads(workspace.output(*command))


def assert_same(ours: Any, theirs: Any) -> None:  # noqa: ANN401  # likewise
    """Compare JSON; the last digits of floating-point sums depend on the order of rows."""
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        ours, theirs = list(ours.values()), [theirs[key] for key in ours]
    if isinstance(ours, list):
        for one, other in zip(ours, theirs, strict=True):
            assert_same(one, other)
    else:
        assert ours == (pytest.approx(theirs) if isinstance(ours, float) else theirs)


def test_all_that_reads_works(sparked: Workspace) -> None:
    assert "fct_messages" in sparked.output("tables")
    assert "723 in raw.conversations" in sparked.run("status").stdout
    assert "of 104 checks passed" in sparked.run("validate").stdout
    assert json.loads(sparked.output("transform", "--plan", "--json")) == {"models": [], "documents": 0}
    assert "nothing new" in sparked.run("load").stdout


def test_compact_merges_files_and_changes_no_answer(sparked: Workspace) -> None:
    before = sparked.output(*QUESTIONS["report"])
    assert sparked.run("compact").returncode == 0
    assert sparked.output(*QUESTIONS["report"]) == before
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


def test_killed_at_random_the_next_run_ends_right(duck: Workspace, tmp_path: Path) -> None:
    dice = random.Random(8)  # noqa: S311  # the same each time
    workspace = workspace_in(tmp_path, **SPARK)
    for _ in range(KILLS):
        kill(workspace, dice.uniform(8, 40), "pipeline")
    assert workspace.run("pipeline", "-q").returncode == 0
    assert_same_answers(duck, workspace)
    assert warehouse_of(workspace).exists()
    shutil.copytree(data_of(duck), tmp_path / "duck" / "data")
    pruned, prune = workspace_in(tmp_path / "duck"), ["prune", "--before", "2026-09-20", "--yes"]
    for _ in range(KILLS):
        kill(workspace, dice.uniform(6, 20), *prune)
    for each in (pruned, workspace):
        assert each.run(*prune).returncode == 0
        assert each.run("pipeline", "-q", "--skip-extract").returncode == 0
    assert_same_answers(pruned, workspace)


def kill(workspace: Workspace, after: float, *command: str) -> None:
    """Start a command, and kill it some seconds later."""
    with workspace.start(*command) as running:
        time.sleep(after)
        running.send_signal(signal.SIGKILL)
        running.communicate()


def assert_same_answers(one: Workspace, other: Workspace) -> None:
    for command in QUESTIONS.values():
        assert_same(answer(one, command), answer(other, command))


def test_a_worker_is_killed_and_the_next_run_ends_right(duck: Workspace, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    with standalone(tmp_path) as (address, workers):
        workspace = workspace_in(tmp_path / "own", **settings(address))
        silver = data_of(workspace) / "iceberg" / "silver"
        with workspace.start("pipeline") as running:
            while not silver.is_dir():
                assert running.poll() is None, running.communicate()
                time.sleep(0.2)
            end(workers[0])
            running.communicate()
        finished = workspace.run("pipeline", "-q")
    assert finished.returncode == 0, finished.stderr
    assert_same_answers(duck, workspace)
