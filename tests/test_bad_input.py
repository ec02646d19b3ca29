"""What goes wrong in the world ends in a message, a next step and an exit code, and loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from built import SAMPLES, data_of, fill, warehouse_of
from conftest import DATABASE, Document, Workspace, new_workspace
from pymongo import MongoClient

from clogs.runs.lock import run_lock

pytestmark = pytest.mark.slow

Finished = subprocess.CompletedProcess[str]

HOLD = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print(flush=True); sys.stdin.read()"
LIMITED = """
import resource, sys
sys.dont_write_bytecode = True
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
sys.argv = ["clogs", *sys.argv[2:]]
from clogs.cli import main
main()
"""


def message(finished: Finished, *, code: int) -> str:
    """What a failed run said on stderr: one line, and a hint under it; a pipeline also names its log."""
    assert finished.returncode == code
    lines = finished.stderr.splitlines()
    if "The log of this run: " in lines[-1]:
        lines.pop()
    assert len(lines) == 2, finished.stderr
    assert "ERROR   → " in lines[1]
    return lines[0]


def run_with_file_limit(workspace: Workspace, limit: int, *arguments: str) -> Finished:
    """Run clogs where no file may grow beyond so many bytes, as on a full disk."""
    unmeasured = workspace.environment | {"COVERAGE_PROCESS_CONFIG": ""}  # it, too, would write a file
    return subprocess.run(
        [sys.executable, "-c", LIMITED, str(limit), *arguments],
        cwd=workspace.folder,
        env=unmeasured,
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=120,
    )


def landing_files(workspace: Workspace) -> list[Path]:
    return sorted((data_of(workspace) / "landing").rglob("*.parquet"))


@contextmanager
def held(warehouse: Path) -> Iterator[int]:
    """Another process that has the warehouse open for writing; gives its PID."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, warehouse], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        yield holder.pid
        holder.kill()


@pytest.mark.parametrize("command", [["extract"], ["pipeline"], ["import", str(SAMPLES)]], ids=" ".join)
def test_no_server_at_the_uri(workspace: Workspace, command: list[str]) -> None:
    uri = f"{workspace.environment['MONGO_URI']}/?serverSelectionTimeoutMS=100"
    finished = workspace.run(*command, MONGO_URI=uri, PIPELINE_RETRIES="0")
    assert "does not answer" in message(finished, code=69)


@pytest.mark.parametrize("uri", ["mongodb://", "mongodb://ann:s3cret@host:port", "mongodb://a:s3cret@b@c:1"])
def test_a_malformed_uri(workspace: Workspace, uri: str) -> None:
    finished = workspace.run("extract", MONGO_URI=uri)
    assert finished.returncode == 78
    assert "mongo.uri" in finished.stderr
    assert "s3cret" not in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_user_where_the_server_knows_none(mongo_workspace: Workspace) -> None:
    with_user = mongo_workspace.environment["MONGO_URI"].replace("://", "://ann:s3cret@")
    finished = mongo_workspace.run("extract", MONGO_URI=with_user)
    assert "refuses the user or the password" in message(finished, code=69)
    assert "s3cret" not in finished.stderr


@pytest.mark.parametrize("variable", ["MONGO_DB", "MONGO_COLLECTION"])
def test_a_missing_database_or_collection(mongo_workspace: Workspace, variable: str) -> None:
    assert mongo_workspace.run("import", SAMPLES).returncode == 0  # there is another one
    finished = mongo_workspace.run("extract", **{variable: "nowhere"})
    assert "does not exist" in message(finished, code=69)


def test_an_unknown_key_in_the_settings(workspace: Workspace) -> None:
    (workspace.folder / "clogs.toml").write_text("[mongo]\nurl = 1\n", encoding="utf-8")
    finished = workspace.run("pipeline")
    assert finished.returncode == 78
    assert "mongo.url" in finished.stderr
    assert "mongo.uri" in finished.stderr


@pytest.mark.parametrize("variable", ["DATA_DIR", "DATA_RAW_DIR", "DATA_STATE_DIR"])
def test_a_file_where_a_folder_should_be(mongo_workspace: Workspace, tmp_path: Path, variable: str) -> None:
    assert mongo_workspace.run("import", SAMPLES).returncode == 0
    (tmp_path / "file").touch()
    finished = mongo_workspace.run("extract", **{variable: str(tmp_path / "file")})
    assert f"Cannot write {tmp_path / 'file'}" in message(finished, code=1)
    assert '"landed": 723' in mongo_workspace.run("extract", "--json").stdout


def test_damaged_landing_files(workspace: Workspace) -> None:
    fill(workspace)
    warehouse_of(workspace).unlink()
    empty, cut, foreign, *rest = landing_files(workspace)
    empty.write_bytes(b"")
    cut.write_bytes(cut.read_bytes()[:-9])
    pl.DataFrame({"a": [1]}).write_parquet(foreign)
    kept = pl.scan_parquet(rest, hive_partitioning=False).select(pl.len()).collect().item()
    finished = workspace.run("load")
    assert "3 damaged landing files moved to" in message(finished, code=65)
    assert sorted((data_of(workspace) / "dead_letters" / "landing").rglob("*.parquet")) != []
    again = workspace.run("load", "--json")
    assert (again.returncode, f'"total": {kept}' in again.stdout) == (0, True)


def test_a_landing_file_changed_after_it_was_loaded(workspace: Workspace) -> None:
    fill(workspace)
    changed = landing_files(workspace)[0]
    changed.write_bytes(changed.read_bytes() + b"x")
    finished = workspace.run("load")
    assert f"changed after being loaded: {changed}" in message(finished, code=65)


@pytest.mark.parametrize(
    "command",
    [
        ["load"],
        ["load", "--stats"],
        ["transform"],
        ["validate"],
        ["query", "SELECT 1"],
        ["pipeline", "--skip-extract"],
    ],
    ids=" ".join,
)
def test_a_warehouse_held_by_another_process(workspace: Workspace, command: list[str]) -> None:
    fill(workspace)
    with held(warehouse_of(workspace)) as pid:
        finished = workspace.run(*command, DUCKDB_LOCK_TIMEOUT="0 s")
    assert f" open: PID {pid} (" in message(finished, code=69)


def test_a_held_warehouse_is_waited_for(workspace: Workspace) -> None:
    fill(workspace)
    with held(warehouse_of(workspace)) as pid, workspace.start("load") as process:
        assert process.stderr
        told = process.stderr.readline()
        os.kill(pid, signal.SIGKILL)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert f"PID {pid} (python" in told
    assert "Waiting up to 1 min 0 s for it." in told


def test_what_sqlmesh_remembers_may_be_lost(workspace: Workspace) -> None:
    cache = data_of(fill(workspace)) / "state" / "sqlmesh"
    assert workspace.run("transform", "--plan").returncode == 0  # makes its folder
    for folder in filter(Path.is_dir, cache.iterdir()):
        (folder / "user.yaml").write_bytes(bytes(60))
    assert workspace.run("transform", "--plan").returncode == 0


def tear(warehouse: Path) -> None:
    with warehouse.open("r+b") as file:
        file.seek(20_000)
        file.write(b"torn" * 10_000)


def cut(warehouse: Path) -> None:
    os.truncate(warehouse, 100_000)  # within the first block: where the others are is up to DuckDB


@pytest.mark.parametrize("damage", [tear, cut])
def test_a_damaged_warehouse_is_set_aside_and_made_again(
    workspace: Workspace, damage: Callable[[Path], None]
) -> None:
    warehouse = warehouse_of(fill(workspace))
    gold = ["query", "FROM gold.agg_daily_summary ORDER BY ALL", "--format", "csv"]
    before = workspace.run(*gold).stdout
    damage(warehouse)
    content = warehouse.read_bytes()
    refused = workspace.run("query", "SELECT 1")
    assert (refused.returncode, "is damaged" in refused.stderr) == (69, True)
    finished = workspace.run("pipeline", "--skip-extract")
    assert finished.returncode == 0
    assert "is built again from the landing files" in finished.stderr
    assert [path.read_bytes() for path in warehouse.parent.glob("*.damaged-*")] == [content]
    assert workspace.run(*gold).stdout == before


@pytest.mark.parametrize("command", [["load"], ["transform"], ["query", "SELECT 1"]], ids=" ".join)
@pytest.mark.parametrize("content", [b"", b"no warehouse" * 1000], ids=["empty", "foreign"])
def test_a_file_that_is_no_warehouse(workspace: Workspace, command: list[str], content: bytes) -> None:
    warehouse = warehouse_of(workspace)
    warehouse.parent.mkdir()
    warehouse.write_bytes(content)
    finished = workspace.run(*command)
    assert f"{warehouse} is not a DuckDB file" in message(finished, code=69)
    assert warehouse.read_bytes() == content


@pytest.mark.parametrize(
    "command", [["validate"], ["transform"], ["load", "--stats"], ["query", "SELECT 1"]], ids=" ".join
)
def test_no_warehouse_yet(workspace: Workspace, command: list[str]) -> None:
    finished = workspace.run(*command)
    assert "clogs pipeline" in finished.stderr
    assert message(finished, code=69)


@pytest.mark.parametrize(
    "command", [["import", str(SAMPLES)], ["load"], ["transform"], ["pipeline"]], ids=" ".join
)
def test_a_second_run_at_once(mongo_workspace: Workspace, command: list[str]) -> None:
    with run_lock(data_of(mongo_workspace) / "state", command="pipeline"):
        finished = mongo_workspace.run(*command)
    assert f"PID {os.getpid()}, clogs pipeline" in message(finished, code=75)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["transform", "--models", "fct_mesages"], "No model matches 'fct_mesages'."),
        (["validate", "--layer", "brass"], 'Choose from: "bronze", "silver", "gold".'),
        (["query", "SELECT 1", "--format", "xml"], 'Invalid value "xml"'),
        (["query", "DELETE FROM raw.conversations"], "read-only"),
        (["query", "CREATE TABLE t AS SELECT 1"], "read-only"),
        (["query", "SELECT * FROM gold.nothing"], "nothing does not exist"),
        (["query", "SELECT * FROM 'missing.parquet'"], "No files found"),
        (["query", "SELEKT 1"], "syntax error"),
        (["query", ""], "A query is one statement."),
        (["query", "SELECT 1; SELECT 2"], "A query is one statement."),
        (["query", "SELECT '\udcff'"], "The query is not UTF-8 text."),
        (["import", "missing"], "missing does not exist."),
        (["import", "."], "No transcripts (*.jsonl) found."),
        (["extract", "--full-backfill", "--since", "2026-01-01"], "contradict"),
        (["extract", "--since", "tomorrow"], '"tomorrow" is no date or time.'),
        (["extract", "--limit", "0"], "--limit"),
        (["extract", "--limit", "few"], '--limit: "few" is not a whole number.'),
        (["extract", "--limit"], "--limit needs a value."),
        (["report", "--budget", "much"], '--budget: "much" is not a number.'),
        (["prune", "--before", "someday"], '--before: "someday" is not a date, such as 2026-11-01.'),
        (["tables", "one", "two"], "clogs tables takes no such word: two"),
        (["extract", "--limit", str(2**63)], "--limit"),
        (["extract", "--since", "0001-01-01T00:00:00+23:00"], "is too far away."),
        (["load", "--stats", "--init-only"], "exclude one another"),
        (["pipelin"], 'Did you mean "pipeline"?'),
        (["pipelin"], "The commands: clogs --help"),
        (["schedule", "instal"], 'Unknown command "schedule instal". Did you mean "install"?'),
        (["schedule", "xyz"], "Available: install, show, remove."),
        (["schedule", "instal"], "The options: clogs schedule --help"),
        (["schedule", "install", "--hour"], "The options: clogs schedule install --help"),
        (["pipeline", "--jsn"], "Did you mean --json?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_asked(filled: Workspace, command: list[str], said: str) -> None:
    stderr = filled.refusal(*command, code=2)
    assert said in stderr
    assert "Traceback" not in stderr
    assert "ERROR   → " in stderr.splitlines()[-1]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A finished pipeline that is only read."""
    return fill(new_workspace(tmp_path_factory.mktemp("filled"), "mongodb://127.0.0.1:9", "conversations"))


@pytest.mark.parametrize("limit", [3_000, 20_000])
def test_a_full_disk_while_extracting(mongo_workspace: Workspace, limit: int) -> None:
    assert mongo_workspace.run("import", SAMPLES).returncode == 0
    finished = run_with_file_limit(mongo_workspace, limit, "extract")
    assert "File too large" in message(finished, code=1)
    assert '"documents": 723' in mongo_workspace.run("extract", "--json").stdout
    assert '"total": 723' in mongo_workspace.run("load", "--json").stdout


@pytest.mark.parametrize("limit", [10_000, 300_000])
def test_a_full_disk_while_loading(workspace: Workspace, limit: int) -> None:
    fill(workspace)
    warehouse_of(workspace).unlink()
    finished = run_with_file_limit(workspace, limit, "load")
    assert "File too large" in message(finished, code=69)
    assert '"total": 723' in workspace.run("load", "--json").stdout


def test_a_full_disk_while_transforming(workspace: Workspace) -> None:
    fill(workspace)
    finished = run_with_file_limit(workspace, 100_000, "transform", "--full-refresh")
    assert finished.returncode in {1, 69}
    assert "Traceback" not in finished.stderr
    assert workspace.run("pipeline", "--skip-extract").returncode == 0


@pytest.mark.parametrize(
    "command",
    ["query 'FROM range(9999)'", "query 'FROM range(9999)' --format csv", "load --stats", "config"],
)
def test_a_reader_that_has_seen_enough(filled: Workspace, command: str) -> None:
    script = f"set -o pipefail; {sys.executable} -m clogs {command} | true"
    finished = subprocess.run(
        ["/bin/bash", "-c", script],
        cwd=filled.folder,
        env=filled.environment,
        capture_output=True,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, b"")


def test_an_emptied_collection_is_no_fault(mongo_workspace: Workspace) -> None:
    assert mongo_workspace.run("import", SAMPLES).returncode == 0
    with MongoClient[Document](mongo_workspace.environment["MONGO_URI"]) as client:
        client[DATABASE][mongo_workspace.environment["MONGO_COLLECTION"]].delete_many({})
    assert mongo_workspace.run("extract").returncode == 0
