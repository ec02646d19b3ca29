"""Commands with ``engine.kind = "spark"`` that are killed, or whose workers are; run by ``nox -s spark``."""

from __future__ import annotations

import random
import shutil
import signal
import time
from pathlib import Path

import pytest
from answers import assert_same_answers, workspace_in
from built import data_of, warehouse_of
from clusters import SPARK, end, settings, standalone
from conftest import Workspace
from engines import IGNORED

pytest.importorskip("pyspark.java_gateway", reason="nox -s spark installs it")
pytestmark = [pytest.mark.filterwarnings(IGNORED), pytest.mark.slow]

KILLS = 3


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
