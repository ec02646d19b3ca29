"""By its change stream, every change of a collection is found, whatever its date."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
import pytest
from bson import ObjectId
from conftest import DATABASE, landed_in
from jobs import job_in
from mongo_server import MongoServer
from pymongo import MongoClient
from pymongo.collection import Collection

from clogs.errors import NoChangesError
from clogs.extract import ExtractJob, ExtractResult, extract
from clogs.extract import changes as stage
from clogs.extract.watermark import ExtractState
from clogs.landing.place import Place
from clogs.mongo import Address, Changes, Source, connect
from clogs.runs.records import new_run

Document = dict[str, Any]

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=1)


class Extraction:
    """A collection, and how it is extracted."""

    def __init__(self, uri: str, collection: Collection[Document], folder: Path) -> None:
        self.uri = uri
        self.collection = collection
        self.job = job_in(folder, run="first")

    def run(self, *, job: dict[str, Any] | None = None, **options: Any) -> ExtractResult:  # noqa: ANN401
        """Extract as a run of its own."""
        address = Address(self.uri, DATABASE, self.collection.name)
        mine = replace(self.job, run=new_run(), started=datetime.now(UTC), **(job or {}))
        with connect(address) as source:
            return extract(source, mine, **options)

    @property
    def name(self) -> str:
        """The collection, as messages name it."""
        return Address(self.uri, DATABASE, self.collection.name).name

    def texts(self) -> dict[str, str]:
        return landed_texts(self.job.raw_dir)

    def source_texts(self) -> dict[str, str]:
        return texts_in(self.collection)


def landed_texts(raw_dir: Place) -> dict[str, str]:
    """The newest version of each document in the landing, by its ``_id``."""
    rows = pl.concat(map(pl.read_parquet, landed_in(raw_dir))).sort("extracted_at")
    twice = rows.group_by("_id", "extracted_at").len().filter(pl.col("len") > 1)
    assert twice.is_empty()  # else nothing says which version is newer
    return dict(rows.select("_id", "message_content").iter_rows())


def texts_in(collection: Collection[Document]) -> dict[str, str]:
    return {str(each["_id"]): each["message"] for each in collection.find()}


@pytest.fixture
def extraction(replica_set: MongoServer, tmp_path: Path) -> Iterator[Extraction]:
    with MongoClient[Document](replica_set.uri) as client:
        collection = client[DATABASE][f"conversations_{uuid4().hex}"]
        collection.insert_many([entry(number) for number in range(3)])
        yield Extraction(replica_set.uri, collection, tmp_path)
        collection.drop()


def entry(identity: object, text: str = "old", *, at: datetime | None = NOON) -> Document:
    return {"_id": identity, "type": "user", "sessionId": "s", "ingestedAt": at, "message": text}


def test_the_first_run_reads_everything_and_the_next_one_nothing(extraction: Extraction) -> None:
    first, second = extraction.run(), extraction.run()
    assert (first.source_mode, first.documents, first.watermark) == ("watermark", 3, NOON)
    assert (second.source_mode, second.documents, second.watermark) == ("change_stream", 0, NOON)


CHANGES: dict[str, tuple[Callable[[Collection[Document]], object], dict[str, str]]] = {
    "a document with an old date": (lambda c: c.insert_one(entry("late", at=LONG_AGO)), {"late": "old"}),
    "a document without a date": (lambda c: c.insert_one(entry("late", at=None)), {"late": "old"}),
    "an edit": (lambda c: c.update_one({"_id": 1}, {"$set": {"message": "new"}}), {"1": "new"}),
    "a replacement": (lambda c: c.replace_one({"_id": 1}, entry(1, "new", at=LONG_AGO)), {"1": "new"}),
    "many edits of one document": (
        lambda c: [c.update_one({"_id": 1}, {"$set": {"message": str(number)}}) for number in range(9)],
        {"1": "8"},
    ),
    "an insertion and its edit": (
        lambda c: (c.insert_one(entry("x")), c.update_one({"_id": "x"}, {"$set": {"message": "new"}})),
        {"x": "new"},
    ),
    "a change and the change back": (
        lambda c: [c.update_one({"_id": 1}, {"$set": {"message": text}}) for text in ("new", "old")],
        {"1": "old"},
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_is_landed_once_in_its_newest_version(extraction: Extraction, case: str) -> None:
    change, expected = CHANGES[case]
    extraction.run()
    change(extraction.collection)
    result, again = extraction.run(), extraction.run()
    assert (result.source_mode, result.documents, result.landed) == ("change_stream", 1, 1)
    assert (again.documents, again.landed) == (0, 0)
    assert extraction.texts().items() >= expected.items()
    assert extraction.texts() == extraction.source_texts()


def test_a_document_that_changes_back_in_a_later_run_is_landed_each_time(extraction: Extraction) -> None:
    extraction.run()
    for text in ("new", "old", "new", "old"):
        extraction.collection.update_one({"_id": 1}, {"$set": {"message": text}})
        extraction.run()
        assert extraction.texts()["1"] == text


def test_deletions_are_counted_and_stay_in_the_landing(extraction: Extraction) -> None:
    extraction.run()
    extraction.collection.delete_one({"_id": 1})
    extraction.collection.insert_one(entry("gone", "seen"))
    extraction.collection.update_one({"_id": "gone"}, {"$set": {"message": "not seen"}})
    extraction.collection.delete_one({"_id": "gone"})
    result = extraction.run()
    assert (result.deleted, result.documents) == (2, 1)
    assert extraction.texts() == {"0": "old", "1": "old", "2": "old", "gone": "seen"}


def test_what_changes_while_the_first_run_reads_is_found_by_the_next(
    extraction: Extraction, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_then_change(source: Source, job: ExtractJob, before: ExtractState) -> Changes | None:
        opened = open_changes(source, job, before)
        extraction.collection.insert_one(entry("late", at=LONG_AGO))
        extraction.collection.delete_one({"_id": "late"})
        extraction.collection.insert_one(entry("late", "new", at=LONG_AGO))
        return opened

    open_changes = stage.open_changes
    monkeypatch.setattr("clogs.extract.stage.open_changes", open_then_change)
    extraction.run()
    monkeypatch.undo()
    assert extraction.run().landed == 1
    assert extraction.texts()["late"] == "new"


def test_more_changes_than_a_batch_holds(extraction: Extraction) -> None:
    extraction.run()
    extraction.collection.insert_many([entry(ObjectId()) for _ in range(950)])
    extraction.collection.update_many({}, {"$set": {"message": "new"}})
    result = extraction.run()
    assert set(extraction.texts().values()) == {"new"}
    assert extraction.texts() == extraction.source_texts()
    assert result.files > 1


def test_large_changes(extraction: Extraction) -> None:
    extraction.run()
    for number in range(12):
        extraction.collection.insert_one(entry(number % 7 + 10, str(number) * 300_000) | {"_id": ObjectId()})
        extraction.collection.update_one({"_id": 1}, {"$set": {"message": str(number) * 300_000}})
    extraction.run()
    assert extraction.texts() == extraction.source_texts()


def test_excluded_fields_stay_on_the_server(extraction: Extraction) -> None:
    job = {"exclude": ("snapshot", "toolUseResult.stdout")}
    extraction.run(job=job)
    result = {"stdout": "x", "stderr": "y"}
    extraction.collection.insert_one(entry("x") | {"snapshot": {"a": 1}, "toolUseResult": result, "kept": 1})
    extraction.run(job=job)
    rows = pl.concat(map(pl.read_parquet, landed_in(extraction.job.raw_dir))).filter(_id="x")
    assert rows["entry_raw"].to_list() == ['{"toolUseResult":{"stderr":"y"},"kept":1}']


def test_rejected_changes_become_dead_letters(extraction: Extraction) -> None:
    extraction.run()
    extraction.collection.insert_one(entry("bad") | {"type": {"not": "text"}})
    result = extraction.run(job={"max_rejected": 1})
    assert (result.rejected, result.landed) == (1, 0)
    assert extraction.run().documents == 0


def test_the_watermark_moves_with_the_stream(extraction: Extraction) -> None:
    extraction.run()
    extraction.collection.insert_one(entry("x", at=NOON + timedelta(hours=1)))
    extraction.collection.insert_one(entry("y", at=datetime.now(UTC) + timedelta(days=1)))
    assert extraction.run().watermark == NOON + timedelta(hours=1)
    by_watermark = extraction.run(job={"source_mode": "watermark"})
    assert (by_watermark.source_mode, by_watermark.documents) == ("watermark", 2)


# What a part of the collection, and a backfill, do to the stream


def test_parts_and_a_dry_run_leave_the_stream_where_it_is(extraction: Extraction) -> None:
    extraction.run()
    extraction.collection.insert_one(entry("late", at=LONG_AGO))
    assert extraction.run(limit=2).documents == 2
    assert extraction.run(since=NOON).documents == 3
    would = extraction.run(dry_run=True)
    assert (would.documents, would.dry_run, would.landed) == (1, True, 0)
    assert extraction.run().landed == 1
    assert extraction.run(dry_run=True).documents == 0


def test_a_backfill_reads_everything_and_the_stream_goes_on_after_it(extraction: Extraction) -> None:
    extraction.run()
    extraction.collection.insert_one(entry("late", at=LONG_AGO))
    assert extraction.run(full_backfill=True).landed == 4
    assert extraction.run().documents == 0
    extraction.collection.insert_one(entry("later", at=LONG_AGO))
    assert extraction.run().landed == 1


# Where the stream cannot go on


@contextmanager
def failing(uri: str, command: str, code: int, *, times: int = 1) -> Iterator[None]:
    """Let a command fail with a code, so many times."""
    fault = {"failCommands": [command], "errorCode": code}
    with MongoClient[Document](uri) as client:
        client.admin.command("configureFailPoint", "failCommand", mode={"times": times}, data=fault)
        yield
        client.admin.command("configureFailPoint", "failCommand", mode="off")


@pytest.mark.parametrize("code", [136, 260, 280, 286, 10334])
@pytest.mark.parametrize("command", ["aggregate", "getMore"])
def test_a_lost_stream_is_replaced_by_a_backfill(
    extraction: Extraction, caplog: pytest.LogCaptureFixture, command: str, code: int
) -> None:
    extraction.run()
    extraction.collection.insert_one(entry("late", at=LONG_AGO))
    with failing(extraction.uri, command, code):
        result = extraction.run()
    assert (result.source_mode, result.documents) == ("watermark", 4)
    lost = f"The change stream of {extraction.name} does not reach back to the last run."
    assert caplog.messages == [f"{lost} The whole collection is read again."]
    assert extraction.run().source_mode == "change_stream"
    assert extraction.texts() == extraction.source_texts()


def recreate(collection: Collection[Document]) -> None:
    collection.drop()
    collection.insert_one(entry("another", at=LONG_AGO))


def rename_and_recreate(collection: Collection[Document]) -> None:
    collection.rename(f"{collection.name}_old")
    collection.insert_one(entry("another", at=LONG_AGO))


@pytest.mark.parametrize(
    ("change", "what"), [(recreate, "was dropped"), (rename_and_recreate, "was renamed")]
)
def test_another_collection_of_the_same_name_is_read_from_its_beginning(
    extraction: Extraction,
    caplog: pytest.LogCaptureFixture,
    change: Callable[[Collection[Document]], None],
    what: str,
) -> None:
    extraction.run()
    extraction.collection.insert_one(entry("before", at=LONG_AGO))
    change(extraction.collection)
    result = extraction.run()
    assert caplog.messages == [
        f"The collection {extraction.name} {what}. The whole collection is read again."
    ]
    assert (result.source_mode, result.documents) == ("watermark", 1)
    assert extraction.texts().keys() == {"0", "1", "2", "before", "another"}
    assert extraction.run().source_mode == "change_stream"


@pytest.mark.parametrize("command", ["hello", "aggregate", "getMore"])
@pytest.mark.parametrize("code", [6, 262])
def test_a_fault_that_passes_ends_nothing(extraction: Extraction, command: str, code: int) -> None:
    extraction.run()
    extraction.collection.insert_many([entry(number) for number in range(10, 20)])
    with failing(extraction.uri, command, code, times=2):
        result = extraction.run(job={"retry_delays": [timedelta(0)] * 3})
    assert (result.source_mode, result.landed) == ("change_stream", 10)


def test_the_stream_goes_on_after_the_server_was_killed(
    extraction: Extraction, replica_set: MongoServer
) -> None:
    extraction.run()
    extraction.collection.insert_one(entry("late", at=LONG_AGO))
    replica_set.kill()
    replica_set.start()
    result = extraction.run()
    assert (result.source_mode, result.landed) == ("change_stream", 1)


# Where there is no stream


def test_a_server_without_change_streams(tmp_path: Path, mongo_uri: str, collection_name: str) -> None:
    with MongoClient[Document](mongo_uri) as client:
        extraction = Extraction(mongo_uri, client[DATABASE][collection_name], tmp_path)
        extraction.collection.insert_one(entry(1))
        assert extraction.run().source_mode == "watermark"
        with pytest.raises(NoChangesError, match="not part of a replica set"):
            extraction.run(job={"source_mode": "change_stream"})


def test_a_user_without_the_privilege_is_told_so_once(
    extraction: Extraction, caplog: pytest.LogCaptureFixture
) -> None:
    message = f"{extraction.name} has no change stream: this user lacks the privilege changeStream."
    with failing(extraction.uri, "aggregate", 13, times=2):
        assert extraction.run().source_mode == "watermark"
        assert extraction.run().source_mode == "watermark"
    assert caplog.messages == [f"{message} The watermark finds new documents."]
    with failing(extraction.uri, "aggregate", 13), pytest.raises(NoChangesError, match=message):
        extraction.run(job={"source_mode": "change_stream"})


def test_a_stream_that_is_no_longer_allowed_is_reported(
    extraction: Extraction, caplog: pytest.LogCaptureFixture
) -> None:
    extraction.run()
    with failing(extraction.uri, "aggregate", 13, times=2):
        extraction.run()
        extraction.run()
    assert len(caplog.messages) == 1
