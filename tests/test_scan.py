"""A collection is a lazy frame: what a query leaves out is not read, and what it reads is resumed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Semaphore
from typing import Any

import bson
import polars as pl
import pytest
from bson import ObjectId
from conftest import landed_in
from jobs import job_in
from replay import Server, replay

from clogs.errors import SourceError
from clogs.extract import ExtractJob
from clogs.extract.range import CollectionRange, land_range
from clogs.extract.rows import SCANNED
from clogs.extract.scan import scan
from clogs.extract.watermark import ExtractState
from clogs.mongo import Address, Source, connect
from clogs.mongo.documents import CODEC

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LOST: dict[str, Any] = {"code": 43, "errmsg": "cursor id 1 not found"}
FORBIDDEN: dict[str, Any] = {"code": 13, "codeName": "Unauthorized", "errmsg": "not authorized"}
DOCUMENTS = [
    {
        "_id": ObjectId(number.to_bytes(12)),
        "type": f"type {number % 3}",
        "ingestedAt": NOON,
        "text": "x" * 300,
    }
    for number in range(1000)
]


@pytest.fixture
def server() -> Iterator[Server]:
    with replay([bson.encode(each, codec_options=CODEC) for each in DOCUMENTS]) as running:
        yield running


@pytest.fixture
def source(server: Server) -> Iterator[Source]:
    address = Address(server.uri, "claude_logs", "conversations")
    with connect(address, retry_delays=[timedelta(0)]) as connected:
        yield connected


@pytest.fixture
def job(tmp_path: Path) -> ExtractJob:
    return job_in(tmp_path, exclude=("heavy",), retry_delays=(timedelta(0),))


def scanned(source: Source, job: ExtractJob) -> pl.LazyFrame:
    return scan(
        CollectionRange(source, source.whole(), job),
        exclude=job.exclude,
        watermark_field=job.watermark_field,
        batch_size=job.batch_size,
        extracted_at=NOON,
        slots=Semaphore(1000),
    )


def finds(server: Server) -> list[dict[str, Any]]:
    return [command for command in server.commands if "find" in command]


def test_all_of_it(source: Source, server: Server, job: ExtractJob) -> None:
    found = scanned(source, job).collect()
    assert (found.schema, found.height) == (SCANNED, 1000)
    assert found["extracted_at"].is_sorted()
    assert found["extracted_at"].n_unique() == 10
    assert [command["projection"] for command in finds(server)] == [{"heavy": 0}]


@pytest.mark.parametrize(
    ("columns", "projection"),
    [
        (["type"], {"_id": 1, "type": 1}),
        (["_id", "message_content"], {"_id": 1, "message": 1}),
        (["moment", "ingested_at_ms"], {"_id": 1, "ingestedAt": 1}),
        (["type", "entry_raw"], {"heavy": 0}),
    ],
)
def test_what_a_query_selects_is_what_the_server_sends(
    source: Source, server: Server, job: ExtractJob, columns: list[str], projection: dict[str, int]
) -> None:
    assert scanned(source, job).select(columns).collect().columns == columns
    assert [command["projection"] for command in finds(server)] == [projection]


def test_a_head_is_a_limit(source: Source, server: Server, job: ExtractJob) -> None:
    assert scanned(source, job).head(7).collect().height == 7
    assert [command["limit"] for command in finds(server)] == [7]


def test_a_filter_holds(source: Source, job: ExtractJob) -> None:
    assert scanned(source, job).filter(pl.col("type") == "type 1").select("_id").collect().height == 333


def test_a_lost_cursor_is_resumed(source: Source, server: Server, job: ExtractJob) -> None:
    server.faults = {2: LOST, 4: LOST}
    found = scanned(source, job).select("_id").collect()["_id"].to_list()
    assert found == [str(each["_id"]) for each in DOCUMENTS]


def test_a_fault_that_does_not_pass_is_raised_as_it_is(
    source: Source, server: Server, job: ExtractJob
) -> None:
    server.faults = {2: FORBIDDEN}
    with pytest.raises(SourceError, match="asks for a user"):
        list(land_range(CollectionRange(source, source.whole(), job), job, ExtractState(job.state_dir / "s")))
    assert list(landed_in(job.raw_dir)) != []


def test_reading_does_not_run_ahead(source: Source, server: Server, job: ExtractJob) -> None:
    landing = land_range(CollectionRange(source, source.whole(), job), job, ExtractState(job.state_dir / "s"))
    next(landing)
    asked = sum("getMore" in command or "find" in command for command in server.commands)
    assert asked <= 3 + pl.thread_pool_size()
    landing.close()
