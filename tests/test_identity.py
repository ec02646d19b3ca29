"""A collection is the same however its server is reached, and another one behind its name is not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import Document, Workspace, new_workspace
from mongo_server import MongoServer
from pymongo import MongoClient

from clogs.mongo import Identity
from clogs.mongo.identity import hosts_of

ENTRY = {"ingestedAt": datetime(2026, 1, 1, tzinfo=UTC), "type": "user", "sessionId": "s"}


def known(*, replica_set: str | None = None, uuid: str | None = None, hosts: str = "a:1") -> Identity:
    return Identity(replica_set=replica_set, uuid=uuid, hosts=hosts_of(hosts))


@pytest.mark.parametrize(
    ("before", "now", "same"),
    [
        (known(uuid="u"), known(uuid="u", hosts="c:1"), True),
        (known(uuid="u"), known(uuid="v"), False),
        (known(uuid="u", replica_set="r"), known(replica_set="r", hosts="c:1"), True),
        (known(uuid="u", replica_set="r"), known(uuid="u", replica_set="s", hosts="c:1"), True),
        (known(replica_set="r"), known(replica_set="s"), False),
        (known(hosts="a:1"), known(hosts="a:1,b:1"), True),
        (known(hosts="localhost"), known(hosts="127.0.0.1:27017"), True),
        (known(hosts="a:1"), known(hosts="c:1"), None),
        (known(uuid="u", hosts="a:1"), known(replica_set="r", hosts="c:1"), None),
    ],
)
def test_a_collection_is_known_by_what_it_is(before: Identity, now: Identity, same: object) -> None:
    assert now.is_same(before) is same


@pytest.mark.parametrize(
    ("hosts", "found"),
    [
        ("localhost", ("127.0.0.1:27017",)),
        ("B:2,a", ("a:27017", "b:2")),
        ("[::1]", ("[::1]:27017",)),
        ("[::1]:5", ("[::1]:5",)),
    ],
)
def test_hosts_are_written_in_one_way(hosts: str, found: tuple[str, ...]) -> None:
    assert hosts_of(hosts) == found


@pytest.fixture
def moving(tmp_path: Path, replica_set: MongoServer) -> Workspace:
    """A workspace that has extracted one document by the server's IP address."""
    with MongoClient[Document](replica_set.uri) as client:
        client.clogs_tests.drop_collection("moving")
        client.clogs_tests.moving.insert_one({"_id": 1, **ENTRY})
    workspace = new_workspace(tmp_path, replica_set.uri, "moving")
    assert "1 landed" in workspace.run("extract").stdout
    return workspace


def test_another_way_to_the_same_server_lands_nothing_again(
    moving: Workspace, replica_set: MongoServer
) -> None:
    uri = replica_set.uri.replace("127.0.0.1", "localhost")
    assert "landed" not in moving.run("extract", MONGO_URI=uri).stdout


@pytest.mark.parametrize(
    ("mode", "reason"),
    [("auto", "was dropped"), ("watermark", "is another collection than the one read before")],
)
def test_another_collection_of_the_same_name_is_read_whole_and_reported(
    moving: Workspace, replica_set: MongoServer, mode: str, reason: str
) -> None:
    with MongoClient[Document](replica_set.uri) as client:
        client.clogs_tests.drop_collection("moving")
        client.clogs_tests.moving.insert_many([{"_id": number, **ENTRY} for number in range(3)])
    finished = moving.run("extract", PIPELINE_SOURCE_MODE=mode)
    assert "3 landed" in finished.stdout
    assert finished.stderr.count(reason) == 1
    assert "read whole" not in moving.run("extract").stderr
