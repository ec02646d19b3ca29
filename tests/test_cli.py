"""What every command has in common: help, global options, JSON, silence and exit codes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from built import fill
from conftest import Workspace, new_workspace

from clogs import __version__
from clogs.cli import COMMANDS

GOLDEN = Path(__file__).parent / "golden"
DEAD_LETTERS = ("list", "show", "replay", "purge")
"""What ``clogs dead-letters`` has of commands."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A finished pipeline that is only read."""
    return fill(new_workspace(tmp_path_factory.mktemp("cli"), "mongodb://127.0.0.1:9", "none"))


@pytest.mark.parametrize("command", ["", *COMMANDS, *(f"dead-letters {each}" for each in DEAD_LETTERS)])
def test_help(workspace: Workspace, command: str) -> None:
    finished = workspace.run(*command.split(), "--help", COLUMNS="100")
    golden = GOLDEN / f"{command.replace(' ', '-') or 'clogs'}.txt"
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("command", ["extract", "schedule install", "query", "report"])
def test_lines_of_help_are_broken_by_the_terminal_alone(
    workspace: Workspace, command: str, width: int
) -> None:
    stdout = workspace.output(*command.split(), "--help", COLUMNS=str(width))
    before_options = stdout.partition("╭")[0]
    for paragraph in before_options.split("\n\n"):
        lines = [line.rstrip() for line in paragraph.strip().splitlines()]
        # each line is full: the first word of the next would not have fitted
        for line, following in pairwise(lines):
            assert len(line) + 1 + len(following.split()[0]) > width


def test_version(workspace: Workspace) -> None:
    assert workspace.run("--version").stdout == workspace.run("-V").stdout == f"{__version__}\n"


def test_without_a_command_it_shows_the_help(workspace: Workspace) -> None:
    finished = workspace.run(COLUMNS="100")
    assert (finished.returncode, finished.stdout) == (0, workspace.run("--help", COLUMNS="100").stdout)


@pytest.mark.parametrize("option", ["--config", "-c"])
@pytest.mark.parametrize("place", ["before", "after"])
def test_the_settings_file_is_named_before_or_after_the_command(
    workspace: Workspace, option: str, place: str
) -> None:
    (workspace.folder / "own.toml").write_text('[logging]\nlevel = "ERROR"\n', encoding="utf-8")
    orders = {
        "before": [option, "own.toml", "config", "--json"],
        "after": ["config", "--json", option, "own.toml"],
    }
    assert json.loads(workspace.run(*orders[place]).stdout)["settings"]["logging.level"]["value"] == "ERROR"


@pytest.mark.parametrize(
    ("arguments", "level"),
    [
        (["-v", "config"], "DEBUG"),
        (["config", "--verbose"], "DEBUG"),
        (["-q", "config"], "WARNING"),
        (["config", "--quiet"], "WARNING"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_verbose_and_quiet_before_or_after_the_command(
    workspace: Workspace, arguments: list[str], level: str
) -> None:
    document = json.loads(workspace.run(*arguments, "--json").stdout)
    assert document["settings"]["logging.level"]["value"] == level


@pytest.mark.parametrize(
    "command", ["load", "load --stats", "load --init-only", "validate", "config", "pipeline --skip-extract"]
)
def test_json_is_exactly_one_document(filled: Workspace, command: str) -> None:
    assert isinstance(json.loads(filled.output(*command.split(), "--json")), dict)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("import missing", 2),
        ("extract --since never", 2),
        ("load --stats --init-only", 2),
        ("nonsense", 2),
        ("transform --models nothing", 2),
        ("validate --layer brass", 2),
        ("config --config missing.toml", 78),
        ("pipeline --config missing.toml", 78),
    ],
)
def test_json_is_exactly_one_document_on_failure_too(filled: Workspace, command: str, code: int) -> None:
    finished = filled.run(*command.split(), "--json")
    document = json.loads(finished.stdout)
    assert (finished.returncode, document["error"]["exit_code"]) == (code, code)
    assert document["error"]["message"] in finished.stderr


@pytest.mark.parametrize("command", ["load", "load --init-only", "validate", "transform --models dim_date"])
def test_quiet_says_nothing_on_success(filled: Workspace, command: str) -> None:
    finished = filled.run(*command.split(), "--quiet")
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")


def test_quiet_still_shows_failures(filled: Workspace) -> None:
    assert "missing does not exist." in filled.refusal("import", "missing", "--quiet", code=2)


def test_stats_for_people(filled: Workspace) -> None:
    stdout = filled.output("load", "--stats")
    assert stdout.startswith("723 rows · 2026-")
    assert "assistant" in stdout


def test_validate_for_people(filled: Workspace) -> None:
    finished = filled.run("validate", "--layer", "gold")
    assert finished.returncode == 0
    assert "✓  gold   gold.fct_tool_calls" in finished.stdout
    assert "checks passed on" in finished.stdout


def test_a_dry_run_reads_and_writes_nothing(mongo_workspace: Workspace, tmp_path: Path) -> None:
    transcript = tmp_path / "projects" / "app" / "one.jsonl"
    transcript.parent.mkdir(parents=True)
    transcript.write_text('{"n":1}\n{"n":2}\n', encoding="utf-8")
    assert mongo_workspace.run("import", transcript).returncode == 0
    shutil.rmtree(tmp_path / "data")
    finished = mongo_workspace.run("extract", "--dry-run")
    assert finished.stdout == "2 documents would be read, from the collection's beginning.\n"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "command",
    ["dead_letters", "demo", "doctor", "extract", "import_", "load", "pipeline", "query", "status", "tables"],
)
def test_a_command_waits_for_no_stage_that_it_does_not_run(command: str) -> None:
    loaded = (
        f"import sys, clogs.commands.{command}; print(sorted({{'pandera', 'sqlmesh'}} & set(sys.modules)))"
    )
    output = subprocess.run([sys.executable, "-c", loaded], check=True, capture_output=True).stdout
    assert output == b"[]\n"
