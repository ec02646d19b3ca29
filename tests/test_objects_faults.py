"""A store that is slow, falls silent or breaks its connections half-way loses nothing and doubles nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from bson import ObjectId
from bucket import Bucket, Cut, Fault, no_fault
from built import SAMPLES
from conftest import Document, Workspace, new_workspace
from pymongo.collection import Collection
from test_load import row
from test_objects import extract, land_rows, names, rows_of
from test_reconcile import entry

from clogs.landing.objects import ObjectPath

pytestmark = pytest.mark.slow

NOTHING_IS_LOST = "Nothing is lost"


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    """The rows that the samples give in a folder."""
    local = new_workspace(tmp_path_factory.mktemp("local"), "mongodb://127.0.0.1:9", "none")
    extract(local, SAMPLES)
    local.output("load", "-q")
    return rows_of(local)


def on(fault: float | Cut, *methods: str, part: str = "") -> Fault:
    """A fault of all requests of some methods, whose paths have a part."""
    return lambda method, path: fault if method in methods and part in path else None


def once(fault: float | Cut) -> Fault:
    """A fault of the first request of each method and path."""
    seen = set()

    def first(method: str, path: str) -> float | Cut | None:
        is_first = (method, path) not in seen
        seen.add((method, path))
        return fault if is_first else None

    return first


@pytest.mark.parametrize(
    "fault",
    [once(Cut.REQUEST), once(Cut.UNANSWERED), once(Cut.ANSWER), on(0.05, "GET", "PUT", "POST")],
    ids=["request cut", "not answered", "answer cut", "slow"],
)
def test_what_is_repeated_counts_once(
    remote: Workspace, bucket: Bucket, fault: Fault, expected: list[tuple[Any, ...]]
) -> None:
    bucket.fault = fault
    extract(remote, SAMPLES)
    for command in ("load", "compact", "load"):
        remote.output(command, "-q")
    assert rows_of(remote) == expected
    assert "nothing new" in extract(remote, SAMPLES)


IN_TIME = {"AWS_TIMEOUT": "500ms"}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (on(Cut.REQUEST, "PUT", part="date=2026-10"), "the store does not answer"),
        (on(Cut.UNANSWERED, "PUT", part="date=2026-10"), "the store does not answer"),
        (on(Cut.UNANSWERED, "PUT", part=".state"), "the store does not answer"),
        (on(1.0, "PUT", part="date=2026-10"), "the store does not answer in time."),
    ],
    ids=["request cut", "not answered", "state not answered", "silent"],
)
def test_what_cannot_be_written_is_landed_by_the_next_run(
    remote: Workspace, bucket: Bucket, fault: Fault, said: str, expected: list[tuple[Any, ...]]
) -> None:
    bucket.fault = fault
    error = remote.refusal("extract", "--from", SAMPLES, code=69, **IN_TIME)
    assert said in error
    assert NOTHING_IS_LOST in error
    bucket.fault = no_fault
    extract(remote, SAMPLES)
    remote.output("load", "-q")
    assert rows_of(remote) == expected


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (on(Cut.ANSWER, "GET", part="date="), "the store does not answer"),
        (on(Cut.ANSWER, "GET"), "the store does not answer"),
        (on(1.0, "GET", part="date="), "the store does not answer in time."),
    ],
    ids=["answer cut", "list cut", "silent"],
)
def test_what_cannot_be_read_is_loaded_by_the_next_run(
    landing: ObjectPath, remote: Workspace, bucket: Bucket, fault: Fault, said: str
) -> None:
    for name in "abc":
        land_rows(landing, row(name), name=name)
    bucket.fault = fault
    error = remote.refusal("load", code=69, **IN_TIME)
    assert said in error
    assert NOTHING_IS_LOST in error
    assert len({each for each in bucket.requests if each.startswith("GET") and "date=" in each}) <= 1
    bucket.fault = no_fault
    remote.output("load", "-q")
    assert rows_of(remote, "SELECT _id FROM raw.conversations ORDER BY 1") == [("a",), ("b",), ("c",)]


def test_what_was_read_before_a_store_fell_silent_is_loaded(
    landing: ObjectPath, remote: Workspace, bucket: Bucket
) -> None:
    for name in "abcd":
        land_rows(landing, row(name), name=name)
    bucket.fault = on(503, "GET", part="_c_")
    assert "the store answers with 503." in remote.refusal("load", code=69)
    assert rows_of(remote, "SELECT _id FROM raw.conversations ORDER BY 1") == [("a",), ("b",)]
    assert not [each for each in bucket.requests if each.startswith("GET") and "_d_" in each]
    remote.refusal("load", "--full-refresh", code=69)
    assert rows_of(remote, "SELECT _id FROM raw.conversations ORDER BY 1") == [("a",), ("b",)]


@pytest.mark.parametrize(
    ("status", "code", "said"), [(403, 69, "access is denied (403)."), (404, 1, "was listed, and is gone.")]
)
def test_one_object_that_cannot_be_read_keeps_no_other_back(
    landing: ObjectPath, remote: Workspace, bucket: Bucket, *, status: int, code: int, said: str
) -> None:
    for name in "abc":
        land_rows(landing, row(name), name=name)
    bucket.fault = on(status, "GET", part="_a_")
    assert said in remote.refusal("load", code=code)
    assert rows_of(remote, "SELECT _id FROM raw.conversations ORDER BY 1") == [("b",), ("c",)]


@pytest.mark.parametrize("fault", [403, Cut.UNANSWERED, 1.0], ids=["denied", "not answered", "silent"])
def test_what_was_merged_and_cannot_be_deleted_is_deleted_by_the_next_run(
    landing: ObjectPath, remote: Workspace, bucket: Bucket, fault: float | Cut
) -> None:
    for name in "abc":
        land_rows(landing, row(name), name=name)
    remote.output("load", "-q")
    bucket.fault = on(fault, "POST")
    remote.refusal("compact", code=69, **IN_TIME)
    assert len(names(landing)) > 1
    bucket.fault = no_fault
    remote.output("load", "-q")
    assert len(names(landing)) == 1
    assert rows_of(remote, "SELECT count(*), count(DISTINCT _id) FROM raw.conversations") == [(3, 3)]


def test_who_may_not_delete_is_told_so(landing: ObjectPath, remote: Workspace, bucket: Bucket) -> None:
    for name in "abc":
        land_rows(landing, row(name), name=name)
    remote.output("load", "-q")
    bucket.keeps_all = True
    error = remote.refusal("compact", code=69)
    assert "access is denied (AccessDenied)." in error
    assert "that may list, read, write and delete there" in error


@pytest.fixture
def reconciling(
    mongo_workspace: Workspace, landing: ObjectPath, bucket: Bucket, collection: Collection[Document]
) -> Workspace:
    """A workspace with a collection of three documents, all landed in the bucket."""
    settings = bucket.environment | {"DATA_RAW_DIR": str(landing), "PIPELINE_SOURCE_MODE": "watermark"}
    found = replace(mongo_workspace, environment=mongo_workspace.environment | settings)
    collection.insert_many([entry(ObjectId()) for _ in range(3)])
    found.output("extract", "-q")
    return found


def test_a_reconciliation_says_what_is_wrong_with_the_bucket(reconciling: Workspace, bucket: Bucket) -> None:
    bucket.fault = on(403, "GET", part="date=")
    said = reconciling.refusal("extract", "--reconcile", code=69)
    assert "access is denied (403)." in said
    assert "Traceback" not in said


def test_a_reconciliation_waits_no_longer_than_anything_else(reconciling: Workspace, bucket: Bucket) -> None:
    first = once(20.0)
    bucket.fault = lambda method, path: first(method, path) if "date=" in path and method == "GET" else None
    found = json.loads(reconciling.output("extract", "--reconcile", "--json", AWS_TIMEOUT="2s"))
    assert (found["reconciled"]["source"], found["reconciled"]["missing"]) == (3, 0)
    assert found["seconds"] < 15
