"""Ranges that Spark's executors land, as processes of this machine would; run by ``nox -s spark``."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import nullcontext
from datetime import timedelta
from functools import partial
from pathlib import Path
from subprocess import Popen
from typing import TYPE_CHECKING, Any

import bson
import polars as pl
import pytest
from built import data_of
from clusters import SPARK, end, freeze, settings, standalone
from conftest import landed_in, new_workspace
from engines import IGNORED
from jobs import job_in
from replay import Server, replay
from test_workers import IDS, entries

from clogs import __version__, dead_letters
from clogs.commands.demo_server import free_port
from clogs.errors import ClogsError, SourceError
from clogs.extract import ExtractJob, extract, parts
from clogs.extract.range import Landed
from clogs.extract.watermark import read_extract_state
from clogs.mongo import Address, connect
from clogs.mongo.documents import CODEC
from clogs.spark.checkup import checkup
from clogs.spark.extract import ATTEMPTS, land_ranges
from clogs.spark.lens import Lens

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytest.importorskip("pyspark.java_gateway", reason="nox -s spark installs it")
pytestmark = [pytest.mark.filterwarnings(IGNORED), pytest.mark.slow]

MISFITS = range(0, len(IDS), 250)
IN_SMALL_RANGES = """
from clogs.extract import parts
parts.RANGE_DOCUMENTS = 50
from clogs.cli import main
main()
"""
SPECULATING = {
    "spark.speculation": "true",
    "spark.speculation.quantile": "0.5",
    "spark.speculation.interval": "1s",
}


@pytest.fixture
def server() -> Iterator[Server]:
    documents = entries()
    for place in MISFITS:
        documents[place]["timestamp"] = 7.5
    with replay([bson.encode(each, codec_options=CODEC) for each in documents]) as running:
        yield running


def left_by(job: ExtractJob) -> tuple[Any, ...]:
    """What an extraction has left."""
    files = landed_in(job.raw_dir)
    found = dead_letters.read(job.dead_letter_dir)
    letters = {(each.source, each.reasons, each.run == job.run) for each in found}
    (path,) = Path(str(job.state_dir)).glob("extract-*.parquet")
    state = read_extract_state(path)
    rows = pl.concat(pl.read_parquet(each) for each in files).drop("extracted_at").sort("_id")
    return rows.rows(), letters, state.watermark, state.window.sort("version").rows()


@pytest.fixture(autouse=True)
def _small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "RANGE_DOCUMENTS", 100)


def test_a_backfill_is_that_of_workers(spark: SparkSession, server: Server, tmp_path: Path) -> None:
    ours, theirs = (job_in(tmp_path / name) for name in ("ours", "theirs"))
    with connect(Address(server.uri, "logs", "conversations")) as source:
        extract(source, ours)
        done = extract(source, theirs, land_ranges=partial(land_ranges, nullcontext(spark)))
        assert (done.documents, done.rejected) == (len(IDS), len(MISFITS))
        assert left_by(theirs) == left_by(ours)
        assert extract(source, theirs).landed == 0


def test_files_of_other_attempts_count_at_no_time(
    spark: SparkSession, server: Server, tmp_path: Path
) -> None:
    job = job_in(tmp_path)
    another = job_in(tmp_path / "another", raw_dir=tmp_path / "raw" / ATTEMPTS / "another")
    address = Address(server.uri, "logs", "conversations")

    def landing(*given: Any) -> Generator[Landed]:  # noqa: ANN401  # what `land_ranges` takes
        for number, each in enumerate(land_ranges(nullcontext(spark), *given)):
            if number == 0:
                with connect(address) as source:
                    extract(source, another)
                assert len(landed_in(another.raw_dir)) > 0
            yield each

    with connect(address) as source:
        extract(source, another)
        assert (len(landed_in(another.raw_dir)) > 0, landed_in(job.raw_dir)) == (True, [])
        extract(source, job, land_ranges=landing)
    assert len(left_by(job)[0]) == len(IDS) - len(MISFITS)
    assert not (tmp_path / "raw" / ATTEMPTS).exists()


def test_files_that_the_driver_does_not_see_are_missed(
    spark: SparkSession, server: Server, tmp_path: Path
) -> None:
    job = job_in(tmp_path)

    def landing(*given: Any) -> Generator[Landed]:  # noqa: ANN401  # what `land_ranges` takes
        for each in land_ranges(nullcontext(spark), *given):
            shutil.rmtree(tmp_path / "raw" / ATTEMPTS)
            yield each

    with connect(Address(server.uri, "logs", "conversations")) as source:
        with pytest.raises(ClogsError, match=r"An executor wrote \d+ files? to .*, but the driver sees 0"):
            extract(source, job, land_ranges=landing)
        again = extract(source, job)
    assert (again.documents, again.rejected) == (len(IDS), len(MISFITS))


def test_doctor_lets_an_executor_look(spark: SparkSession, server: Server, tmp_path: Path) -> None:
    address = Address(server.uri, "logs", "conversations")
    silent = Address(f"mongodb://127.0.0.1:{free_port()}/?serverSelectionTimeoutMS=100", "logs", "x")

    lens = Lens(path=tmp_path / "lens.duckdb", lock_timeout=timedelta(0))

    def found(raw_dir: Path, address: Address | None) -> tuple[str, str]:
        *_, last = checkup(spark, lens, raw_dir=raw_dir, address=address)
        return last.state, last.message

    reached = f"An executor has clogs {__version__}, and reaches"
    assert found(tmp_path, address) == ("ok", f"{reached} {tmp_path} and MongoDB.")
    assert found(tmp_path, None) == ("ok", f"{reached} {tmp_path}.")
    assert found(tmp_path / "none", address) == ("ok", f"{reached} MongoDB.")
    state, message = found(tmp_path, silent)
    assert (state, message.startswith("An executor does not reach MongoDB: ")) == ("error", True)
    (tmp_path / "file").touch()
    assert found(tmp_path / "file", address)[0] == "error"


def test_an_error_of_a_task_is_that_of_the_command(server: Server, tmp_path: Path) -> None:
    workspace = new_workspace(tmp_path, server.uri, "conversations")
    (workspace.folder / "small.py").write_text(IN_SMALL_RANGES, encoding="utf-8")
    server.faults = {place: {"code": 13, "errmsg": "not authorized"} for place in range(3, 10_000)}
    with workspace.start("extract", module="small", **SPARK) as running:
        _, stderr = running.communicate()
    assert (running.returncode, "Traceback" in stderr) == (SourceError.exit_code, False), stderr
    assert "asks for a user and a password" in stderr


@pytest.mark.parametrize(("fate", "properties"), [(end, {}), (freeze, SPECULATING)])
def test_a_worker_is_killed_or_frozen_while_it_reads(
    server: Server, tmp_path: Path, fate: Callable[[Popen[bytes]], None], properties: dict[str, str]
) -> None:
    (tmp_path / "own").mkdir()
    workspace = new_workspace(tmp_path / "own", server.uri, "conversations")
    (workspace.folder / "small.py").write_text(IN_SMALL_RANGES, encoding="utf-8")
    landing = data_of(workspace) / "landing"
    with standalone(tmp_path) as (address, workers):
        server.pause = 0.5
        with workspace.start("extract", module="small", **settings(address, **properties)) as running:
            while not any(landing.rglob("*.parquet")):
                assert running.poll() is None, running.communicate()
                time.sleep(0.1)
            fate(workers[0])
            _, stderr = running.communicate()
    assert running.returncode == 0, stderr
    found = Counter(identity for path in landed_in(landing) for identity in pl.read_parquet(path)["_id"])
    assert found == dict.fromkeys((str(each) for place, each in enumerate(IDS) if place not in MISFITS), 1)
