"""``clogs schedule`` as it is typed."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from conftest import Workspace
from scheduling import OTHERS, SYSTEMCTL, Tools

from clogs.runs.lock import run_lock
from clogs.schedule import crontab

GOLDEN = Path(__file__).parent / "golden"


DAEMON = """
import sys
from pathlib import Path
if sys.platform == "linux":
    Path("/proc/self/comm").write_text("cron")
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture
def daemon() -> Iterator[None]:
    """A process that is named as cron's daemon is."""
    with subprocess.Popen(
        [sys.executable, "-c", DAEMON], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        assert running.stdout
        running.stdout.readline()
        yield
        running.kill()


@pytest.fixture
def scheduled(workspace: Workspace, tools: Tools, daemon: None) -> Workspace:  # noqa: ARG001
    """A workspace with its settings in a file, and the system's commands."""
    folder = workspace.folder / "it's 100% mine"
    folder.mkdir()
    kept = {key: value for key, value in workspace.environment.items() if not key.startswith("MONGO_")}
    data = kept.pop("DATA_DIR")
    (folder / "clogs.toml").write_text(
        f'[mongo]\nuri = "mongodb://ann:s3cret@127.0.0.1:9"\n[data]\ndir = "{data}"\n', encoding="utf-8"
    )
    return Workspace(folder, kept | {"PATH": f"{tools.folder}:{kept['PATH']}"})


def run(workspace: Workspace, *arguments: str, **variables: str) -> str:
    finished = workspace.run("schedule", *arguments, **variables)
    assert (finished.returncode, finished.stderr) == (0, "")
    return finished.stdout


def run_json(workspace: Workspace, *arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run(workspace, *arguments, "--json"))
    return document


@pytest.mark.parametrize("command", ["install", "show", "remove"])
def test_help(workspace: Workspace, command: str) -> None:
    golden = GOLDEN / f"schedule-{command}.txt"
    assert run(workspace, command, "--help", COLUMNS="100") == golden.read_text(encoding="utf-8")


def test_it_is_installed_shown_and_removed(scheduled: Workspace, tools: Tools) -> None:
    tools.table = OTHERS
    assert run(scheduled) == run(scheduled, "show") == "Not scheduled.\n"
    first = run_json(scheduled, "install")
    assert (first["by"], first["changed"], first["dry_run"]) == ("cron", True, False)
    config = scheduled.folder / "clogs.toml"
    begin = [sys.executable, "-m", "clogs", "--config", str(config), "--quiet", "pipeline"]
    assert [shlex.split(each["command"]) for each in first["entries"]] == [
        begin,
        [*begin, "--reconcile", "--full-refresh"],
    ]
    assert first["entries"][1]["expression"] == "0 2 * * *"
    assert run_json(scheduled, "install")["changed"] is False
    assert tools.table
    assert tools.table.startswith(OTHERS)
    assert b"s3cret" not in tools.table
    assert b" 100\\% mine" in tools.table.removeprefix(OTHERS)
    began = datetime.now(UTC)
    shown = run_json(scheduled, "show")
    assert [datetime.fromisoformat(each["next"]) > began for each in shown["entries"]] == [True, True]
    assert [each | {"next": ANY} for each in first["entries"]] == shown["entries"]
    text = " ".join(run(scheduled).split())
    assert "full refresh 0 2 * * * 20" in text
    assert text.endswith(f"Run by cron, in local time: {shown['time_zone']}.")
    assert "full refresh  0 2 * * *" in run(scheduled, "remove", "--dry-run")
    assert run_json(scheduled, "show")["by"] == "cron"
    assert run(scheduled, "remove") == "Removed: nothing is scheduled any more.\n"
    assert tools.table == OTHERS
    assert run(scheduled, "remove") == "Not scheduled.\n"
    assert run_json(scheduled, "show")["entries"] == []


@pytest.mark.skipif(
    sys.platform != "linux" or not crontab.daemon_is_missing(), reason="a cron daemon runs, or cannot be seen"
)
def test_without_a_daemon_it_says_so(workspace: Workspace, tools: Tools) -> None:
    variables = {"PATH": f"{tools.folder}:{workspace.environment['PATH']}"}
    (workspace.folder / "clogs.toml").write_text('[data]\ndir = "data"\n', encoding="utf-8")
    kept = {
        key: value for key, value in workspace.environment.items() if "MONGO" not in key and key != "DATA_DIR"
    }
    finished = Workspace(workspace.folder, kept).run("schedule", "install", **variables)
    assert finished.returncode == 0
    assert "WARNING No cron daemon runs here" in finished.stderr


def test_other_times_as_a_dry_run_shows_them(scheduled: Workspace, tools: Tools) -> None:
    times = ("--hourly", "*/20 * * * *", "--daily-refresh", "30 4 * * sun")
    shown = run(scheduled, "install", *times, "--dry-run")
    assert set(tools.calls) <= {"-l"}
    run(scheduled, "install", *times)
    assert tools.table
    assert shown == tools.table.decode()
    assert [" ".join(line.split()[:5]) for line in shown.splitlines()[1:3]] == [times[1], times[3]]
    run(scheduled, "install", "--hourly", "@hourly", "--no-daily-refresh")
    (line,) = tools.table.decode().splitlines()[1:-1]
    assert line.startswith("@hourly CLOGS_TRIGGER=cron ")
    assert "OnCalendar=*-*-* 02:00:00\n" in run(scheduled, "install", "--systemd", "--dry-run")


@pytest.fixture
def transcripts(tmp_path: Path) -> Path:
    """Claude Code's folder, with one transcript."""
    folder = tmp_path / "my 100% .claude"
    (folder / "projects" / "app").mkdir(parents=True)
    (folder / "projects" / "app" / "one.jsonl").write_text("{}\n", encoding="utf-8")
    return folder


def planned(document: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["expression"] for each in document["entries"]}


def test_an_import_alone_is_all_that_a_machine_without_a_warehouse_has(
    scheduled: Workspace, tools: Tools, transcripts: Path
) -> None:
    shown = run(scheduled, "install", "--import", str(transcripts), "--dry-run")
    assert set(tools.calls) <= {"-l"}
    first = run_json(scheduled, "install", "--import", str(transcripts))
    assert tools.table
    assert shown == tools.table.decode()
    ((name, expression),) = planned(first).items()
    assert (name, int(expression.removesuffix(" * * * *")) in range(10, 41)) == ("import", True)
    words = shlex.split(first["entries"][0]["command"])
    assert words[-3:] == ["--quiet", "import", str(transcripts)]
    assert words[:-3] == [sys.executable, "-m", "clogs", "--config", str(scheduled.folder / "clogs.toml")]
    assert planned(run_json(scheduled, "show")) == planned(first)
    assert run_json(scheduled, "install", "--import", str(transcripts))["changed"] is False
    assert run(scheduled, "remove") == "Removed: nothing is scheduled any more.\n"
    assert tools.table is None


@pytest.mark.parametrize("systemd", [[], ["--systemd"]], ids=["cron", "systemd"])
def test_import_and_pipeline_are_installed_together_or_one_by_one(
    scheduled: Workspace, tools: Tools, transcripts: Path, systemd: list[str]
) -> None:
    tools.add("systemctl", SYSTEMCTL)

    def install(*arguments: str) -> dict[str, str]:
        finished = scheduled.run("schedule", "install", *arguments, *systemd, "--json")
        return planned(json.loads(finished.stdout))

    assert install("--hourly", "3 * * * *") == {"hourly": "3 * * * *", "refresh": "0 2 * * *"}
    every = {"import": "58 * * * *", "hourly": "3 * * * *", "refresh": "0 2 * * *"}
    assert install("--import", str(transcripts)) == every
    without_refresh = {"import": "58 * * * *", "hourly": "9 * * * *"}
    assert install("--hourly", "9 * * * *", "--no-daily-refresh") == without_refresh
    both = install("--import", str(transcripts), "--hourly", "9 * * * *", "--daily-refresh", "0 4 * * *")
    assert both == {"import": "4 * * * *", "hourly": "9 * * * *", "refresh": "0 4 * * *"}
    assert planned(run_json(scheduled, "show")) == both
    assert run_json(scheduled, "remove")["changed"] is True


def test_a_scheduled_import_leaves_its_work_to_the_next_without_a_word(
    scheduled: Workspace, transcripts: Path, tmp_path: Path
) -> None:
    command = ("--quiet", "import", transcripts)
    with run_lock(tmp_path / "data" / "state", command="pipeline"):
        by_cron = scheduled.run(*command, CLOGS_TRIGGER="cron")
        by_hand = scheduled.run(*command)
    assert (by_cron.returncode, by_cron.stderr) == (75, "")
    assert (by_hand.returncode, "Another run holds the lock" in by_hand.stderr) == (75, True)


def test_timers_by_the_command(scheduled: Workspace, tools: Tools) -> None:
    tools.add("systemctl", SYSTEMCTL)
    finished = scheduled.run("schedule", "install", "--systemd")
    assert finished.returncode == 0
    assert "Run by systemd, in local time: " in finished.stdout
    assert "loginctl enable-linger" in finished.stderr
    assert run_json(scheduled, "remove")["by"] == "systemd"


SECRET = {"MONGO_URI": "mongodb://ann:hidden@127.0.0.1", "DATA_DIR": "x"}


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "message"),
    [
        ("--hourly 9", {}, 2, "--hourly: '9' is not a cron expression"),
        ("--daily-refresh=", {}, 2, "--daily-refresh: '' is not a cron expression"),
        ("--daily-refresh 1 --no-daily-refresh", {}, 2, "exclude each other"),
        ("--import missing", {}, 2, "missing does not exist."),
        ("--import .", {}, 2, "No transcripts (*.jsonl) found."),
        ("--config missing.toml", {}, 78, "missing.toml does not exist (--config)"),
        ("", SECRET, 78, "These variables of this shell do not reach a scheduled run: MONGO_URI, DATA_DIR."),
        (
            "--config /dev/null",
            {"XDG_DATA_HOME": "/elsewhere"},
            1,
            "These settings differ under cron: data.dead_letter_dir, data.dir, data.raw_dir, ",
        ),
    ],
)
def test_what_cannot_be_scheduled(
    scheduled: Workspace,
    tools: Tools,
    *,
    arguments: str,
    variables: dict[str, str],
    code: int,
    message: str,
) -> None:
    finished = scheduled.run("schedule", "install", *arguments.split(), "--json", **variables)
    assert (finished.returncode, json.loads(finished.stdout)["error"]["exit_code"]) == (code, code)
    assert message in finished.stderr
    assert "hidden" not in finished.stderr
    assert tools.table is None
