"""A run that stays: it lands and builds what is new until a signal comes."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
import pytest
from conftest import DATABASE, Workspace, landed_in, new_workspace
from mongo_server import MongoServer
from pymongo import MongoClient
from pymongo.collection import Collection

from clogs import warehouse
from clogs.runs.lock import holder

pytestmark = pytest.mark.slow

Document = dict[str, Any]

ENTRY = {"type": "user", "sessionId": "s", "message": {"role": "user", "content": "hi"}}
SECONDS = 120


@pytest.fixture
def collection(replica_set: MongoServer) -> Iterator[Collection[Document]]:
    with MongoClient[Document](replica_set.uri) as client:
        collection = client[DATABASE][f"conversations_{uuid4().hex}"]
        collection.insert_one({"_id": "first", **ENTRY})
        yield collection
        collection.drop()


@pytest.fixture
def following(replica_set: MongoServer, collection: Collection[Document], tmp_path: Path) -> Workspace:
    return new_workspace(tmp_path, replica_set.uri, collection.name)


def data_of(workspace: Workspace) -> Path:
    return Path(workspace.environment["DATA_DIR"])


def has_landed(workspace: Workspace, identity: str) -> Callable[[], bool]:
    folder = data_of(workspace) / "landing"
    return lambda: any(identity in pl.read_parquet(path)["_id"] for path in landed_in(folder))


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_extract_follows_through_a_restart_of_the_server_and_ends_at_a_signal(
    following: Workspace, collection: Collection[Document], replica_set: MongoServer
) -> None:
    with following.start("extract", "--follow") as run:
        try:
            wait_until(has_landed(following, "first"))
            replica_set.kill()
            time.sleep(12)  # at least one round in vain, also on a busy machine
            replica_set.start()
            collection.insert_one({"_id": "second", **ENTRY})
            wait_until(has_landed(following, "second"))
            wait_until(lambda: holder(data_of(following) / "state") is None)
            run.send_signal(signal.SIGTERM)
            _, messages = run.communicate(timeout=30)
        finally:
            run.kill()
    assert run.returncode == 143
    assert "Stopped. Everything is consistent; the next run goes on from here." in messages
    assert messages.count("does not answer") == 1


def test_pipeline_builds_at_its_interval(following: Workspace, collection: Collection[Document]) -> None:
    with following.start("pipeline", "--follow", "--every", "1s") as run:
        try:
            wait_until(lambda: messages_in_gold(following) == 1)
            collection.insert_one({"_id": "second", **ENTRY, "sessionId": "another"})
            wait_until(lambda: messages_in_gold(following) == 2)
            run.send_signal(signal.SIGINT)
            _, messages = run.communicate(timeout=30)
        finally:
            run.kill()
    assert run.returncode == 130
    assert "pipeline: done in " in messages


def messages_in_gold(workspace: Workspace) -> int:
    """How many there are, as of the last run that ended."""
    path = data_of(workspace) / "clogs.duckdb"
    if holder(data_of(workspace) / "state") or not path.exists():
        return 0
    with warehouse.connect(path, read_only=True) as connection:
        if not warehouse.has_views(connection, "gold"):
            return 0
        return int(connection.execute("SELECT count(*) FROM gold.fct_messages").fetchall()[0][0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["extract", "--follow", "--limit", "3"], "--follow and --limit contradict each other."),
        (["extract", "--follow", "--reconcile"], "--follow and --reconcile contradict each other."),
        (["pipeline", "--follow", "--json"], "--follow and --json contradict each other."),
        (["pipeline", "--every", "1m"], "--every is for --follow."),
        (["pipeline", "--follow", "--every", "0s"], "--every is too short."),
    ],
)
def test_what_contradicts_following(workspace: Workspace, arguments: list[str], message: str) -> None:
    finished = workspace.run(*arguments)
    assert finished.returncode == 2
    assert message in finished.stderr
