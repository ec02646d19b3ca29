"""What was rejected is accepted as if it had just been read, and never over what is newer."""

from __future__ import annotations

import base64
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bson
import pytest
from conftest import Document, Workspace
from msgspec.structs import replace
from pymongo.collection import Collection
from test_dead_letters_command import document
from test_load import Folder, row

from clogs import dead_letters
from clogs.dead_letters import DeadLetter
from clogs.errors import DataError, TransientSourceError
from clogs.mongo import extended_json
from clogs.mongo.documents import CODEC
from clogs.pipeline import replay, steps
from clogs.pipeline.engines import engine_of
from clogs.pipeline.replay import PurgeResult, ReplayResult
from clogs.runs.records import new_run
from clogs.settings import Settings, load_settings
from clogs.warehouse import connect

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
LETTER = DeadLetter(
    stage="extract",
    source="bad",
    reasons=("was bad",),
    document="no JSON",
    run="one",
    at=NOON,
    encoding="text",
)
LENIENT = '{ "conversations.session_is_present" = { severity = "warning" } }'
FIELDS = {"projectId": "app", "sourceFile": "one.jsonl", "userName": "Ann"}
LINE = replace(LETTER, stage="import", source="/projects/app/one.jsonl:1", document='{"n": 1}', fields=FIELDS)
TESTS = str(Path(__file__).parent)
KILLED = """
import os
import sys
from pathlib import Path

import clogs.extract
import clogs.checks.suites
from conftest import Workspace
from dying import Killer
from test_dead_letters_replay import Replaying

replaying = Replaying(Workspace(Path(), dict(os.environ)))
sys.addaudithook(Killer(int(sys.argv[1])))
replaying()
"""


class Replaying:
    """A data folder whose dead letters are replayed."""

    def __init__(self, workspace: Workspace, **variables: str) -> None:
        self._workspace = workspace
        self._variables = variables

    @property
    def settings(self) -> Settings:
        environment = self._workspace.environment | self._variables
        return load_settings(config=None, flags={}, environ=environment).settings

    @property
    def folder(self) -> Path:
        return self.settings.data.dead_letter_dir

    def give(self, *letters: DeadLetter) -> None:
        for letter in letters:
            dead_letters.write(self.folder, [letter])

    def give_together(self, *letters: DeadLetter) -> None:
        dead_letters.write(self.folder, letters)

    def letters(self) -> set[str]:
        return {letter.source for letter in dead_letters.read(self.folder)}

    def __call__(self) -> ReplayResult:
        return replay.replay_letters(self.settings, dead_letters.headers(self.folder), run=new_run())

    def accepted(self) -> int:
        return sum(self().accepted.values())

    def reasons(self) -> list[str]:
        """What keeps the others out, up to a colon, or by the name of a check."""
        return sorted(re.split(" does not hold|:", each.reasons[0])[0] for each in self().still_rejected)

    def purge(self) -> PurgeResult:
        return replay.purge_letters(self.settings, {each.id for each in dead_letters.headers(self.folder)})

    def loaded(self) -> dict[str, str]:
        engine_of(self.settings).load(run=new_run())
        with connect(self.settings.duckdb.path, read_only=True) as connection:
            return dict(connection.execute("SELECT _id, message_content FROM raw.conversations").fetchall())


@pytest.fixture
def replaying(workspace: Workspace) -> Replaying:
    return Replaying(workspace)


@pytest.fixture
def with_mongo(mongo_workspace: Workspace) -> Replaying:
    return Replaying(mongo_workspace)


def rejected(content: Document, at: datetime = NOON) -> DeadLetter:
    """A document that fits today and did not when it was read."""
    return replace(LETTER, source=str(content["_id"]), document=extended_json(content), at=at)


def in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


# Documents


def test_a_document_is_landed_as_extraction_lands_it(
    with_mongo: Replaying, collection: Collection[Document]
) -> None:
    excluded = {"stdout": "left out"}
    everything = document("a", "hello", ingestedAt=NOON, toolUseResult=excluded, more={"x": [NOON, 5, 0.5]})
    collection.insert_one(everything)
    steps.extract(with_mongo.settings, run=new_run())
    with_mongo.give(rejected(everything | {"_id": "b"}))
    with_mongo()
    with_mongo.loaded()
    with connect(with_mongo.settings.duckdb.path, read_only=True) as connection:
        select = "SELECT * EXCLUDE (_id, extracted_at) FROM raw.conversations"
        extracted, replayed = connection.execute(select).fetchall()
    assert extracted == replayed


def test_bytes_that_are_bson_by_now_are_landed_and_others_are_not(replaying: Replaying) -> None:
    broken = replace(LETTER, source="unreadable BSON", encoding="base64")
    sound = bson.encode(document("bytes", "from bytes"), codec_options=CODEC)
    replaying.give(
        replace(broken, document=in_base64(sound)),
        replace(broken, document=in_base64(sound[:-1])),
        replace(broken, document="!"),
    )
    assert replaying.reasons() == ["invalid BSON", "invalid base64"]
    assert replaying.loaded() == {"bytes": "from bytes"}


def test_a_newer_version_stays_and_an_older_one_does_not(
    with_mongo: Replaying, collection: Collection[Document]
) -> None:
    collection.insert_many([document("a", "2"), document("b", "2")])
    steps.extract(with_mongo.settings, run=new_run())
    assert with_mongo.loaded() == {"a": "2", "b": "2"}
    with_mongo.give(rejected(document("a", "1")), rejected(document("b", "3"), datetime.now(UTC)))
    assert with_mongo.accepted() == 2
    assert with_mongo.loaded() == {"a": "2", "b": "3"}
    assert with_mongo.accepted() == 0


def test_a_version_that_was_rejected_again_later_is_the_newer_one(replaying: Replaying) -> None:
    first = rejected(document("a", "first"))
    again = replace(first, at=NOON + timedelta(hours=2))
    replaying.give(first, rejected(document("a", "changed"), NOON + timedelta(hours=1)))
    replaying.give_together(again, LETTER)
    assert replaying.accepted() == 2
    assert replaying.loaded() == {"a": "first"}


def test_the_checks_of_today_decide(workspace: Workspace) -> None:
    strict, lenient = Replaying(workspace), Replaying(workspace, QUALITY_CHECKS=LENIENT)
    strict.give(rejected(document("a", "hello", sessionId=None)))
    assert strict.reasons() == ["conversations.session_is_present"]
    assert lenient.accepted() == 1
    assert lenient.loaded() == {"a": "hello"}


def test_many_letters_go_through_in_batches(replaying: Replaying, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "BATCH_LETTERS", 2)
    replaying.give(*(rejected(document(f"{number}", "x")) for number in range(5)))
    assert replaying.accepted() == 5
    assert len(replaying.loaded()) == 5


@pytest.mark.parametrize("touches", [5, 6, 8, 11])
def test_killed_while_it_lands_or_removes_the_next_replay_ends_the_same(
    workspace: Workspace, replaying: Replaying, touches: int
) -> None:
    replaying.give_together(rejected(document("a", "1")), LETTER)
    killed = [sys.executable, "-c", KILLED, str(touches)]
    environment = workspace.environment | {"COVERAGE_PROCESS_CONFIG": "", "PYTHONPATH": TESTS}
    assert subprocess.run(killed, env=environment, check=False, timeout=60).returncode == -signal.SIGKILL
    assert replaying.reasons() == ["invalid Extended JSON"]
    assert replaying.letters() == {"bad"}
    assert replaying.loaded() == {"a": "1"}


# Lines


def test_a_line_that_is_there_already_is_none_twice(
    with_mongo: Replaying, collection: Collection[Document]
) -> None:
    for _ in range(2):
        with_mongo.give(LINE)
        assert with_mongo.accepted() == 1
    assert collection.count_documents({}) == 1
    assert collection.count_documents({"n": 1, **FIELDS}) == 1
    assert with_mongo.letters() == set()


def test_lines_that_are_still_no_entries_stay(
    with_mongo: Replaying, collection: Collection[Document]
) -> None:
    with_mongo.give(
        LINE,
        replace(LINE, source="/projects/app/one.jsonl:2", document='{"big": 123456789012345678901}'),
        replace(LINE, source="/projects/app/one.jsonl:3", document="Iv8i", encoding="base64"),
        replace(LINE, source="/projects/app/one.jsonl:4", document="!", encoding="base64"),
        replace(LINE, source="/projects/app/one.jsonl:5", document=""),
        replace(LINE, source="nowhere"),
    )
    assert with_mongo.reasons() == [
        "Only base64 data is allowed",
        "cannot be stored as BSON",
        "is not JSON",
        "its line is blank",
        "its source is not FILE",
    ]
    assert collection.count_documents({}) == 1


def test_while_mongodb_is_down_all_but_lines_are_replayed(workspace: Workspace) -> None:
    replaying = Replaying(workspace, MONGO_URI="mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=100")
    replaying.give(rejected(document("a", "1")), LINE)
    with pytest.raises(TransientSourceError):
        replaying()
    assert replaying.letters() == {LINE.source}


# Landing files


@pytest.fixture
def landing(replaying: Replaying) -> Path:
    """A landing folder of one file, beside one that was damaged, quarantined, and mended there."""
    folder = Folder(replaying.folder.parent)
    (path,) = folder.land(row("a"))
    folder.land(row("b"))
    path.write_bytes(path.read_bytes().replace(b"PAR1", b"XXXX"))
    with pytest.raises(DataError):
        folder.load()
    assert replaying.reasons() == ["does not match the digest in its name"]
    mended = aside(replaying)
    mended.write_bytes(mended.read_bytes().replace(b"XXXX", b"PAR1"))
    return folder.root / "landing"


def aside(replaying: Replaying) -> Path:
    (path,) = (replaying.folder / "landing").rglob("*.parquet")
    return path


def place(replaying: Replaying, landing: Path) -> Path:
    return landing / aside(replaying).relative_to(replaying.folder / "landing")


def test_a_file_that_is_sound_by_now_goes_back(replaying: Replaying, landing: Path) -> None:
    back = place(replaying, landing)
    assert replaying.accepted() == 1
    assert back.exists()
    assert list(replaying.folder.iterdir()) == []
    assert replaying.loaded().keys() == {"a", "b"}


def test_another_file_in_its_place_stays(replaying: Replaying, landing: Path) -> None:
    other = place(replaying, landing)
    other.write_bytes(b"another one")
    assert replaying.reasons() == [f"another file is at {other}"]
    assert other.read_bytes() == b"another one"
    assert aside(replaying).exists()


@pytest.mark.parametrize("finish", [Path.touch, Path.unlink], ids=["copied", "moved"])
def test_what_a_killed_replay_has_put_back_is_done(
    replaying: Replaying, landing: Path, finish: object
) -> None:
    path, back = aside(replaying), place(replaying, landing)
    back.write_bytes(path.read_bytes())
    assert callable(finish)
    finish(path)
    assert replaying.accepted() == 1
    assert (back.exists(), path.exists(), replaying.letters()) == (True, False, set())


def test_no_file_outside_the_folders_is_touched(replaying: Replaying, landing: Path) -> None:
    (letter,) = dead_letters.read(replaying.folder)
    precious = landing.parent / "precious"
    precious.touch()
    replaying.give(
        replace(letter, source="../../elsewhere.parquet"),
        replace(letter, document="landing/../../precious", source="date=2026-01-01/x.parquet"),
        replace(letter, document=str(precious), source="date=2026-01-01/x.parquet"),
    )
    dead_letters.remove(replaying.folder, {letter.id})
    assert [reason.partition(" ")[2] for reason in replaying.reasons()] == [
        "is not in the landing folder",
        "no longer exists",
        "no longer exists",
    ]
    assert replaying.purge() == PurgeResult(letters=3, files=1, dry_run=False)
    assert precious.exists()
