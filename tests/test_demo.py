"""``clogs demo``: from nothing to true figures, with the user's own things left alone."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from built import SAMPLES
from conftest import Workspace, new_workspace
from test_demo_server import children, ends
from truth import Truth

from clogs.terminal.text import money, printable, si_number

pytestmark = pytest.mark.every_python

TRUTH = Truth(SAMPLES)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """One demo, in an environment whose settings point elsewhere, and what it printed."""
    root = tmp_path_factory.mktemp("demo")
    workspace = new_workspace(root, "mongodb://elsewhere.invalid", "other")
    (workspace.folder / "clogs.toml").write_text("nonsense = 1\n", encoding="utf-8")
    return root / "kept here", workspace.run("demo", "--keep", root / "kept here", DUCKDB_THREADS="0")


def test_it_ends_well_and_touches_nothing_of_the_users(
    demo: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, finished = demo
    said = [
        line.partition(" WARNING ")[2] or line
        for line in finished.stderr.splitlines()
        if not re.search(r"INFO \w+: [\d,]+( of [\d,]+)? \w+( · .* left)?( · [\d,]+/s)?$", line)
    ]
    rejected = "2 lines rejected; the reasons: clogs dead-letters list --stage import"
    assert (finished.returncode, said) == (0, [rejected])  # a slow machine tells how far it is
    assert {path.name for path in folder.parent.iterdir()} == {"cwd", "home", "kept here"}
    assert [path.name for path in (folder.parent / "cwd").iterdir()] == ["clogs.toml"]
    assert list((folder.parent / "home").iterdir()) == []


def test_its_figures_are_true(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    text = demo[1].stdout
    calls = TRUTH.tool_calls.values()
    failed = sum(call.is_error for call in calls) / len(calls)
    cost = sum(cost for cost in TRUTH.costs if cost is not None)
    tokens = sum(sum(response.tokens) for response in TRUTH.responses)
    assert f"{len(TRUTH.lines)} documents imported · 2 lines rejected" in text
    assert f"{len(TRUTH.lines)} rows in raw.conversations" in text
    assert f" {len(TRUTH.sessions)} sessions, {len(TRUTH.automated)} of them automated, in " in text
    assert (
        f"{len(calls)} tool calls ({failed:.1%} failed) · {si_number(tokens)} tokens · {money(cost)}" in text
    )
    assert "No price, so not in the cost: gateway-experimental-1" in text


def test_what_it_says_to_try_works_as_it_stands(
    demo: tuple[Path, subprocess.CompletedProcess[str]], workspace: Workspace
) -> None:
    shutil.copytree(SAMPLES, Path(workspace.environment["HOME"]) / ".claude")
    own = ("DATA_DIR", "MONGO_URI", "MONGO_DB", "MONGO_COLLECTION")  # would beat the demo's file
    environment = {name: value for name, value in workspace.environment.items() if name not in own}
    *_, last = demo[1].stdout.partition("The warehouse is ")
    commands = [line for line in last.splitlines() if line.startswith("  ")]
    outputs = [
        subprocess.run(
            ["/bin/bash", "-c", command],
            check=True,
            capture_output=True,
            cwd=workspace.folder,
            encoding="utf-8",
            env=environment,
        ).stdout
        for command in commands
    ]
    assert len(outputs) == 5
    rows = re.findall(r"^(.+?) +(\d+) +\d+ *$", outputs[1], re.MULTILINE)
    calls = [call.tool for call in TRUTH.tool_calls.values()]
    assert {tool: int(count) for tool, count in rows} == {
        printable(tool): calls.count(tool) for tool in calls
    }


def test_a_folder_that_is_not_empty_is_refused(workspace: Workspace) -> None:
    finished = workspace.run("demo", "--keep", workspace.folder.parent)
    assert finished.returncode == 2
    assert "is not an empty folder" in finished.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_stopped_it_leaves_no_server(workspace: Workspace, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "clogs", "demo"],
        cwd=workspace.folder,
        env=workspace.environment | {"PYTHONUNBUFFERED": "1", "TMPDIR": str(workspace.folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        running.stdout.readline()
        (server,) = children(running.pid)
        running.send_signal(number)
    assert ends(server)
