"""Debian's cron runs what ``clogs schedule install`` writes, in its bare environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from built import data_of, fill
from conftest import Workspace

from clogs.commands.demo_server import free_port
from clogs.runs import records

CRON = Path("/usr/sbin/cron")
A_MINUTE, PATIENCE = 75, 150
"""Seconds: cron looks once a minute, and two cores may be busy."""

OTHERS = b"MAILTO=root\n# caf\xe9 100\\%%\n* * * * * touch '%s'\n\n"
"""What stands in the crontab before clogs: it shows, too, that cron runs anything on this machine."""
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
def others(tmp_path: Path) -> Iterator[bytes]:
    """Root's crontab, as somebody else wrote it; it is as it was at the end."""
    before = crontab("-l")
    content = OTHERS % bytes(touched_in(tmp_path))
    crontab("-", content).check_returncode()
    yield content
    if before.returncode:
        crontab("-r").check_returncode()
    else:
        crontab("-", before.stdout).check_returncode()


@pytest.fixture
def scheduled(workspace: Workspace, others: bytes) -> Workspace:  # noqa: ARG001  # it is to be there first
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
    return Workspace(folder, {"PATH": os.environ["PATH"], "HOME": workspace.environment["HOME"]})


@contextmanager
def cron() -> Iterator[None]:
    """A cron that runs until the end; where one runs already, that one does it.

    It tells by the second whether a crontab has changed, so it begins after the last change.
    """
    with subprocess.Popen([CRON, "-f"], stderr=subprocess.DEVNULL) as daemon:
        try:
            yield
        finally:
            daemon.terminate()


def test_cron_runs_the_pipeline(
    scheduled: Workspace, workspace: Workspace, others: bytes, tmp_path: Path
) -> None:
    clogs(scheduled, "schedule", "install", "--hourly", "* * * * *", "--no-daily-refresh")
    assert crontab("-l").stdout.startswith(others + b"# BEGIN clogs")
    state_dir = data_of(workspace) / "state"

    with cron():
        if not appears(touched_in(tmp_path).exists, A_MINUTE):
            pytest.skip("cron runs nothing on this machine, not even a touch")
        assert appears(lambda: ended(state_dir), PATIENCE), "cron ran the other line, and not clogs"

    run = ended(state_dir)[0]
    assert (run.status, run.failure and run.failure.exit_code) == ("failed", 69)
    environ = json.loads((scheduled.folder / "environ-cron").read_text(encoding="utf-8"))
    assert (environ["cwd"], environ["HOME"], environ["PATH"]) == ("/root", "/root", "/usr/bin:/bin")
    known = {"cwd", "HOME", "LOGNAME", "SHELL", "PATH", "PWD", "LANG", "LC_CTYPE", "MAILTO", "CLOGS_TRIGGER"}
    known |= {"POLARS_MAX_THREADS"}  # which clogs sets for itself
    assert set(environ) <= known
    clogs(scheduled, "schedule", "remove")
    assert crontab("-l").stdout == others


def touched_in(folder: Path) -> Path:
    return folder / "touched"


def appears(what: Callable[[], object], seconds: float) -> bool:
    """Wait until there is something."""
    until = time.monotonic() + seconds
    while not (found := bool(what())) and time.monotonic() < until:
        time.sleep(0.5)
    return found


def ended(state_dir: Path) -> list[records.Run]:
    """The runs that cron started and that have ended."""
    return [run for run in records.read(state_dir) if run.trigger == "cron" and run.status != "running"]
