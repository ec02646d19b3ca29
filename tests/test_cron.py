"""Debian's cron runs what ``clogs schedule install`` writes, in its bare environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from built import data_of, fill
from conftest import Workspace

from clogs import runs
from clogs.embedded import free_port

CRON = Path("/usr/sbin/cron")
PATIENCE = 150
"""Seconds: cron looks once a minute, and two cores may be busy."""

OTHERS = b"MAILTO=root\n# caf\xe9 100\\%\n\n"
FOLDER = r"it's 100% mine \% \\ \n"
"""All that shells and crontabs read in their own way."""

PROGRAM = """\
#!{python}
import json
import os
import sys
from pathlib import Path

from clogs.cli import main

seen = Path(__file__).with_name("environ-" + os.environ.get("CLOGS_TRIGGER", "hand"))
seen.write_text(json.dumps(dict(os.environ) | {{"cwd": os.getcwd()}}))
sys.exit(main())
"""

pytestmark = pytest.mark.skipif(
    os.getuid() != 0 or not CRON.exists() or not shutil.which("crontab"),
    reason="needs Debian's cron (apt-get install cron) and root, who may run it",
)


def crontab(argument: str, content: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["crontab", argument], input=content, capture_output=True, check=False)  # noqa: S607


def clogs(workspace: Workspace, *arguments: str) -> None:
    subprocess.run(
        [workspace.folder / "clogs", *arguments],
        check=True,
        cwd=workspace.folder,
        env=workspace.environment,
        stdout=subprocess.DEVNULL,
    )


@pytest.fixture
def own_crontab() -> Iterator[None]:
    """Root's crontab holds `OTHERS`, and is as it was at the end."""
    before = crontab("-l")
    crontab("-", OTHERS).check_returncode()
    yield
    if before.returncode:
        crontab("-r").check_returncode()
    else:
        crontab("-", before.stdout).check_returncode()


@pytest.fixture
def scheduled(workspace: Workspace, own_crontab: None) -> Workspace:  # noqa: ARG001  # it is to be there first
    """A workspace whose settings are all in a file, and whose source refuses at once."""
    folder = workspace.folder / FOLDER
    folder.mkdir()
    fill(workspace)
    uri = f"mongodb://127.0.0.1:{free_port()}/?serverSelectionTimeoutMS=500"
    (folder / "clogs.toml").write_text(
        f'[mongo]\nuri = "{uri}"\n[data]\ndir = "{data_of(workspace)}"\n[pipeline]\nretries = 0\n',
        encoding="utf-8",
    )
    program = folder / "clogs"
    program.write_text(PROGRAM.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    variables = {key: workspace.environment[key] for key in ("PATH", "HOME")}
    return Workspace(folder, variables)


@pytest.fixture
def cron(scheduled: Workspace) -> Iterator[None]:  # noqa: ARG001  # it stops before root's crontab is back
    """A cron that runs until the end; where one runs already, that one does it."""
    with subprocess.Popen([CRON, "-f"], stderr=subprocess.DEVNULL) as daemon:
        yield
        daemon.terminate()


@pytest.mark.usefixtures("cron")
def test_cron_runs_the_pipeline(scheduled: Workspace, workspace: Workspace) -> None:
    clogs(scheduled, "schedule", "install", "--hourly", "* * * * *", "--no-daily-refresh")
    assert crontab("-l").stdout.startswith(OTHERS + b"# BEGIN clogs")

    run = wait_for_a_run(data_of(workspace) / "state")

    assert (run.status, run.failure and run.failure.exit_code) == ("failed", 69)
    environ = json.loads((scheduled.folder / "environ-cron").read_text(encoding="utf-8"))
    assert (environ["cwd"], environ["HOME"], environ["PATH"]) == ("/root", "/root", "/usr/bin:/bin")
    known = {"cwd", "HOME", "LOGNAME", "SHELL", "PATH", "PWD", "LANG", "LC_CTYPE", "MAILTO", "CLOGS_TRIGGER"}
    assert set(environ) <= known
    clogs(scheduled, "schedule", "remove")
    assert crontab("-l").stdout == OTHERS


def wait_for_a_run(state_dir: Path) -> runs.Run:
    """Wait until a run that cron started has ended."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        ended = (each for each in runs.read(state_dir) if each.trigger == "cron" and each.status != "running")
        if found := next(ended, None):
            return found
        time.sleep(0.5)
    pytest.fail("cron ran nothing")
