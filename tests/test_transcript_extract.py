"""Transcripts in place of MongoDB give the very rows that they would give through it."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from built import SAMPLES
from conftest import Workspace, landed_in, new_workspace
from jobs import job_in
from polars.testing import assert_frame_equal
from pymongo.collection import Collection

from clogs import dead_letters
from clogs.checks.suites import blocking_checks
from clogs.extract import ExtractResult, extract_transcripts, replay_documents, transcripts
from clogs.landing.place import Place
from clogs.runs.records import new_run
from clogs.transcripts.find import find
from clogs.transcripts.origin import origin

pytestmark = pytest.mark.every_python

NOWHERE = "mongodb://127.0.0.1:9"
GOOD: dict[str, Any] = {"type": "user", "sessionId": "s", "timestamp": "2026-03-04T12:00:00.000Z"}


def rows_in(raw_dir: Place) -> pl.DataFrame:
    """What is landed, but when that was."""
    files = [pl.read_parquet(path) for path in landed_in(raw_dir)]
    return pl.concat(files).drop("extracted_at", "ingested_at").sort("_id")


class Reading:
    """A transcript that is extracted."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "projects" / "-home-me-app" / "one.jsonl"
        self.file.parent.mkdir(parents=True)
        self.job = job_in(root, run="first", max_rejected=1.0, blocking_checks=blocking_checks({}))

    def write(self, *lines: object, mode: str = "a", end: str = "\n") -> None:
        with self.file.open(mode, encoding="utf-8") as file:
            file.writelines(f"{line if isinstance(line, str) else json.dumps(line)}{end}" for line in lines)

    def __call__(self, *paths: Path, **options: Any) -> ExtractResult:  # noqa: ANN401  # what it takes
        job = replace(self.job, run=new_run(), started=datetime.now(UTC))
        return extract_transcripts(find(paths or [self.root / "projects"]), job, **options)


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    return Reading(tmp_path)


def test_the_rows_are_those_of_an_import(mongo_workspace: Workspace, tmp_path: Path) -> None:
    mongo_workspace.run("import", SAMPLES)
    mongo_workspace.output("extract")
    (tmp_path / "other").mkdir()
    workspace = new_workspace(tmp_path / "other", NOWHERE, "none")
    workspace.run("extract", "--from", SAMPLES)
    imported, read = (rows_in(each / "data" / "landing") for each in (tmp_path, tmp_path / "other"))
    assert_frame_equal(imported, read)
    letters = [
        {
            (letter.source, letter.document, letter.reasons)
            for letter in dead_letters.read(folder / "data/dead_letters")
        }
        for folder in (tmp_path, tmp_path / "other")
    ]
    assert letters[0] == letters[1] != set()


def test_beside_a_collection_of_the_same_documents_nothing_is_doubled(
    mongo_workspace: Workspace, collection: Collection[dict[str, Any]]
) -> None:
    mongo_workspace.run("import", SAMPLES)
    for options in ([], ["--from", str(SAMPLES)], []):
        assert mongo_workspace.run("extract", *options).returncode == 0
        assert mongo_workspace.run("load").returncode == 0
    counts = "SELECT count(*) AS n, count(DISTINCT _id) AS ids FROM raw.conversations"
    found = json.loads(mongo_workspace.output("query", counts, "--format", "json"))
    expected = collection.count_documents({})
    assert found == [{"n": expected, "ids": expected}]


def test_only_what_is_new_is_read(reading: Reading) -> None:
    reading.write(GOOD, GOOD)
    assert reading().landed == 2
    assert reading().documents == 0
    reading.write(GOOD)
    reading.write('{"type":"user","sess', end="")
    assert reading(dry_run=True).documents == 1
    assert (reading().landed, reading().landed) == (1, 0)
    reading.write('ionId":"s"}')
    assert reading().landed == 1
    rows = rows_in(reading.job.raw_dir)
    assert [json.loads(each) for each in rows["entry_raw"]] == [origin().fields] * 4
    assert reading(full_backfill=True).landed == 4


def test_a_line_that_is_no_entry_is_a_dead_letter(reading: Reading) -> None:
    reading.write(GOOD, '{"a":1}{"b":2}', GOOD | {"timestamp": "teatime"}, "[]")
    result = reading()
    assert (result.documents, result.landed, result.rejected) == (4, 1, 3)
    letters = sorted(dead_letters.read(reading.job.dead_letter_dir), key=lambda each: each.source)
    assert [(letter.stage, letter.source, letter.reasons) for letter in letters] == [
        ("transcript", f"{reading.file}:2", ("holds more than one record",)),
        ("transcript", f"{reading.file}:3", ("timestamp is not an ISO 8601 date and time",)),
        ("transcript", f"{reading.file}:4", ("is not a JSON object",)),
    ]
    assert reading().documents == 0


def test_a_line_is_accepted_when_the_checks_allow_it(reading: Reading) -> None:
    robot = GOOD | {"message": {"role": "robot", "content": "beep"}}
    reading.write(robot, "no JSON")
    reading()
    letters = list(dead_letters.read(reading.job.dead_letter_dir))
    reading.file.unlink()
    reasons = replay_documents(
        letters, raw_dir=reading.job.raw_dir, exclude=(), blocking_checks=(), name="replay"
    )
    assert len(reasons) == 1
    (row,) = rows_in(reading.job.raw_dir).iter_rows(named=True)
    assert json.loads(row["entry_raw"]) == origin().fields
    assert (row["message_role"], row["source_file"], row["project_id"]) == (
        "robot",
        "one.jsonl",
        "-home-me-app",
    )


@pytest.mark.parametrize("after", [[GOOD | {"n": 1}], [GOOD | {"n": 1}, GOOD | {"n": 9}, GOOD | {"n": 3}]])
def test_a_file_that_shrank_or_was_rewritten_is_read_again(
    reading: Reading, caplog: pytest.LogCaptureFixture, after: list[dict[str, Any]]
) -> None:
    caplog.set_level("INFO")
    reading.write(*(GOOD | {"n": number} for number in (1, 2, 3)))
    reading()
    reading.write(*after, mode="w")
    assert reading().landed == len(after)
    assert (
        f"{reading.file} was rewritten since it was read: it is read from its beginning." in caplog.messages
    )
    found = rows_in(reading.job.raw_dir).unique("_id")["entry_raw"].str.json_path_match("$.n")
    assert sorted(found) == sorted({"1", "2", "3"} | {str(each["n"]) for each in after})
    assert reading().documents == 0


def test_a_file_that_cannot_be_read_is_left_out_until_it_can(
    reading: Reading, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading.write(GOOD)
    other = reading.file.with_name("other.jsonl")
    other.write_text(json.dumps(GOOD) + "\n", encoding="utf-8")
    with monkeypatch.context() as patched:
        opened = Path.open

        def refuse(path: Path, mode: str = "r", **options: Any) -> Any:  # noqa: ANN401  # what it returns
            if path == other:
                raise PermissionError(13, "Permission denied")
            return opened(path, mode, **options)

        patched.setattr(Path, "open", refuse)
        assert reading().landed == 1
    expected = f"Cannot read {other}: Permission denied. It is left out until it can be read."
    assert expected in caplog.messages
    assert reading().landed == 1


def test_workers_share_many_files(reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcripts, "RANGE_BYTES", 2000)
    for number in range(40):
        path = reading.file.with_name(f"{number}.jsonl")
        path.write_text(json.dumps(GOOD | {"n": number}) + "\n", encoding="utf-8")
    reading.job = replace(reading.job, workers=2)
    assert reading().landed == 40
    assert rows_in(reading.job.raw_dir)["_id"].n_unique() == 40
    assert reading().documents == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "."], "No transcripts (*.jsonl) found."),
        (["--from", "nowhere"], "nowhere does not exist."),
        (["--from", ".", "--limit", "5"], "--reconcile, --since and --limit are for MongoDB only."),
    ],
)
def test_mistakes(workspace: Workspace, arguments: list[str], message: str) -> None:
    assert message in workspace.refusal("extract", *arguments, code=2)


def test_the_setting_reads_them_too_and_no_server_is_asked(workspace: Workspace) -> None:
    shutil.copytree(SAMPLES, workspace.folder / "samples")
    first = workspace.run("extract", SOURCE_PATHS="samples")
    assert (first.returncode, "Watermark" in first.stdout) == (0, False)
    assert workspace.output("extract", SOURCE_PATHS="samples").startswith("nothing new")
    assert "Watermark" not in first.stdout
    status = json.loads(workspace.run("status", "--json", SOURCE_PATHS="samples").stdout)
    assert status["source"]["transcripts"] == len(find([SAMPLES]))
    findings = workspace.run("doctor", SOURCE_PATHS="samples").stdout
    assert f"✓ source     {len(find([SAMPLES]))} transcripts in" in findings


@pytest.mark.slow
def test_killed_at_any_moment_nothing_is_lost_or_doubled(workspace: Workspace, tmp_path: Path) -> None:
    moments = random.Random(15)  # noqa: S311  # moments of a test
    workspace.run("extract", "--from", SAMPLES)
    workspace.run("load")
    counts = "SELECT count(*), count(DISTINCT _id), sum(length(entry_raw)) FROM raw.conversations"
    expected = workspace.output("query", counts)
    for attempt in range(int(os.environ.get("CLOGS_TEST_KILLS", "24")) // 4):
        data = {"DATA_DIR": str(tmp_path / str(attempt))}
        for _ in range(2):
            with workspace.start("extract", "--from", str(SAMPLES), **data) as process:
                time.sleep(moments.uniform(0.4, 1.6))
                process.send_signal(signal.SIGKILL)
        workspace.run("extract", "--from", SAMPLES, **data)
        workspace.run("load", **data)
        assert workspace.output("query", counts, **data) == expected
