"""What is kept of runs: their records and their log, and the alerts that scheduled ones send."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from built import data_of, fill
from conftest import Workspace

from clogs.errors import ClogsError
from clogs.runs import alerts, log, records
from clogs.runs.lock import run_lock
from clogs.runs.log import log_path
from clogs.runs.recorder import Recorder, recorded_run
from clogs.runs.records import Failure, Run, Step
from clogs.terminal.console import configure_logging
from clogs.warehouse import connect

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
FAILED = Step(
    name="extract",
    status="failed",
    seconds=1.0,
    failure=Failure(message="MongoDB is away.", hint="Call it back.", exit_code=69),
)
DONE = Step(name="load", status="done", seconds=2.0, counts={"files": 3})
CANARY = "s3cret"
DOWN = f"mongodb://ann:{CANARY}@127.0.0.1:9/?serverSelectionTimeoutMS=100"


def run_of(number: int, **fields: Any) -> Run:  # noqa: ANN401  # whatever a record has
    started = NOON + timedelta(hours=number)
    return Run(run=f"{started:%Y%m%dT%H%M%S}-aaaaaa", trigger="cron", pid=1, started_at=started, **fields)


def remember(state_dir: Path, *only: Run) -> None:
    """Let these be all runs there ever were."""
    for path in (state_dir / "runs").iterdir():
        path.unlink()
    for run in only:
        records.write(state_dir, run)


def record(state_dir: Path, number: int, *steps: Step, webhook_url: str | None = None) -> Run:
    """A run of the pipeline with these steps."""
    name = run_of(number).run
    with recorded_run(state_dir, run=name, trigger="cron", webhook_url=webhook_url) as recorder:
        for step in steps:
            recorder.add(step)
    return recorder.run


def log_of(state_dir: Path) -> str:
    return log_path(state_dir).read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def logging_as_of_a_command() -> None:
    """Errors only on stderr; the log of a run takes all."""
    configure_logging(level="ERROR", log_format="text")


KILLED = """
import os, signal, sys
from pathlib import Path
from clogs.runs.recorder import recorded_run
with recorded_run(Path(sys.argv[1]), run=sys.argv[2], trigger="cron", webhook_url=sys.argv[3]):
    os.kill(os.getpid(), signal.SIGKILL)
"""

# Records


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    run = run_of(1, status="failed", steps=(DONE, FAILED), failure=FAILED.failure)
    records.write(tmp_path, run)
    assert list(records.read(tmp_path)) == [run]


def test_the_last_run_comes_first_and_old_ones_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "KEPT", 3)
    for number in range(5):
        records.write(tmp_path, run_of(number))
    records.remove_old(tmp_path)
    assert [run.run for run in records.read(tmp_path)] == [run_of(number).run for number in (4, 3, 2)]


def test_a_run_under_a_clock_that_was_ahead_is_not_the_last(tmp_path: Path) -> None:
    ahead = msgspec.structs.replace(run_of(2), run="20761127T044822-acf0c3")
    for each in (run_of(1), ahead, run_of(3)):
        records.write(tmp_path, each)
    assert [run.run for run in records.read(tmp_path)] == [run_of(3).run, run_of(1).run, ahead.run]


def test_a_damaged_record_hides_no_other(tmp_path: Path) -> None:
    for number in (1, 3):
        records.write(tmp_path, run_of(number))
    (tmp_path / "runs" / f"{run_of(2).run}.json").write_text("{}", encoding="utf-8")
    (tmp_path / "runs" / f"{run_of(4).run}.json").mkdir()
    assert list(records.read(tmp_path)) == [run_of(3), run_of(1)]


def test_a_run_without_failures(tmp_path: Path) -> None:
    run = record(tmp_path, 1, DONE)
    assert (run.status, run.steps, run.failure) == ("done", (DONE,), None)
    assert {"python", "clogs", "duckdb"} <= run.versions.keys()


def test_a_bug_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), recorded_run(tmp_path, run="a", trigger="hand"):
        raise ZeroDivisionError
    (run,) = records.read(tmp_path)
    failure = Failure(message="ZeroDivisionError, a bug", hint=None, exit_code=1)
    assert (run.status, run.failure) == ("failed", failure)
    assert "Traceback" in log_of(tmp_path)


def test_a_run_that_was_stopped_is_not_a_failure(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), recorded_run(tmp_path, run="a", trigger="hand"):
        raise KeyboardInterrupt
    (run,) = records.read(tmp_path)
    assert (run.status, run.failure) == ("stopped", None)


# The log


def test_the_log_has_the_messages_of_every_run_with_its_id(tmp_path: Path) -> None:
    with recorded_run(tmp_path, run="first", trigger="hand") as recorder:
        recorder.add(DONE)
        logging.getLogger("clogs.extract").warning("It is silent.")
        recorder.add(FAILED)
    failed = recorder.run
    with recorded_run(tmp_path, run="second", trigger="cron") as recorder:
        recorder.add(DONE)
    assert (failed.status, failed.failure) == ("failed", FAILED.failure)
    assert [line.partition(" ")[2].rstrip() for line in log_of(tmp_path).splitlines()] == [
        "first DEBUG load: done in 2.0 s. files 3",
        "first WARNING It is silent.",
        "first DEBUG extract: failed in 1.0 s.",
        "first DEBUG extract failed: MongoDB is away.",
        "second DEBUG load: done in 2.0 s. files 3",
    ]
    assert log_path(tmp_path).stat().st_mode & 0o777 == 0o600


def test_the_log_is_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (log.MAX_BYTES, log.OLDER_FILES) == (1024 * 1024, 5)
    monkeypatch.setattr(log, "MAX_BYTES", 1)
    for number in range(9):
        record(tmp_path, number, DONE)
    names = ["clogs.log", *(f"clogs.log.{number}" for number in range(1, 6))]
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == names


def test_a_log_that_cannot_be_written_ends_the_run(tmp_path: Path) -> None:
    log_path(tmp_path).mkdir(parents=True)
    with pytest.raises(ClogsError, match="Cannot write"):
        record(tmp_path, 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_log_on_a_full_disk_ends_no_run(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    log_path(tmp_path).symlink_to("/dev/full")
    assert record(tmp_path, 1, DONE).status == "done"


# Alerts


class Hook:
    """A web server that takes posts."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.status = 200
        self.delay = 0.0


@pytest.fixture
def hook() -> Hook:
    return Hook()


@pytest.fixture
def url(hook: Hook) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            time.sleep(hook.delay)
            hook.posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/{CANARY}"
        server.shutdown()


def test_one_alert_when_runs_begin_to_fail_and_one_when_they_work_again(
    tmp_path: Path, hook: Hook, url: str
) -> None:
    for number, step in enumerate([DONE, FAILED, FAILED, DONE, DONE, FAILED]):
        record(tmp_path, number, step, webhook_url=url)
    assert [post["status"] for post in hook.posts] == ["failed", "recovered", "failed"]
    assert hook.posts[0]["text"].endswith("failed: MongoDB is away.\n→ Call it back.")
    assert (hook.posts[0]["failed_steps"], hook.posts[0]["exit_code"]) == (["extract"], 69)
    assert hook.posts[1]["text"].endswith("works again.")


def test_an_undelivered_alert_is_sent_by_the_next_run_that_fails(
    tmp_path: Path, hook: Hook, url: str
) -> None:
    hook.status = 500
    assert not record(tmp_path, 1, FAILED, webhook_url=url).alerted
    hook.status = 200
    assert record(tmp_path, 2, FAILED, webhook_url=url).alerted
    assert len(hook.posts) == 2


def test_an_alert_of_recovery_is_sent_until_it_is_delivered(tmp_path: Path, hook: Hook, url: str) -> None:
    record(tmp_path, 1, FAILED, webhook_url=url)
    hook.status = 500
    assert record(tmp_path, 2, DONE, webhook_url=url).alerted
    hook.status = 200
    assert not record(tmp_path, 3, DONE, webhook_url=url).alerted
    assert [post["status"] for post in hook.posts] == ["failed", "recovered", "recovered"]


def test_the_next_run_alerts_once_of_those_that_were_killed(
    messages: pytest.LogCaptureFixture, tmp_path: Path, hook: Hook, url: str
) -> None:
    for number in (1, 2):
        subprocess.run([sys.executable, "-c", KILLED, tmp_path, run_of(number).run, url], check=False)
    record(tmp_path, 3, DONE, webhook_url=url)
    record(tmp_path, 4, DONE, webhook_url=url)
    assert [post["status"] for post in hook.posts] == ["failed", "recovered"]
    assert messages.text.count(f"{run_of(2).run}, was killed. Was memory short, or the disk full?") == 1


def test_a_redirection_does_not_deliver_an_alert(
    messages: pytest.LogCaptureFixture, hook: Hook, url: str
) -> None:
    hook.status = 302
    assert not alerts.alert(url, run_of(1, failure=FAILED.failure))
    assert "was refused: HTTP status 302" in messages.text
    assert len(hook.posts) == 1


def test_an_alert_mentions_nobody_and_drives_no_terminal(tmp_path: Path, hook: Hook, url: str) -> None:
    hostile = Failure(message="such as <!channel> \x1b[2J & more", hint=None, exit_code=65)
    record(tmp_path, 1, msgspec.structs.replace(FAILED, failure=hostile), webhook_url=url)
    assert hook.posts[0]["text"].endswith("failed: such as &lt;!channel&gt; �[2J &amp; more")


def test_a_record_that_cannot_be_read_ends_no_run(tmp_path: Path, hook: Hook, url: str) -> None:
    record(tmp_path, 1, FAILED, webhook_url=url)
    (tmp_path / "runs" / f"{run_of(2).run}.json").touch()
    assert record(tmp_path, 3, DONE, webhook_url=url).status == "done"
    assert [post["status"] for post in hook.posts] == ["failed", "recovered"]


def replace_records_by_a_file(recorder: Recorder) -> None:
    folder = recorder.state_dir / "runs"
    folder.rename(folder.with_name("away"))
    folder.touch()
    recorder.add(DONE)


def test_a_run_that_cannot_write_how_it_ended_alerts(tmp_path: Path, hook: Hook, url: str) -> None:
    name = run_of(1).run
    with (
        pytest.raises(ClogsError, match="Cannot write"),
        recorded_run(tmp_path, run=name, trigger="cron", webhook_url=url) as recorder,
    ):
        replace_records_by_a_file(recorder)
    assert [(post["run"], "Cannot write" in post["text"]) for post in hook.posts] == [(name, True)]


def test_an_error_outside_the_steps_is_part_of_the_streak(tmp_path: Path, hook: Hook, url: str) -> None:
    for number in (1, 2):
        with (
            pytest.raises(ClogsError),
            recorded_run(tmp_path, run=run_of(number).run, trigger="cron", webhook_url=url),
        ):
            raise ClogsError("The landing folder is away.")
    record(tmp_path, 3, DONE, webhook_url=url)
    assert [post["status"] for post in hook.posts] == ["failed", "recovered"]


def test_runs_by_hand_send_no_alerts(tmp_path: Path, hook: Hook, url: str) -> None:
    with recorded_run(tmp_path, run="a", trigger="hand", webhook_url=url) as recorder:
        recorder.add(FAILED)
    assert hook.posts == []


@pytest.fixture
def messages(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    """The messages of clogs; alerts wait for two seconds."""
    monkeypatch.setattr(alerts, "SECONDS", 2.0)
    monkeypatch.setattr(logging.getLogger("clogs"), "propagate", True)
    return caplog


@pytest.mark.parametrize(
    ("answer", "said"),
    [((500, 0), "was refused: HTTP status 500"), ((200, 5), "got no answer within 2 s")],
)
def test_an_undelivered_alert_is_a_warning_in_time_and_without_the_address(
    messages: pytest.LogCaptureFixture, hook: Hook, url: str, answer: tuple[int, float], said: str
) -> None:
    hook.status, hook.delay = answer
    began = time.monotonic()
    assert not alerts.alert(url, run_of(1, failure=FAILED.failure))
    assert time.monotonic() - began < 4.5
    assert said in messages.text
    assert CANARY not in messages.text


def test_an_alert_to_an_address_where_nothing_listens(messages: pytest.LogCaptureFixture) -> None:
    assert not alerts.alert(f"http://127.0.0.1:9/{CANARY}", run_of(1, failure=FAILED.failure))
    assert "The alert to http://127.0.0.1:9/*** could not be sent: URLError." in messages.text


# The command


@pytest.fixture
def scheduled(workspace: Workspace) -> Workspace:
    """A finished pipeline that runs by cron, and whose source is down."""
    variables = {"CLOGS_TRIGGER": "cron", "MONGO_URI": DOWN, "PIPELINE_RETRIES": "0"}
    return Workspace(fill(workspace).folder, workspace.environment | variables)


def test_a_scheduled_run_that_fails_mails_what_to_do(scheduled: Workspace, hook: Hook, url: str) -> None:
    finished = scheduled.run("--quiet", "pipeline", ALERTING_WEBHOOK_URL=url)
    lines = [line.partition("ERROR ")[2] for line in finished.stderr.splitlines()]
    assert (finished.returncode, finished.stdout, len(lines)) == (69, "", 3)
    assert "does not answer" in lines[0]
    assert lines[1].startswith("  → Is it running")
    state_dir = data_of(scheduled) / "state"
    run = next(records.read(state_dir))
    assert lines[2] == f"  → The log of this run: {log_path(state_dir)} (look for {run.run})"
    assert (run.trigger, run.status, run.alerted) == ("cron", "failed", True)
    assert [step.status for step in run.steps] == ["failed", "skipped", "skipped", "skipped"]
    assert len(hook.posts) == 1
    assert f" {run.run} DEBUG extract failed: MongoDB" in log_of(state_dir)
    kept = log_of(state_dir) + json.dumps(hook.posts) + finished.stderr
    assert CANARY not in kept


def test_a_scheduled_run_that_cannot_write_alerts_too(
    scheduled: Workspace, hook: Hook, url: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    finished = scheduled.run("pipeline", DATA_STATE_DIR=str(tmp_path / "file"), ALERTING_WEBHOOK_URL=url)
    assert (finished.returncode, "Traceback" in finished.stderr) == (1, False)
    assert "Cannot write" in hook.posts[0]["text"]
    assert len(hook.posts) == 1


def test_a_scheduled_run_that_meets_another_says_so_in_the_log_only(
    scheduled: Workspace, hook: Hook, url: str
) -> None:
    with run_lock(data_of(scheduled) / "state", command="load"):
        finished = scheduled.run("--quiet", "pipeline", ALERTING_WEBHOOK_URL=url)
    assert (finished.returncode, finished.stdout, finished.stderr) == (75, "", "")
    assert "Another run holds the lock" in log_of(data_of(scheduled) / "state")
    assert hook.posts == []


def test_status_ends_with_1_until_a_run_ends_well(scheduled: Workspace) -> None:
    assert scheduled.run("status").returncode == 0
    scheduled.run("pipeline")
    failed = scheduled.run("status", "--json")
    assert (failed.returncode, "The last run failed: MongoDB" in failed.stderr) == (1, True)
    assert json.loads(failed.stdout)["runs"][0]["status"] == "failed"
    assert "failed: MongoDB" in scheduled.run("status", COLUMNS="400").stdout
    assert scheduled.run("pipeline", "--skip-extract").returncode == 0
    assert scheduled.run("status").returncode == 0


def test_status_ends_with_1_if_the_data_is_old(scheduled: Workspace) -> None:
    finished = scheduled.run("status", QUALITY_MAX_AGE="0 s")
    assert (finished.returncode, "The newest document in the warehouse is" in finished.stderr) == (1, True)


def test_a_stopped_run_hides_no_failure(scheduled: Workspace) -> None:
    state_dir = data_of(scheduled) / "state"
    failed = run_of(1, status="failed", failure=FAILED.failure)
    remember(state_dir, failed, run_of(2, status="stopped"))
    assert "MongoDB is away." in scheduled.run("status").stderr


def test_status_ends_with_1_if_all_but_what_comes_from_the_future_is_old(scheduled: Workspace) -> None:
    with connect(data_of(scheduled) / "clogs.duckdb") as connection:
        connection.execute("UPDATE raw.conversations SET ingested_at = '2090-01-01' WHERE type = 'summary'")
    assert scheduled.run("status", QUALITY_MAX_AGE="0 s").returncode == 1


def test_a_killed_run_has_failed(scheduled: Workspace) -> None:
    remember(data_of(scheduled) / "state", run_of(1))
    finished = scheduled.run("status", COLUMNS="400")
    assert "cron  killed" in finished.stdout
    assert (finished.returncode, "was killed." in finished.stderr) == (1, True)


def test_a_run_under_way_is_not_judged(scheduled: Workspace) -> None:
    state_dir = data_of(scheduled) / "state"
    remember(state_dir, msgspec.structs.replace(run_of(1), pid=os.getpid()))
    with run_lock(state_dir, command="pipeline"), connect(data_of(scheduled) / "clogs.duckdb"):
        finished = scheduled.run("status", COLUMNS="400")
    assert "cron  running" in finished.stdout
    assert (finished.returncode, finished.stderr) == (0, "")


def test_a_source_that_is_away_is_waited_for(scheduled: Workspace) -> None:
    finished = scheduled.run("pipeline", PIPELINE_RETRIES="2", PIPELINE_RETRY_DELAYS="0 s")
    assert finished.stderr.count("Trying again in 0.0 s.") == 2
    assert finished.returncode == 69
