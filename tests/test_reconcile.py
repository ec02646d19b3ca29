"""What the watermark misses is found by comparing the collection with what was seen of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from bson import ObjectId
from conftest import landed_in
from jobs import job_in
from mongo_server import MongoServer
from pymongo import MongoClient
from pymongo.collection import Collection

from clogs.errors import DataError
from clogs.extract import ExtractJob, extract
from clogs.extract.reconcile import Reconciled, ranges_of_days, starts_of
from clogs.landing.place import put
from clogs.landing.seen import pruned_ids
from clogs.mongo import Address, KeyRange, Source, connect

Document = dict[str, Any]

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
DAYS = 30


def object_id(day: int) -> ObjectId:
    """An ObjectId of a day since 1970."""
    return ObjectId((day * 86_400).to_bytes(4) + ObjectId().binary[4:])


LATER = timedelta(hours=1)
"""When the first run of a test is."""

TONIGHT = (NOW + LATER + timedelta(minutes=1)).date().toordinal() % DAYS
"""Of all days, those that leave this rest are read again by the second."""

DUE, NOT_DUE = 600 * DAYS + TONIGHT, 600 * DAYS + TONIGHT + 1


def entry(identity: object, **fields: object) -> Document:
    return {"_id": identity, "sessionId": "s", "type": "user", "ingestedAt": NOW, **fields}


@pytest.fixture
def job(tmp_path: Path) -> ExtractJob:
    return job_in(tmp_path, run="run", started=NOW + LATER, source_mode="watermark", max_rejected=1)


@pytest.fixture
def collection(replica_set: MongoServer) -> Iterator[Collection[Document]]:
    """An empty collection."""
    with MongoClient[Document](replica_set.uri) as client:
        found = client.logs.conversations
        found.drop()
        yield found


@pytest.fixture
def source(replica_set: MongoServer) -> Iterator[Source]:
    with connect(Address(replica_set.uri, "logs", "conversations")) as connected:
        yield connected


def later(job: ExtractJob) -> ExtractJob:
    return replace(job, run="later", started=job.started + timedelta(minutes=1))


def reconciled(source: Source, job: ExtractJob) -> Reconciled:
    found = extract(source, later(job), reconcile_days=DAYS).reconciled
    assert found
    return found


def texts(job: ExtractJob) -> dict[str, str | None]:
    """The newest text of each document that is landed."""
    rows = pl.concat([pl.read_parquet(each, glob=False) for each in landed_in(job.raw_dir)])
    newest = rows.sort("extracted_at").group_by("_id").last()
    return dict(newest.select("_id", "message_content").iter_rows())


MIXED = [object_id(DUE), object_id(NOT_DUE), object_id(NOT_DUE), "text", 5]


def test_what_agrees_is_read_again_only_in_its_turn(
    source: Source, collection: Collection[Document], job: ExtractJob
) -> None:
    collection.insert_many([entry(each) for each in MIXED[:3]])
    extract(source, job)
    found = reconciled(source, job)
    assert (found.source, found.differing, found.missing, found.gone) == (3, 0, 0, 0)
    assert found.documents == 1


@pytest.mark.parametrize("missed", [object_id(NOT_DUE), object_id(9), "other", 7.5])
def test_a_document_with_an_old_date_is_found(
    source: Source, collection: Collection[Document], job: ExtractJob, missed: object
) -> None:
    collection.insert_many([entry(each) for each in MIXED])
    extract(source, job)
    collection.insert_one(entry(missed, ingestedAt=NOW - DAY, message="late"))
    found = reconciled(source, job)
    assert (found.source, found.differing, found.missing) == (6, 1, 1)
    assert "late" in texts(job).values()
    assert reconciled(source, later(job)).missing == 0


def test_a_deletion_does_not_hide_a_document_that_was_missed(
    source: Source, collection: Collection[Document], job: ExtractJob
) -> None:
    collection.insert_many([entry(each) for each in MIXED])
    extract(source, job)
    collection.delete_one({"_id": MIXED[1]})
    collection.insert_one(entry(object_id(NOT_DUE), ingestedAt=NOW - DAY, message="late"))
    found = reconciled(source, job)
    assert (found.source, found.differing, found.missing, found.gone) == (5, 1, 1, 1)
    assert "late" in texts(job).values()


def test_an_edit_is_found_when_its_day_is_due(
    source: Source, collection: Collection[Document], job: ExtractJob
) -> None:
    collection.insert_many([entry(each, ingestedAt=NOW - DAY) for each in MIXED[:3]])
    collection.insert_one(entry(object_id(NOT_DUE)))
    extract(source, job)
    collection.update_many({}, {"$set": {"message": "edited", "ingestedAt": NOW - DAY}})
    reconciled(source, job)
    edited = [identity for identity, text in texts(job).items() if text == "edited"]
    assert edited == [str(MIXED[0])]


def test_what_was_due_in_nights_without_a_comparison_is_made_up_for(
    source: Source, collection: Collection[Document], job: ExtractJob
) -> None:
    ids = [object_id(DUE - nights) for nights in range(5)]
    collection.insert_many([entry(each, ingestedAt=NOW - 9 * DAY) for each in ids])
    collection.insert_one(entry(object_id(NOT_DUE), ingestedAt=NOW - 8 * DAY))
    extract(source, replace(job, started=job.started - 3 * DAY), reconcile_days=DAYS)
    collection.update_many({}, {"$set": {"message": "edited", "ingestedAt": NOW - 9 * DAY}})
    reconciled(source, job)
    edited = {identity for identity, text in texts(job).items() if text == "edited"}
    assert edited == set(map(str, ids[:3]))


def test_a_damaged_file_is_an_error_of_the_data(
    source: Source, collection: Collection[Document], job: ExtractJob
) -> None:
    collection.insert_one(entry(object_id(DUE)))
    extract(source, job)
    (file,) = landed_in(job.raw_dir)
    Path(str(file)).write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"A landing file in .* cannot be read: .*"):
        reconciled(source, job)


def test_a_few_rejected_documents_are_judged_among_all(
    source: Source, collection: Collection[Document], job: ExtractJob
) -> None:
    strict = replace(job, max_rejected=0.3)
    collection.insert_one(entry(object_id(DUE), sessionId=[1], ingestedAt=NOW - DAY))
    collection.insert_many([entry(object_id(NOT_DUE)) for _ in range(3)])
    extract(source, strict)
    found = reconciled(source, strict)
    assert (found.documents, found.rejected, found.source) == (1, 1, 4)


def test_what_was_deleted_there_is_counted_and_nothing_is_read_for_it(
    source: Source, collection: Collection[Document], job: ExtractJob
) -> None:
    collection.insert_many([entry(object_id(NOT_DUE)) for _ in range(3)])
    extract(source, job)
    collection.delete_one({})
    found = reconciled(source, job)
    assert (found.source, found.missing, found.gone, found.documents) == (2, 0, 1, 0)


def test_what_was_rejected_is_not_missing(
    source: Source, collection: Collection[Document], job: ExtractJob
) -> None:
    collection.insert_many([entry(object_id(NOT_DUE), sessionId=[number]) for number in range(2)])
    assert extract(source, job).rejected == 2
    found = reconciled(source, job)
    assert (found.source, found.differing, found.missing) == (2, 0, 0)


@pytest.mark.parametrize("day", [DUE, NOT_DUE])
def test_what_was_pruned_does_not_come_back(
    source: Source, collection: Collection[Document], job: ExtractJob, day: int
) -> None:
    ids = [object_id(day) for _ in range(2)]
    collection.insert_many([entry(each) for each in ids])
    extract(source, job)
    for path in landed_in(job.raw_dir):
        path.unlink()
    content = BytesIO()
    pl.DataFrame({"_id": list(map(str, ids))}).write_parquet(content)
    put(pruned_ids(job.raw_dir) / "before.parquet", content.getvalue())
    collection.insert_one(entry(object_id(day), ingestedAt=NOW - DAY))
    found = reconciled(source, job)
    assert (found.source, found.missing, found.documents) == (3, 1, 1)


def test_ids_are_compared_in_ranges_of_about_one_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clogs.extract.reconcile.RANGE_DOCUMENTS", 10)
    seconds = pl.DataFrame({"second": [None, 7, 8, 9, 11, 12], "documents": [3, 9, 1, 5, 20, 1]})
    assert starts_of(seconds) == [0, 9, 12]
    assert starts_of(seconds.clear()) == [0]


@pytest.mark.parametrize(
    ("days", "bounds"),
    [
        (set(), []),
        ({3, 4, 5, 7}, [(3, 6), (7, 8)]),
        ({None, 0}, [(0, 1), None]),
        ({49_710}, [(49_710, 49_711)]),  # the last one that ObjectIds have
    ],
)
def test_days_that_follow_each_other_are_read_together(
    days: set[int | None], bounds: list[tuple[int, int] | None]
) -> None:
    expected = [
        KeyRange.of_seconds(*(day * 86_400 for day in each) if each else (None, None)) for each in bounds
    ]
    assert ranges_of_days(days) == expected
