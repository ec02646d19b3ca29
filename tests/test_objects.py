"""A landing in a bucket holds and gives what one in a folder does, whatever the store does."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from bson import ObjectId
from bucket import Bucket, Fault, no_fault
from built import SAMPLES, data_of, warehouse_of
from conftest import TRANSCRIPTS, Document, Workspace, landed_in, new_workspace
from pymongo.collection import Collection
from test_crash import KILLS, NOON
from test_load import DAY, SCHEMA, row
from test_reconcile import entry

from clogs import warehouse
from clogs.errors import LockedError
from clogs.extract.watermark import ExtractState, read_extract_state, write_extract_state
from clogs.landing import objects
from clogs.landing.compact import compact
from clogs.landing.files import land, landed, partition
from clogs.landing.ledger import ledger_name
from clogs.landing.objects import ObjectPath
from clogs.landing.place import delete, delete_folder, move, put, read
from clogs.landing.prune import prune
from clogs.landing.seen import count_seen
from clogs.load import LoadResult, load

pytestmark = pytest.mark.slow

ROWS = "SELECT * EXCLUDE (extracted_at, ingested_at) FROM raw.conversations ORDER BY _id"
COMPARED = """
    SELECT schema_name, table_name, string_agg(column_name, ', ' ORDER BY column_index)
    FROM duckdb_columns()
    WHERE database_name = 'other' AND schema_name IN ('raw', 'bronze', 'silver', 'gold')
        AND column_name NOT IN (
            'ingested_at', 'extracted_at', 'loaded_at', 'passed_at', 'since',
            'run', 'file', 'bytes', 'etag', 'fingerprint'
        )
    GROUP BY ALL
"""
"""All tables, and their columns but those that say when or by which run something was read."""


def rows_of(workspace: Workspace, query: str = ROWS) -> list[tuple[Any, ...]]:
    with warehouse.connect(data_of(workspace) / "clogs.duckdb", read_only=True) as connection:
        return connection.execute(query).fetchall()


def extract(workspace: Workspace, transcripts: Path, *options: str) -> str:
    """Land transcripts, of which the samples have two broken lines, and return what it says."""
    finished = workspace.run("extract", "--from", transcripts, *options)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def loaded(folder: Path, landing: ObjectPath) -> LoadResult:
    with warehouse.connect(folder / "w.duckdb") as connection:
        return load(connection, raw_dir=landing, dead_letter_dir=folder / "letters", run="r")


def land_rows(landing: ObjectPath, *rows: dict[str, Any], name: str) -> list[ObjectPath]:
    files = land(pl.DataFrame(rows, SCHEMA), landing, name=name)
    return [each for each in files if isinstance(each, ObjectPath)]


def names(landing: ObjectPath) -> set[str]:
    return {ledger_name(each, landing) for each in landed(landing)}


def differences(one: Path, other: Path) -> dict[str, int]:
    """Of each table, how many rows one warehouse has and the other has not."""
    compared = {}
    with warehouse.connect(one, read_only=True) as connection:
        connection.execute(f"ATTACH '{other}' AS other (READ_ONLY)")
        for schema, table, columns in connection.execute(COMPARED).fetchall():
            here, there = (
                f"(SELECT {columns} FROM {catalog}.{schema}.{table})" for catalog in ("clogs", "other")
            )
            both = f"({here} EXCEPT ALL {there}) UNION ALL ({there} EXCEPT ALL {here})"
            ((rows,),) = connection.execute(f"SELECT count(*) FROM ({both})").fetchall()
            compared[f"{schema}.{table}"] = rows
    return compared


def test_a_bucket_gives_the_tables_of_a_folder(remote: Workspace, tmp_path: Path) -> None:
    transcripts = TRANSCRIPTS if TRANSCRIPTS.is_dir() else SAMPLES
    (tmp_path / "local").mkdir()
    local = new_workspace(tmp_path / "local", "mongodb://127.0.0.1:9", "none")
    for each in (local, remote):
        extract(each, transcripts)
        each.output("load", "-q")
        each.output("transform", "-q")
    compared = differences(warehouse_of(local), warehouse_of(remote))
    assert {table: rows for table, rows in compared.items() if rows} == {}
    assert {"raw.conversations", "raw.ledger", "bronze.stg_messages", "silver.int_entries"} <= set(compared)
    assert len([table for table in compared if table.startswith("gold.")]) == 17
    assert rows_of(remote, "SELECT count(*) > 100 FROM gold.fct_messages") == [(True,)]
    assert not (data_of(remote) / "landing").exists()


def test_a_run_with_nothing_new_asks_little(remote: Workspace, bucket: Bucket) -> None:
    first = remote.run("pipeline", "--from", SAMPLES)
    assert first.returncode == 0, first.stderr
    assert rows_of(remote, "SELECT count(*) > 0 FROM gold.fct_messages") == [(True,)]
    bucket.requests.clear()
    assert "nothing new" in remote.run("pipeline", "--from", SAMPLES).stdout
    assert len(bucket.requests) <= 5, bucket.requests


def test_versions_and_files_are_those_of_any_landing(landing: ObjectPath, tmp_path: Path) -> None:
    land_rows(landing, row("a", 1), row("b", 1), name="1")
    assert loaded(tmp_path, landing).inserted == 2
    land_rows(landing, row("a", 2), row("c", 1), name="2")
    result = loaded(tmp_path, landing)
    assert (result.files, result.inserted, result.updated, result.total) == (1, 1, 1, 3)
    assert loaded(tmp_path, landing).files == 0
    with warehouse.connect(tmp_path / "w.duckdb") as connection:
        (etags,) = connection.execute("SELECT count(etag) FROM raw.ledger").fetchall()
    assert etags == (2,)


def test_compacting_keeps_the_newest_versions(landing: ObjectPath, tmp_path: Path) -> None:
    for version in (1, 3, 2):
        land_rows(landing, row("a", version), row(f"b{version}", 1), name=str(version))
    loaded(tmp_path, landing)
    before = names(landing)
    with warehouse.connect(tmp_path / "w.duckdb") as connection:
        kept = connection.execute(ROWS).fetchall()
        result = compact(connection, raw_dir=landing, run="c", today=DAY + timedelta(days=1))
    assert (result.merged, result.files) == (3, 1)
    assert len(names(landing)) == 1
    assert not names(landing) & before
    assert loaded(tmp_path, landing).files == 0
    assert loaded(tmp_path / "anew", landing).total == 4
    with warehouse.connect(tmp_path / "anew" / "w.duckdb") as connection:
        assert connection.execute(ROWS).fetchall() == kept


def test_what_was_pruned_is_gone_and_not_missing(landing: ObjectPath, tmp_path: Path) -> None:
    land_rows(landing, row("old", day=DAY), row("new", day=DAY + timedelta(days=1)), name="1")
    loaded(tmp_path, landing)
    with warehouse.connect(tmp_path / "w.duckdb") as connection:
        prune(connection, raw_dir=landing, before=DAY + timedelta(days=1))
    assert len(names(landing)) == 1
    assert loaded(tmp_path, landing).total == 1
    assert count_seen(landing, tmp_path / "letters") == (1, 0, 1)


def test_a_damaged_object_goes_to_quarantine(landing: ObjectPath, remote: Workspace) -> None:
    (damaged,) = land_rows(landing, row("a"), name="1")
    land_rows(landing, row("b"), name="2")
    whole = objects.read(damaged)
    assert whole
    objects.replace(damaged, whole[:-10])
    said = remote.refusal("load", code=65)
    assert "1 damaged landing file moved to" in said
    assert rows_of(remote, "SELECT _id FROM raw.conversations") == [("b",)]
    assert objects.read(damaged) is None
    (letter,) = (data_of(remote) / "dead_letters" / "landing").rglob("*.parquet")
    letter.write_bytes(whole)
    remote.output("dead-letters", "replay", "-q")
    remote.output("load", "-q")
    assert rows_of(remote, "SELECT _id FROM raw.conversations ORDER BY 1") == [("a",), ("b",)]


def test_an_object_written_again_is_reported(landing: ObjectPath, remote: Workspace) -> None:
    (path,) = land_rows(landing, row("a"), name="1")
    remote.output("load", "-q")
    content = objects.read(path)
    assert content
    objects.replace(path, content[::-1])
    assert "1 landing file changed after being loaded" in remote.refusal("load", code=65)
    assert rows_of(remote, "SELECT _id FROM raw.conversations") == [("a",)]


def test_two_machines_cannot_both_move_the_state(landing: ObjectPath) -> None:
    path = landing / ".state" / "extract.parquet"
    write_extract_state(read_extract_state(path))
    elsewhere = """
import sys
from clogs.extract.watermark import read_extract_state, write_extract_state
from clogs.landing.objects import ObjectPath
from clogs.landing.place import delete
from dataclasses import replace
from datetime import UTC, datetime
state = read_extract_state(ObjectPath.parse(sys.argv[1]))
write_extract_state(replace(state, watermark=datetime(2026, 3, 4, tzinfo=UTC)))
"""
    subprocess.run([sys.executable, "-c", elsewhere, str(path)], check=True)
    with pytest.raises(LockedError, match="Another machine has written") as caught:
        write_extract_state(ExtractState(path))
    assert caught.value.exit_code == 75
    assert read_extract_state(path).watermark is not None


def test_a_profile_has_the_credentials(remote: Workspace, bucket: Bucket) -> None:
    folder = Path(remote.environment["HOME"]) / ".aws"
    folder.mkdir()
    keys = "aws_access_key_id = key\naws_secret_access_key = secret\nregion = us-east-1\n"
    (folder / "credentials").write_text(f"[logs]\n{keys}")
    named = {name: text for name, text in remote.environment.items() if "KEY" not in name}
    profiled = replace(remote, environment=named | {"AWS_PROFILE": "logs"})
    extract(profiled, SAMPLES)
    assert bucket.requests
    hidden = "import sys; sys.modules['boto3'] = None; sys.argv = ['clogs', 'load']"
    command = [sys.executable, "-c", f"{hidden}; from clogs.cli import main; main()"]
    refused = subprocess.run(
        command, env=profiled.environment, cwd=profiled.folder, capture_output=True, check=False, text=True
    )
    assert refused.returncode == 69
    assert "boto3, which reads profiles, is not installed" in refused.stderr


@pytest.mark.parametrize("part", ["date=", ".state"])
def test_a_request_that_is_answered_too_late_counts_once(
    remote: Workspace, bucket: Bucket, part: str
) -> None:
    late = []

    def fault(method: str, path: str) -> int | None:
        if method == "PUT" and part in path and path not in late:
            late.append(path)
            return -500
        return None

    bucket.fault = fault
    extract(remote, SAMPLES)
    assert late
    remote.output("load", "-q")
    assert rows_of(remote, "SELECT count(*) - count(DISTINCT _id) FROM raw.conversations") == [(0,)]
    assert "nothing new" in extract(remote, SAMPLES)


def forbidden(_method: str, _path: str) -> int:
    return 403


def no_writing(method: str, path: str) -> int | None:
    return 403 if method == "PUT" and "date=" in path else None


def failing_half_way(method: str, path: str) -> int | None:
    return 503 if method == "PUT" and path > "/landing/of/clogs/date=2026-09-24" else None


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (forbidden, "access is denied (403)"),
        (no_writing, "access is denied (403)"),
        (failing_half_way, "the store answers with 503"),
    ],
)
def test_what_the_store_refuses_is_landed_by_the_next_run(
    remote: Workspace, bucket: Bucket, fault: Fault, said: str
) -> None:
    bucket.fault = fault
    error = remote.refusal("extract", "--from", SAMPLES, code=69)
    assert f"{said}." in error
    assert "secret" not in error
    bucket.fault = no_fault
    extract(remote, SAMPLES)
    remote.output("load", "-q")
    ids = rows_of(remote, "SELECT count(DISTINCT _id), count(*) FROM raw.conversations")
    extract(remote, SAMPLES, "--full-backfill")
    remote.output("load", "-q")
    assert rows_of(remote, "SELECT count(DISTINCT _id), count(*) FROM raw.conversations") == ids


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"DATA_RAW_DIR": "s3://not-there/of/clogs"}, "the bucket does not exist"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "the store does not answer"),
        ({"AWS_TIMEOUT": "soon"}, "a variable that configures it has a wrong value"),
    ],
)
@pytest.mark.parametrize("command", [["extract", "--from", str(SAMPLES)], ["load"], ["status"], ["compact"]])
def test_a_store_that_is_not_there_is_said(
    remote: Workspace, variables: dict[str, str], said: str, command: list[str]
) -> None:
    error = remote.refusal(*command, code=69, **variables)
    assert said in error
    assert error.count("\n") == 2


def test_doctor_says_what_is_wrong_with_the_bucket(remote: Workspace, bucket: Bucket) -> None:
    assert f"{bucket.url}/of/clogs can be listed: 0 landing files" in remote.run("doctor").stdout
    landing = json.loads(remote.run("status", "--json").stdout)["landing"]
    assert landing == {"folder": f"{bucket.url}/of/clogs", "files": 0, "bytes": 0}
    bucket.fault = forbidden
    assert "access is denied (403)" in remote.run("doctor").stdout


def test_an_object_that_is_not_listed_yet_is_not_lost(
    landing: ObjectPath, remote: Workspace, bucket: Bucket
) -> None:
    def counts() -> tuple[int, ...]:
        found = json.loads(remote.run("load", "--json").stdout)
        return tuple(found[name] for name in ("files", "inserted", "missing", "total"))

    (path,) = land_rows(landing, row("a"), name="1")
    land_rows(landing, row("b"), name="2")
    assert counts() == (2, 2, 0, 2)
    bucket.hidden = path.name
    assert "1 file gone from the landing folder" in remote.run("load").stderr
    assert counts() == (0, 0, 1, 2)
    bucket.hidden = ""
    assert counts() == (0, 0, 0, 2)
    assert rows_of(remote, "SELECT DISTINCT status FROM raw.ledger") == [("landed",)]


def test_an_object_that_is_listed_late_is_loaded_once(
    landing: ObjectPath, remote: Workspace, bucket: Bucket
) -> None:
    (path,) = land_rows(landing, row("a", 1), name="1")
    land_rows(landing, row("a", 2), row("b"), name="2")
    bucket.hidden = path.name
    remote.output("load", "-q")
    bucket.hidden = ""
    remote.output("load", "-q")
    remote.output("load", "-q")
    files = "SELECT count(*), sum(inserted), sum(updated), sum(unchanged) FROM raw.ledger"
    assert rows_of(remote, files) == [(2, 2, 0, 1)]
    assert rows_of(remote, "SELECT count(*) FROM raw.conversations") == [(2,)]


def test_a_reconciliation_compares_what_is_in_the_bucket(
    mongo_workspace: Workspace, landing: ObjectPath, bucket: Bucket, collection: Collection[Document]
) -> None:
    settings = bucket.environment | {"DATA_RAW_DIR": str(landing)}
    remote = replace(mongo_workspace, environment=mongo_workspace.environment | settings)
    days = [DAY, DAY + timedelta(days=1)]
    dated = [datetime.combine(day, NOON.time(), UTC) for day in days for _ in range(3)]
    collection.insert_many([entry(ObjectId(), timestamp=at.isoformat(), ingestedAt=at) for at in dated])
    extract = remote.output("extract", "--json", PIPELINE_SOURCE_MODE="watermark")
    assert json.loads(extract)["landed"] == 6
    delete(next(each for each in landed(landing) if str(DAY) in str(each)))
    found = json.loads(remote.output("extract", "--reconcile", "--json"))["reconciled"]
    assert (found["missing"], found["landed"]) == (3, 3)
    found = json.loads(remote.output("extract", "--reconcile", "--json"))["reconciled"]
    assert (found["source"], found["missing"]) == (6, 0)


def test_killed_at_random_nothing_is_lost_or_doubled(remote: Workspace, tmp_path: Path) -> None:
    dice = random.Random(4)  # noqa: S311  # the same each time
    (tmp_path / "local").mkdir()
    local = new_workspace(tmp_path / "local", "mongodb://127.0.0.1:9", "none")
    stopped = 0
    commands = (["extract", "--from", str(SAMPLES), "--full-backfill"], ["load"], ["compact"])
    most = [1.6] * len(commands)  # seconds; then as many as a command takes that is not stopped
    for turn in range(KILLS):
        which, started = turn % len(commands), time.perf_counter()
        running = remote.start(*commands[which])
        try:
            running.wait(dice.uniform(0.2, most[which]))
            most[which] = time.perf_counter() - started
        except subprocess.TimeoutExpired:
            # rows of objects are read from memory, where a caught signal must not turn them into zeros
            running.send_signal(dice.choice([signal.SIGKILL, signal.SIGINT, signal.SIGTERM]))
        running.communicate()
        stopped += running.returncode != 0
    for each in (local, remote):
        extract(each, SAMPLES)
        each.output("load", "-q")
    remote.output("compact", "-q")
    remote.output("load", "-q")
    assert rows_of(remote) == rows_of(local)
    assert stopped > KILLS // 3


def test_a_moved_file_has_one_place_and_a_folder_goes_whole(landing: ObjectPath, tmp_path: Path) -> None:
    for folder in (landing, tmp_path / "landing"):
        place = folder / ".attempts" / "one"
        (path,), (rest,) = (land(pl.DataFrame([row(name)], SCHEMA), place, name=name) for name in "ab")
        content, target = read(path), partition(folder, DAY) / path.name
        for _ in range(2):  # killed in the middle, an object has both names
            put(path, content or b"")
            move(path, target)
            assert (read(path), read(target), [*landed(folder)]) == (None, content, [target])
        delete_folder(folder / ".attempts")
        assert (read(rest), [*landed(folder)]) == (None, [target])


def test_a_landing_moves_to_a_bucket_and_back(
    workspace: Workspace, remote: Workspace, landing: ObjectPath
) -> None:
    extract(workspace, SAMPLES)
    workspace.output("load", "-q")
    folder, state = data_of(workspace) / "landing", data_of(workspace) / "state"
    files = [(path, path.relative_to(folder).as_posix()) for path in landed_in(folder)]
    moved = [*files, (folder / ".landing", ".landing")]
    moved += [(path, f".state/{path.name}") for path in state.glob("transcripts-*.json")]
    for path, name in moved:
        objects.put(landing / name, path.read_bytes())
        path.unlink()
    assert "nothing new" in extract(remote, SAMPLES)
    assert "nothing new" in remote.output("load")
    for path, name in moved:
        path.write_bytes(objects.read(landing / name) or b"")
    assert "nothing new" in extract(workspace, SAMPLES)
    assert "nothing new" in workspace.output("load")
