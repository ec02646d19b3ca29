"""Several processes land what one would, and none outlives the run it works for."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bson
import polars as pl
import pytest
from bson import ObjectId
from conftest import Workspace, landed_in, new_workspace
from jobs import job_in
from pymongo.collection import Collection
from replay import Server, replay

from clogs.errors import ClogsError, TransientSourceError
from clogs.extract import ExtractJob, ExtractResult, extract, parts, workers
from clogs.extract.range import Landed
from clogs.extract.watermark import ExtractState, write_extract_state
from clogs.mongo import Address, Source, connect
from clogs.mongo.documents import CODEC
from clogs.runs.records import new_run

Document = dict[str, Any]

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
IDS = [ObjectId((number << 64).to_bytes(12)) for number in range(1000)]
LOST: Document = {"code": 43, "errmsg": "cursor id 1 not found"}


def entries() -> list[Document]:
    return [
        {"_id": identity, "ingestedAt": NOON + timedelta(seconds=number), "text": "x" * 200}
        for number, identity in enumerate(IDS)
    ]


@pytest.fixture(autouse=True)
def _many_small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "RANGE_DOCUMENTS", 100)


@pytest.fixture
def job(tmp_path: Path) -> ExtractJob:
    return job_in(tmp_path, lookback=timedelta(minutes=5), retry_delays=(timedelta(0),), workers=2)


@pytest.fixture
def server() -> Iterator[Server]:
    with replay([bson.encode(each, codec_options=CODEC) for each in entries()]) as running:
        yield running


Progress = Callable[[int, int | None], None]
Run = Callable[..., ExtractResult]


@pytest.fixture
def run(server: Server, job: ExtractJob) -> Run:
    """Extract from the server."""

    def extracted(on_progress: Progress = lambda _done, _total: None) -> ExtractResult:
        with connect(Address(server.uri, "logs", "conversations"), retry_delays=[timedelta(0)]) as source:
            return extract(source, another(job), on_progress=on_progress)

    return extracted


def another(job: ExtractJob) -> ExtractJob:
    """The job of another run, which begins now."""
    return replace(job, run=new_run(), started=datetime.now(UTC))


def landed_ids(job: ExtractJob) -> list[str]:
    return sorted(identity for path in landed_in(job.raw_dir) for identity in pl.read_parquet(path)["_id"])


def test_every_document_is_landed_once(run: Run, job: ExtractJob) -> None:
    first = run()
    assert (first.documents, first.landed, first.rejected) == (1000, 1000, 0)
    assert first.watermark == NOON + timedelta(seconds=999)
    assert first.files == len(list(landed_in(job.raw_dir)))
    assert landed_ids(job) == sorted(map(str, IDS))
    assert not workers.SPARING.items() & os.environ.items()  # or what is started later would have them
    second = run()
    assert (second.documents, second.landed, second.unchanged) == (301, 0, 301)


def test_a_catch_up_is_read_in_the_order_of_its_dates_by_one(
    run: Run, job: ExtractJob, server: Server
) -> None:
    run()
    (path,) = Path(str(job.state_dir)).glob("extract-*.parquet")
    write_extract_state(ExtractState(path, NOON + timedelta(minutes=8)))
    server.commands.clear()
    assert run().landed == 1000 - 3 * 60
    assert [command["sort"] for command in server.commands if "find" in command] == [{"ingestedAt": 1}]
    assert run().landed == 0


def test_a_real_server_is_shared_too(
    mongo_uri: str, collection: Collection[Document], job: ExtractJob
) -> None:
    collection.insert_many(entries())
    with connect(Address(mongo_uri, collection.database.name, collection.name)) as source:
        assert extract(source, another(job)).landed == 1000
        assert extract(source, another(job)).landed == 0
    assert landed_ids(job) == sorted(map(str, IDS))


def test_progress_is_told_to_the_end(run: Run) -> None:
    told: list[tuple[int, int | None]] = []
    run(lambda done, total: told.append((done, total)))
    assert told[0] == (0, 1000)
    assert told[-1] == (1000, 1000)
    assert told == sorted(told)


@pytest.mark.parametrize(("after", "total"), [(0.0, 301), (600.0, None)])
def test_a_catch_up_is_counted_if_it_lasts(
    run: Run, monkeypatch: pytest.MonkeyPatch, after: float, total: int | None
) -> None:
    run()
    monkeypatch.setattr(parts, "COUNTED_AFTER", after)
    told: list[tuple[int, int | None]] = []
    run(lambda done, expected: told.append((done, expected)))
    assert told[-1] == (301, total)


def test_where_counting_fails_reading_goes_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run()
    monkeypatch.setattr(parts, "COUNTED_AFTER", 0.0)
    monkeypatch.setattr(Source, "count", fail)
    told: list[tuple[int, int | None]] = []
    assert run(lambda done, total: told.append((done, total))).unchanged == 301
    assert told[-1] == (301, None)


def fail(*_args: object, **_options: object) -> int:
    raise TransientSourceError("It is slow today.")


def test_what_a_worker_warns_of_is_told_here(
    run: Run, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(workers, "land_range", take_no_range)
    caplog.set_level("INFO")
    server.faults = dict.fromkeys(range(2, 1000), LOST)
    with pytest.raises(TransientSourceError):
        run()
    (first, *_) = caplog.records
    assert first.processName
    assert first.processName.startswith("Spawn")
    assert first.getMessage().endswith("Trying again in 0.0 s.")


def take_no_range(*_arguments: object, **_options: object) -> Iterator[Landed]:
    """Leave the work to the workers."""
    time.sleep(1)
    return iter(())


def test_a_fault_that_lasts_ends_all(run: Run, server: Server, job: ExtractJob) -> None:
    server.faults = dict.fromkeys(range(6, 1000), LOST)
    with pytest.raises(TransientSourceError, match="lost the cursor"):
        run()
    assert multiprocessing.active_children() == []
    server.faults = {}
    assert run().watermark == NOON + timedelta(seconds=999)
    assert set(landed_ids(job)) == set(map(str, IDS))


def test_a_killed_worker_is_told_and_the_next_run_is_whole(run: Run, job: ExtractJob) -> None:
    threading.Thread(target=kill_a_worker, daemon=True).start()
    with pytest.raises(ClogsError, match="A worker process of the extraction was killed"):
        run()
    assert run().watermark == NOON + timedelta(seconds=999)
    assert set(landed_ids(job)) == set(map(str, IDS))


def kill_a_worker() -> None:
    while not (children := multiprocessing.active_children()):
        time.sleep(0.01)
    children[0].kill()


# Whole processes


@pytest.fixture
def workspace_of_server(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace whose collection is large enough for workers, on a server that is slow to answer."""
    many = [{"_id": ObjectId((number << 64).to_bytes(12)), "ingestedAt": NOON} for number in range(60_000)]
    with replay([bson.encode(each, codec_options=CODEC) for each in many]) as running:
        running.pause = 0.05
        yield new_workspace(tmp_path, running.uri, "conversations")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_no_worker_outlives_its_run(workspace_of_server: Workspace, number: int, code: int) -> None:
    with workspace_of_server.start("extract") as process:
        while not (children := workers_of(process.pid)):
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(1)
        process.send_signal(number)
        assert process.wait(10) == code
    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{child}").exists() for child in children) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [child for child in children if Path(f"/proc/{child}").exists()] == []


def workers_of(process: int) -> list[int]:
    """The PIDs of a run's workers."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
