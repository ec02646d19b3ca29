"""Every command is tried again after each fault that the driver calls retryable, or a cut connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from mongo_server import MongoServer
from pymongo import MongoClient, helpers_shared

from clogs.errors import TransientSourceError
from clogs.mongo import Address, Source, connect

pytestmark = pytest.mark.slow

Document = dict[str, Any]
Call = Callable[[Source], object]

COMMANDS: dict[str, Call] = {
    "listCollections": Source.exists,
    "listIndexes": lambda source: source.is_indexed("ingestedAt"),
    "createIndexes": lambda source: source.create_index("ingestedAt"),
    "count": Source.estimated_count,
    "aggregate": lambda source: source.count({}),
    "find": lambda source: source.newest("ingestedAt"),
    "insert": lambda source: source.insert_absent([{"_id": 1}]),
}
FAULTS: list[Document] = [
    {"closeConnection": True},
    *({"errorCode": code} for code in sorted(helpers_shared._RETRYABLE_ERROR_CODES)),  # noqa: SLF001
]


@pytest.fixture(scope="module")
def source(replica_set: MongoServer) -> Iterator[Source]:
    # a primary that steps down is looked at again by the next heartbeat
    uri = f"{replica_set.uri}/?heartbeatFrequencyMS=500"
    with connect(Address(uri, "logs", "conversations"), retry_delays=[timedelta(0)] * 2) as connected:
        connected.insert_absent([{"_id": 1}])
        yield connected


@contextmanager
def failing(server: MongoServer, command: str, fault: Document, mode: object) -> Iterator[None]:
    """Let the server answer a command of clogs with a fault."""
    with MongoClient[Document](server.uri) as client:
        data = {"failCommands": [command], "appName": "clogs", **fault}
        client.admin.command("configureFailPoint", "failCommand", mode=mode, data=data)
        yield
        client.admin.command("configureFailPoint", "failCommand", mode="off")


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_fault_that_passes_ends_no_command(
    replica_set: MongoServer, source: Source, command: str, fault: Document
) -> None:
    # the driver repeats most commands once by itself
    with failing(replica_set, command, fault, {"times": 2}):
        COMMANDS[command](source)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("command", ["listCollections", "find"])
def test_a_fault_that_stays_is_a_line(
    replica_set: MongoServer, source: Source, command: str, fault: Document
) -> None:
    with (
        failing(replica_set, command, fault, "alwaysOn"),
        pytest.raises(TransientSourceError) as caught,
    ):
        COMMANDS[command](source)
    assert len(caught.value.message) < 120
    assert caught.value.message.count(replica_set.uri.removeprefix("mongodb://")) == 1
    assert "{" not in caught.value.message
