"""Whatever is killed while others write, no document of the collection is missed, in either mode."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from threading import Event, Thread
from uuid import uuid4

import pytest
from bson import ObjectId
from conftest import DATABASE, Document, Workspace, new_workspace
from mongo_server import MongoServer
from pymongo import MongoClient, errors
from pymongo.collection import Collection

from clogs import warehouse

pytestmark = pytest.mark.slow

SEEDS = range(int(os.environ.get("CLOGS_TEST_CASES", "15")) // 5)
ROUNDS = 8
"""Runs, most of which are killed; during one of three the server is, too."""

WRITERS = range(3)
DYING = Path(__file__).with_name("dying.py")
LAST_RUN = {"auto": ["extract"], "watermark": ["extract", "--reconcile"]}


def write(uri: str, name: str, dice: Random, writer: int, stopped: Event) -> None:
    """Insert, edit and delete documents; what the server cannot answer may be written or not."""
    ids: list[object] = []
    with MongoClient[Document](uri, serverSelectionTimeoutMS=500) as client:
        collection = client[DATABASE][name]
        for number in count():
            if stopped.wait(0.005):
                return
            with suppress(errors.PyMongoError):
                change(collection, ids, dice, f"{writer}-{number}")


def change(collection: Collection[Document], ids: list[object], dice: Random, text: str) -> None:
    """Insert a document, one of 50 with an old date, or edit one, its date or not, or delete one."""
    now, what = datetime.now(UTC), dice.random()
    if what < 0.6 or not ids:
        ids.append(dice.choice([ObjectId(), text]))
        age = timedelta(days=dice.random()) if dice.random() < 1 / 50 else timedelta()
        collection.insert_one(
            {"_id": ids[-1], "type": "user", "sessionId": "s", "ingestedAt": now - age, "message": text}
        )
    elif what < 0.9:
        edited = {"message": text} | ({"ingestedAt": now} if dice.random() < 0.5 else {})
        collection.update_one({"_id": dice.choice(ids)}, {"$set": edited})
    else:
        collection.delete_one({"_id": dice.choice(ids)})


@contextmanager
def writing(uri: str, name: str, seed: int) -> Iterator[None]:
    """Let `WRITERS` write."""
    stopped = Event()
    threads = [
        Thread(target=write, args=(uri, name, Random(f"{seed} {writer}"), writer, stopped))  # noqa: S311
        for writer in WRITERS
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


def kill_runs(workspace: Workspace, server: MongoServer, dice: Random) -> list[int]:
    """Kill runs before a touch of the disk or after a while, or let them end, and give their exit codes."""
    codes = []
    environment = workspace.environment | {"COVERAGE_PROCESS_CONFIG": "", "PIPELINE_RETRIES": "0"}
    for number in range(ROUNDS):
        fault, command = dice.choice(["none", "killed-at"]), dice.choice(["extract", "extract", "load"])
        words = [fault, str(dice.randint(1, 16)), command]
        with subprocess.Popen(
            [sys.executable, DYING, *words],
            cwd=workspace.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as run:
            if number % 3 == 2:
                time.sleep(dice.uniform(0.5, 1.5))
                server.kill()
                server.start()
            with suppress(subprocess.TimeoutExpired):
                run.wait(dice.choice([60, dice.uniform(0.5, 2.5)]))
            run.kill()
        codes.append(run.returncode)
    return codes


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("mode", LAST_RUN)
def test_every_document_is_in_the_warehouse_in_its_newest_version_once(
    replica_set: MongoServer, tmp_path: Path, mode: str, seed: int
) -> None:
    workspace = new_workspace(tmp_path, replica_set.uri, f"conversations_{uuid4().hex}")
    # with a longer lookback, the watermark would find everything that was written within the test
    settings = {"PIPELINE_SOURCE_MODE": mode, "PIPELINE_RECONCILE_DAYS": "1", "PIPELINE_LOOKBACK": "1 s"}
    workspace.environment.update(settings)
    name = workspace.environment["MONGO_COLLECTION"]
    with writing(replica_set.uri, name, seed):
        codes = kill_runs(workspace, replica_set, Random(f"{seed} {mode}"))  # noqa: S311
    assert -9 in codes
    for command in (LAST_RUN[mode], ["load"]):
        workspace.run(*command).check_returncode()
    with MongoClient[Document](replica_set.uri) as client:
        expected = {str(each["_id"]): each["message"] for each in client[DATABASE][name].find()}
    path = Path(workspace.environment["DATA_DIR"]) / "clogs.duckdb"
    with warehouse.connect(path, read_only=True) as opened:
        rows = opened.execute("SELECT _id, message_content FROM raw.conversations").fetchall()
    assert len(expected) > 100
    assert Counter(identity for identity, _ in rows).most_common(1)[0][1] == 1
    found = dict(rows)
    assert {identity: found.get(identity) for identity in expected} == expected
