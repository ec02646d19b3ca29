"""Every document that MongoDB returns is landed or a dead letter, once, whatever happens on the way."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import Any

import bson
import polars as pl
import pytest
from bson import (
    Binary,
    Code,
    DatetimeMS,
    DBRef,
    Decimal128,
    Int64,
    MaxKey,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
)
from conftest import Workspace, landed_in
from jobs import job_in
from mongo_server import serving
from pymongo import MongoClient
from pymongo.collection import Collection
from relay import relay
from replay import replay

from clogs import dead_letters
from clogs.errors import ClogsError, DataError, SourceError, TransientSourceError
from clogs.extract import ExtractJob, ExtractResult, extract
from clogs.mongo import Address, Source, connect
from clogs.mongo.documents import CODEC, LARGEST_DOCUMENT
from clogs.runs.records import new_run

pytestmark = pytest.mark.every_python

Document = dict[str, Any]

MORNING = datetime(2025, 1, 20, 8, tzinfo=UTC)
NOON = datetime(2025, 1, 20, 12, tzinfo=UTC)
NEWEST = NOON + timedelta(minutes=4)
LOOKBACK = timedelta(minutes=15)
JUST_BEFORE_NOON = NOON - timedelta(minutes=5)
LONG_BEFORE_NOON = NOON - timedelta(minutes=20)
RUNS_BEGIN = NOON + timedelta(days=1)
IN_A_YEAR = datetime.now(UTC) + timedelta(days=365)


@pytest.fixture
def source(mongo_uri: str, collection: Collection[Document]) -> Iterator[Source]:
    with connect(Address(mongo_uri, collection.database.name, collection.name)) as connected:
        yield connected


@pytest.fixture
def job(tmp_path: Path) -> ExtractJob:
    return job_in(tmp_path, run="first")


@pytest.fixture
def run(source: Source, job: ExtractJob) -> Callable[..., ExtractResult]:
    """Extract as a run of its own."""
    return lambda **options: extract(source, another(job), **options)


Run = Callable[..., ExtractResult]


def entry(identity: object, *, at: object = NOON, **fields: object) -> Document:
    return {"_id": identity, "type": "user", "sessionId": "s", "ingestedAt": at, **fields}


def another(job: ExtractJob) -> ExtractJob:
    """The job of another run, which begins now."""
    return replace(job, run=new_run(), started=datetime.now(UTC))


def landed_ids(job: ExtractJob) -> list[str]:
    """The ids in the landing files, in the order of the files, repeated where they were landed again."""
    return [identity for path in landed_in(job.raw_dir) for identity in pl.read_parquet(path)["_id"]]


# What is read


def test_the_first_run_lands_everything_and_the_second_nothing(
    collection: Collection[Document], job: ExtractJob, run: Run
) -> None:
    collection.insert_many([entry(number, at=NEWEST - timedelta(seconds=number)) for number in range(250)])
    first = run()
    assert (first.documents, first.landed, first.unchanged, first.rejected) == (250, 250, 0, 0)
    assert (first.since, first.watermark) == (None, NEWEST)
    assert first.files == 3
    assert first.bytes == sum(path.stat().st_size for path in landed_in(job.raw_dir))
    second = run()
    assert (second.documents, second.landed, second.unchanged, second.files) == (250, 0, 250, 0)
    assert (second.since, second.watermark) == (NEWEST - LOOKBACK, NEWEST)
    assert len(landed_ids(job)) == 250


def test_a_changed_document_is_landed_again_and_so_is_the_change_back(
    collection: Collection[Document], job: ExtractJob, run: Run
) -> None:
    collection.insert_many([entry(1, text="old"), entry(2)])
    run()
    collection.replace_one({"_id": 1}, entry(1, text="new"))
    assert run().landed == 1
    collection.replace_one({"_id": 1}, entry(1, text="old"))
    assert run().landed == 1
    frame = pl.concat(map(pl.read_parquet, landed_in(job.raw_dir))).sort("extracted_at")
    assert frame.filter(_id="1")["entry_raw"].to_list() == [
        '{"text":"old"}',
        '{"text":"new"}',
        '{"text":"old"}',
    ]
    assert frame.filter(_id="2").height == 1


def test_a_change_back_is_landed_though_the_run_that_landed_the_change_left_no_state(
    collection: Collection[Document], job: ExtractJob, run: Run
) -> None:
    collection.insert_one(entry(1, text="old"))
    run()
    collection.replace_one({"_id": 1}, entry(1, text="new"))
    run(limit=1)
    collection.replace_one({"_id": 1}, entry(1, text="old"))
    assert run().landed == 1
    frame = pl.concat(map(pl.read_parquet, landed_in(job.raw_dir))).sort("extracted_at")
    assert frame["entry_raw"].to_list()[-1] == '{"text":"old"}'
    assert run().landed == 0


@pytest.mark.parametrize("options", [{}, {"limit": 250}], ids=["a whole run", "a run that left no watermark"])
def test_times_of_reading_only_grow_also_after_the_clock_was_set_back(
    collection: Collection[Document], job: ExtractJob, source: Source, options: dict[str, int]
) -> None:
    collection.insert_many([entry(number) for number in range(250)])
    ahead = replace(another(job), started=IN_A_YEAR)
    extract(source, ahead, **options)  # type: ignore[arg-type]  # mypy cannot see which option it is
    extract(source, another(job), full_backfill=True)
    frame = pl.concat(
        map(pl.read_parquet, sorted(landed_in(job.raw_dir), key=lambda path: path.stat().st_mtime_ns))
    )
    moments = frame["extracted_at"].unique(maintain_order=True)
    assert len(moments) == 6
    assert moments.is_sorted()
    assert moments[0] == IN_A_YEAR


@pytest.mark.parametrize(
    ("at", "times"),
    [
        (NOON + LOOKBACK, 1),
        (NOON, 1),
        (JUST_BEFORE_NOON, 1),
        (NOON - LOOKBACK, 1),
        (LONG_BEFORE_NOON, 0),
        (IN_A_YEAR, 1),
        (None, 0),
    ],
)
def test_a_document_that_comes_late_is_found_within_the_lookback_and_by_a_backfill(
    collection: Collection[Document], job: ExtractJob, run: Run, at: object, times: int
) -> None:
    collection.insert_many([entry("a"), entry("b", at=MORNING)])
    run()
    collection.insert_one(entry("late", at=at))
    run()
    assert landed_ids(job).count("late") == times
    assert run(full_backfill=True).landed == 3
    assert "late" in landed_ids(job)


def test_the_window_is_read_until_a_run_began_a_lookback_after_the_watermark_was_reached(
    collection: Collection[Document], source: Source, job: ExtractJob
) -> None:
    def at(minutes: float) -> ExtractResult:
        moment = RUNS_BEGIN + timedelta(minutes=minutes)
        return extract(source, replace(job, run=new_run(), started=moment))

    collection.insert_many([entry(number, at=NOON + timedelta(seconds=number)) for number in range(300)])
    newest = NOON + timedelta(seconds=299)
    assert at(0).landed == 300
    assert at(1).unchanged == 300
    collection.insert_one(entry("late", at=JUST_BEFORE_NOON))
    late = at(60)  # the first run after the lookback, however long after it
    assert (late.landed, late.unchanged) == (1, 300)
    settled = at(61)
    assert (settled.since, settled.documents, settled.watermark) == (newest, 1, newest)
    collection.insert_one(entry("tie", at=newest))
    assert at(62).landed == 1
    assert at(63).landed == 0
    collection.insert_one(entry("next", at=newest + timedelta(seconds=1)))
    following = at(120)
    assert (following.since, following.landed) == (newest - LOOKBACK, 1)
    assert at(121).since == newest + timedelta(seconds=1) - LOOKBACK
    assert at(180).landed == 0
    assert at(181).documents == 1
    assert sorted(set(landed_ids(job))) == sorted([*map(str, range(300)), "late", "next", "tie"])


def test_the_first_run_finds_documents_that_have_no_date(
    collection: Collection[Document], job: ExtractJob, run: Run
) -> None:
    collection.insert_many(
        [entry("none", at=None), {"_id": "absent"}, entry("text", at="2025-01-20T12:00:00Z")]
    )
    assert run().watermark is None
    assert sorted(landed_ids(job)) == ["absent", "none", "text"]


def test_a_date_in_the_future_hides_no_other_document(
    collection: Collection[Document], job: ExtractJob, run: Run
) -> None:
    collection.insert_many([entry("future", at=IN_A_YEAR), entry("now")])
    assert run().watermark == NOON
    collection.insert_one(entry("next", at=NOON + timedelta(minutes=1)))
    assert run().landed == 1
    assert sorted(landed_ids(job)) == ["future", "next", "now"]


@pytest.mark.parametrize(
    ("path", "fields"), [("changedAt", {"changedAt": MORNING}), ("sync.at", {"sync": {"at": MORNING}})]
)
def test_another_field_can_be_the_watermark(
    collection: Collection[Document],
    source: Source,
    job: ExtractJob,
    path: str,
    fields: dict[str, Any],
) -> None:
    changed = replace(job, watermark_field=path)
    collection.insert_many([entry(1, **fields), entry(2)])
    assert extract(source, another(changed)).watermark == MORNING


def test_another_collection_starts_from_its_own_beginning(
    mongo_uri: str, collection: Collection[Document], job: ExtractJob, run: Run
) -> None:
    collection.insert_one(entry("a"))
    run()
    other = collection.database[f"{collection.name}_other"]
    other.insert_one(entry("b", at=MORNING))
    with connect(Address(mongo_uri, other.database.name, other.name)) as source:
        result = extract(source, another(job))
    other.drop()
    assert (result.since, result.landed) == (None, 1)


def test_another_landing_folder_is_filled_from_the_beginning(
    collection: Collection[Document], job: ExtractJob, run: Run
) -> None:
    collection.insert_one(entry("a"))
    run()
    shutil.rmtree(str(job.raw_dir))
    assert run().landed == 1
    assert run().landed == 0


def test_documents_without_a_date_are_told(
    collection: Collection[Document], run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    collection.insert_many([entry(1), entry(2, at="2026-11-22"), entry(3, at=None)])
    assert run().undated == 2
    assert caplog.messages[0].startswith("2 documents without a Date in ingestedAt")


def test_excluded_fields_are_not_landed_wherever_they_are(
    collection: Collection[Document], source: Source, job: ExtractJob
) -> None:
    collection.insert_one(entry(1, toolUseResult="x", data={"a": 1, "heavy": "y"}))
    lean = replace(job, exclude=("toolUseResult", "data.heavy"))
    extract(source, another(lean))
    (file,) = landed_in(job.raw_dir)
    assert pl.read_parquet(file)["entry_raw"].to_list() == ['{"data":{"a":1}}']


# Parts of the collection


def test_a_dry_run_counts_and_writes_nothing(
    collection: Collection[Document], tmp_path: Path, run: Run
) -> None:
    collection.insert_many([entry(1), entry(2, at=MORNING)])
    assert run(dry_run=True) == ExtractResult(documents=2, since=None, watermark=None, dry_run=True)
    assert run(dry_run=True, limit=1).documents == 1
    assert run(dry_run=True, since=NOON).documents == 1
    assert list(tmp_path.iterdir()) == []


def test_a_limit_lands_a_part_and_leaves_the_watermark(
    collection: Collection[Document], job: ExtractJob, run: Run
) -> None:
    collection.insert_many([entry(1), entry(2), entry(3)])
    assert (part := run(limit=2)).landed == 2
    assert part.watermark is None
    assert run(limit=2).landed == 0
    assert run().landed == 1
    assert sorted(landed_ids(job)) == ["1", "2", "3"]


def test_since_reads_from_that_moment_on(collection: Collection[Document], job: ExtractJob, run: Run) -> None:
    collection.insert_many([entry("early", at=MORNING), entry("late")])
    result = run(since=NOON)
    assert (result.since, result.landed, result.watermark) == (NOON, 1, None)
    run()
    assert landed_ids(job).count("early") == 1


def test_since_before_the_lookback_moves_the_watermark(collection: Collection[Document], run: Run) -> None:
    collection.insert_one(entry("first", at=MORNING))
    run()
    collection.insert_one(entry("next"))
    assert run(since=MORNING).watermark == MORNING
    assert run(since=MORNING - timedelta(hours=1)).watermark == NOON


def test_a_backfill_lands_everything_again(
    collection: Collection[Document], job: ExtractJob, run: Run
) -> None:
    collection.insert_many([entry(1, at=MORNING), entry(2)])
    run()
    again = run(full_backfill=True)
    assert (again.landed, again.since, again.watermark) == (2, None, NOON)
    assert sorted(landed_ids(job)) == ["1", "1", "2", "2"]
    assert run().landed == 0


# What does not fit


def test_a_rejected_document_is_a_dead_letter_and_the_others_are_landed(
    collection: Collection[Document], job: ExtractJob, run: Run
) -> None:
    collection.insert_many([entry("good"), entry("bad", type=["x"], timestamp=5), entry("fine")])
    with pytest.raises(DataError) as caught:
        run()
    assert caught.value.exit_code == 65
    assert caught.value.message == (
        "1 of 3 documents were rejected, more than the 1.0% of quality.max_rejected."
        " The other documents are landed."
    )
    assert landed_ids(job) == ["fine", "good"]
    (letter,) = dead_letters.read(job.dead_letter_dir)
    assert (letter.stage, letter.source) == ("extract", "bad")
    assert letter.reasons == (
        "type is an array, which does not fit a text column",
        "timestamp is a number, which is not a date and time of the years 1 to 9999",
    )
    assert '"type": ["x"]' in letter.document


def test_a_rejected_document_is_rejected_once(
    collection: Collection[Document], source: Source, job: ExtractJob
) -> None:
    collection.insert_many([entry("good"), entry("bad", type=["x"])])
    lenient = replace(job, max_rejected=0.5)
    first = extract(source, another(lenient))
    again = extract(source, another(lenient))
    assert (first.landed, first.rejected) == (1, 1)
    assert (again.unchanged, again.rejected) == (2, 0)
    extract(source, another(lenient), full_backfill=True)
    assert len(list(dead_letters.read(job.dead_letter_dir))) == 1


DEEP: Document = reduce(lambda inner, _: {"a": [inner]}, range(90), {})
EVERY_VALUE = [
    "é\0👩‍🚀",
    7,
    Int64(2**62),
    -0.0,
    float("nan"),
    float("-inf"),
    True,
    None,
    NOON,
    DatetimeMS(-(10**15)),
    DatetimeMS(10**15),
    DatetimeMS(2**63 - 1),
    Decimal128("1.50"),
    Decimal128("NaN"),
    ObjectId(b"a" * 12),
    uuid.UUID(int=5),
    b"\x00\xff",
    Binary(b"no UUID", 4),
    Regex("a", "ix"),
    Timestamp(5, 1),
    MinKey(),
    MaxKey(),
    Code("x"),
    Code("x", {"a": 1}),
    DBRef("c", 1),
    {"a.b": {"$c": 1, "$ref": 5, "": [[]]}},
    [1, "a", None, {}],
    DEEP,
    "x" * (LARGEST_DOCUMENT - 1000),
]
INVALID_UTF8 = bson.encode({"_id": "utf8", "text": "ab"}).replace(b"ab", b"\xff\xfe")
LONE_SURROGATE = bson.encode({"_id": "surrogate", "text": "abc"}).replace(b"abc", b"\xed\xa0\x80")


def test_any_bson_is_landed_or_rejected_and_stops_nothing(job: ExtractJob) -> None:
    documents = [
        *(
            {"_id": f"value {number}", "ingestedAt": NOON, "v": each}
            for number, each in enumerate(EVERY_VALUE)
        ),
        *({"_id": each, "ingestedAt": NOON} for each in EVERY_VALUE[:-1]),
        *({"_id": f"session {number}", "sessionId": each} for number, each in enumerate(EVERY_VALUE)),
    ]
    raw = [*(bson.encode(each, codec_options=CODEC) for each in documents), INVALID_UTF8, LONE_SURROGATE]
    lenient = replace(job, max_rejected=1)
    with (
        replay(raw, field=None) as server,
        connect(Address(server.uri, "logs", "conversations")) as source,
    ):
        result = extract(source, another(lenient))
    rows = pl.concat(map(pl.read_parquet, landed_in(job.raw_dir)))
    letters = list(dead_letters.read(job.dead_letter_dir))
    assert result.documents == len(raw)
    assert (rows.height, len(letters)) == (result.landed, result.rejected)
    assert result.landed + result.rejected == len(raw)
    assert rows["_id"].is_unique().all()
    assert all(isinstance(json.loads(entry), dict) for entry in rows["entry_raw"])
    assert {"utf8", "surrogate", "value 28", "value 9"} <= set(rows["_id"])
    assert {reason.partition(" ")[0] for letter in letters for reason in letter.reasons} == {
        "sessionId",
        "invalid",
    }


# Faults


def test_a_collection_that_is_not_there_is_told(source: Source, run: Run) -> None:
    with pytest.raises(SourceError) as caught:
        run()
    assert caught.value.exit_code == 69
    assert caught.value.message == f"The collection {source.name} does not exist."


def test_an_empty_collection_is_nothing_new(collection: Collection[Document], run: Run) -> None:
    collection.insert_one(entry(1))
    collection.delete_one({"_id": 1})
    assert run().documents == 0


@pytest.mark.parametrize("blocked", ["raw", "state", "dead_letters"])
def test_a_folder_that_cannot_be_written_to_loses_nothing(
    collection: Collection[Document], job: ExtractJob, run: Run, tmp_path: Path, blocked: str
) -> None:
    collection.insert_many([entry(number) for number in range(200)] + [entry("bad", type=[])])
    (tmp_path / blocked).touch()
    with pytest.raises(ClogsError, match=f"^Cannot write {tmp_path}/{blocked}"):
        run()
    (tmp_path / blocked).unlink()
    assert run().documents == 201
    assert set(landed_ids(job)) == {str(number) for number in range(200)}
    assert len(list(dead_letters.read(job.dead_letter_dir))) == 1


def test_a_lost_connection_is_taken_up_again(
    mongo_uri: str, collection: Collection[Document], job: ExtractJob
) -> None:
    ids = [ObjectId() for _ in range(1000)]
    collection.insert_many([entry(each, text="x" * 100) for each in ids])
    with (
        flaky(mongo_uri) as uri,
        connect(
            Address(uri, collection.database.name, collection.name), retry_delays=[timedelta(0)]
        ) as source,
    ):
        result = extract(source, another(job))
    assert (result.documents, result.landed, result.unchanged) == (1000, 1000, 0)
    assert landed_ids(job) == list(map(str, ids))


def test_a_connection_lost_for_good_is_told_and_the_next_run_begins_again(
    mongo_uri: str, collection: Collection[Document], job: ExtractJob, run: Run
) -> None:
    collection.insert_many([entry(number, text="x" * 100) for number in range(1000)])
    with (
        flaky(mongo_uri) as uri,
        connect(Address(uri, collection.database.name, collection.name)) as source,
        pytest.raises(TransientSourceError, match="does not answer"),
    ):
        extract(source, another(job))
    assert 0 < len(landed_ids(job)) < 1000
    assert run().landed == 1000


@contextmanager
def flaky(mongo_uri: str) -> Iterator[str]:
    """The URI of a relay to the server that once cuts a connection, after 50,000 bytes."""
    with relay(mongo_uri, cut_after=50_000) as running:
        yield f"mongodb://127.0.0.1:{running.server_address[1]}"


def test_half_written_files_of_killed_runs_are_swept(
    collection: Collection[Document], tmp_path: Path, run: Run
) -> None:
    stray = [tmp_path / "raw" / "date=2025-01-20", tmp_path / "state", tmp_path / "dead_letters"]
    for folder in stray:
        folder.mkdir(parents=True)
        (folder / ".writing-1-x").touch()
    collection.insert_one(entry(1))
    run()
    assert list(tmp_path.rglob(".writing-*")) == []


def test_killed_at_any_moment_the_next_run_completes_what_was_begun(
    mongo_workspace: Workspace, collection: Collection[Document], tmp_path: Path
) -> None:
    entries = [entry(number, at=NOON + timedelta(seconds=number), text=f"{number}") for number in range(3000)]
    collection.insert_many(entries)
    raw_dir = tmp_path / "data" / "landing"
    seen = [kill_at(mongo_workspace, raw_dir, files) for files in (0, 1, 5, 25)]
    assert seen == sorted(seen)
    assert mongo_workspace.run("extract", PIPELINE_BATCH_SIZE="100").returncode == 0
    frame = pl.concat(map(pl.read_parquet, landed_in(raw_dir))).unique(["_id", "entry_raw", "ingested_at"])
    assert sorted(frame["_id"], key=int) == [str(number) for number in range(3000)]
    assert frame.filter(pl.format('{{"text":"{}"}}', "_id") != pl.col("entry_raw")).height == 0
    assert list(tmp_path.rglob(".writing-*")) == []
    assert '"landed": 0' in mongo_workspace.run("extract", "--json").stdout


def kill_at(workspace: Workspace, raw_dir: Path, files: int) -> int:
    """Kill an extraction after so many files; count the rows there are, which proves every file whole."""
    before = len(list(landed_in(raw_dir)))
    process = subprocess.Popen(
        [sys.executable, "-m", "clogs", "extract"],
        cwd=workspace.folder,
        env=workspace.environment | {"PIPELINE_BATCH_SIZE": "100"},
        stdout=subprocess.DEVNULL,
    )
    while len(list(landed_in(raw_dir))) < before + files:
        assert process.poll() is None
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return sum(pl.read_parquet(path).height for path in landed_in(raw_dir))


def test_the_right_to_find_in_the_collection_is_enough(tmp_path: Path, job: ExtractJob) -> None:
    find = {"resource": {"db": "logs", "collection": "conversations"}, "actions": ["find"]}
    with (
        serving(tmp_path, "--standalone") as server,
        MongoClient[Document](server.uri) as client,
    ):
        client.logs.conversations.insert_one(entry(1))
        client.logs.command("createRole", "finder", privileges=[find], roles=[])
        client.logs.command("createUser", "reader", pwd="secret", roles=["finder"])  # noqa: S106
    with serving(tmp_path, "--standalone", "--auth") as server:
        uri = server.uri.replace("//", "//reader:secret@") + "/?authSource=logs"
        with connect(Address(uri, "logs", "conversations")) as source:
            result = extract(source, job, reconcile_days=1)
    assert result.landed == 1
    assert result.reconciled
    assert result.reconciled.missing == 0
