"""Every line of the transcripts becomes one document, however often and however rudely import runs."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from built import SAMPLES, data_of
from conftest import DATABASE, Workspace
from pymongo.collection import Collection

from clogs import dead_letters, mongo
from clogs.errors import DataError, SourceError
from clogs.mongo import Source
from clogs.transcripts.find import find
from clogs.transcripts.importer import ImportResult, import_transcripts
from clogs.transcripts.origin import origin

Document = dict[str, Any]

SAMPLE_LINES = sum(bool(line) for file in SAMPLES.rglob("*.jsonl") for line in file.read_bytes().split(b"\n"))
BROKEN_LINES = 2
"""In the samples, on purpose."""


def wait_until(reached: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < ends
        time.sleep(0.002)


class Importing:
    """A folder of transcripts that is imported into a collection of its own."""

    def __init__(self, root: Path, source: Source) -> None:
        self.root = root
        self.file = root / "projects" / "-home-me-app" / "one.jsonl"
        self.file.parent.mkdir(parents=True)
        self._source = source

    def __call__(self, *, user: str = "ann", machine: str = "", max_rejected: float = 1) -> ImportResult:
        return import_transcripts(
            self._source,
            find([self.root / "projects"]),
            origin=origin(user=user, machine=machine),
            watermark_field="ingestedAt",
            state_dir=self.root / "state",
            dead_letter_dir=self.root / "dead_letters",
            max_rejected=max_rejected,
            run="run",
        )

    def counts(self) -> tuple[int, int, int]:
        result = self()
        return result.imported, result.known, result.rejected

    def letters(self) -> list[tuple[str, str, str, str]]:
        found = dead_letters.read(self.root / "dead_letters")
        return sorted((each.source, each.reasons[0], each.document, each.encoding) for each in found)


@pytest.fixture
def importing(
    tmp_path: Path, mongo_uri: str, collection_name: str, collection: Collection[Document]
) -> Iterator[Importing]:
    assert collection.name == collection_name
    with mongo.connect(mongo.Address(mongo_uri, DATABASE, collection_name)) as source:
        yield Importing(tmp_path, source)


def test_a_document_is_the_entry_and_where_it_is_from(
    importing: Importing, collection: Collection[Document]
) -> None:
    importing.file.write_text('{"type":"user","n":1,"userName":"x","machineName":"y"}\n', encoding="utf-8")
    assert importing.counts() == (1, 0, 0)
    document = collection.find_one({}, {"_id": 0, "ingestedAt": 0})
    where = {"projectId": "-home-me-app", "sourceFile": "one.jsonl"}
    assert document == {"type": "user", "n": 1, "userName": "ann", "machineName": "y"} | where


def test_a_document_keeps_its_names_and_another_import_does_not_double_it(
    importing: Importing, collection: Collection[Document]
) -> None:
    importing.file.write_text('{"n":1}\n', encoding="utf-8")
    importing(user="ann", machine="laptop")
    for state in importing.root.glob("state/import-*"):
        state.unlink()
    assert importing(user="bob", machine="server").known == 1
    found = [(each["userName"], each["machineName"]) for each in collection.find()]
    assert found == [("ann", "laptop")]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], {"userName": "ann", "machineName": platform.node()}),
        (["--user", " dana ", "--machine=desk"], {"userName": "dana", "machineName": "desk"}),
        (["--user", "", "--machine="], {}),
    ],
    ids=["by default", "given", "left out"],
)
def test_names_by_the_command(
    mongo_workspace: Workspace,
    collection: Collection[Document],
    arguments: list[str],
    expected: Document,
) -> None:
    (mongo_workspace.folder / "one.jsonl").write_text('{"n":1}\n', encoding="utf-8")
    finished = mongo_workspace.run("import", "one.jsonl", *arguments, LOGNAME="ann")
    assert finished.returncode == 0, finished.stderr
    names = {"userName": 1, "machineName": 1, "_id": 0}
    assert collection.find_one({}, names) == expected


def test_the_index_on_the_watermark_is_created_once(
    mongo_workspace: Workspace, collection: Collection[Document]
) -> None:
    (mongo_workspace.folder / "one.jsonl").write_text('{"n":1}\n', encoding="utf-8")
    assert "Created the index on ingestedAt." in mongo_workspace.run("import", "one.jsonl").stderr
    assert len(collection.index_information()) == 2
    assert "index" not in mongo_workspace.run("import", "one.jsonl").stderr


def test_an_index_that_is_there_is_enough(importing: Importing, collection: Collection[Document]) -> None:
    collection.create_index([("ingestedAt", -1)])
    importing.file.write_text('{"n":1}\n', encoding="utf-8")
    assert not importing().index_created
    assert len(collection.index_information()) == 2


def test_more_rejected_lines_than_allowed_fail_when_all_others_are_imported(
    importing: Importing, collection: Collection[Document], caplog: pytest.LogCaptureFixture
) -> None:
    importing.file.write_text('{"n":1}\n{"n":2}\n{"n":3}\nbroken\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"1 of 4 lines were rejected, more than the 20\.0%") as raised:
        importing(max_rejected=0.2)
    assert raised.value.hint == "Their reasons: clogs dead-letters list --stage import"
    assert collection.count_documents({}) == 3
    with importing.file.open("a", encoding="utf-8") as file:
        file.write('{"n":4}\n{"n":5}\n{"n":6}\nbroken, too\n')
    assert importing(max_rejected=0.25).imported == 3
    assert caplog.messages == ["1 line rejected; the reasons: clogs dead-letters list --stage import"]


class Unprivileged(Source):
    """A user who may read and insert."""

    def is_indexed(self, field: str) -> bool:
        raise SourceError(f"listIndexes is not allowed, nor is {field}.")

    def create_index(self, field: str) -> bool:
        raise SourceError(f"createIndex is not allowed, nor is {field}.")


def test_without_the_right_to_create_an_index_it_goes_on(
    tmp_path: Path,
    mongo_uri: str,
    collection: Collection[Document],
    caplog: pytest.LogCaptureFixture,
) -> None:
    address = mongo.Address(mongo_uri, DATABASE, collection.name)
    importing = Importing(tmp_path, Unprivileged(collection, address, round_trip=0))
    importing.file.write_text('{"n":1}\n', encoding="utf-8")
    result = importing()
    assert (result.imported, result.index_created) == (1, False)
    assert caplog.messages == [
        "The index on ingestedAt cannot be created: createIndex is not allowed, nor is ingestedAt."
    ]


def test_every_shape_of_line(importing: Importing, collection: Collection[Document]) -> None:
    sound = b'{"a.b":{"$c":"\\ud83d"}}\r\n\xef\xbb\xbf{"n":2}\n\0\0{"n":3}\n\n{"n":3}\n{"n":3}\n'
    importing.file.write_bytes(sound + b'{"a":1}{"b":2}\n{"big":123456789012345678901}\n"\xff"\n{"half":')
    assert importing.counts() == (5, 0, 3)
    assert collection.count_documents({"n": 3}) == 3
    documents = [each["a.b"] for each in collection.find() if "a.b" in each]
    assert documents == [{"$c": "\N{REPLACEMENT CHARACTER}"}]
    sources, reasons, texts, encodings = zip(*importing.letters(), strict=True)
    assert sources == tuple(f"{importing.file}:{line}" for line in (7, 8, 9))
    assert [reason.split(":")[0] for reason in reasons] == [
        "holds more than one record",
        "cannot be stored as BSON",
        "is not JSON",
    ]
    assert texts == ('{"a":1}{"b":2}', '{"big":123456789012345678901}', "Iv8i")
    assert encodings == ("text", "text", "base64")
    owners = {each.fields["userName"] for each in dead_letters.read(importing.root / "dead_letters")}
    assert owners == {"ann"}


def test_ids_sort_as_the_lines_do(importing: Importing, collection: Collection[Document]) -> None:
    lines = "".join(f'{{"n":{number}}}\n' for number in range(1500))
    importing.file.write_text(lines, encoding="utf-8")
    importing()
    assert [each["n"] for each in collection.find().sort("_id", 1)] == list(range(1500))


def test_a_growing_file(importing: Importing) -> None:
    importing.file.write_text('{"n":1}\n{"n":2}', encoding="utf-8")
    assert importing.counts() == (2, 0, 0)
    importing.file.write_text('{"n":1}\n{"n":2}\n{"n":3}\n', encoding="utf-8")
    result = importing()
    assert (result.grown, result.lines, result.imported) == (1, 1, 1)
    assert importing().lines == 0


def test_a_lost_state_imports_nothing_twice(importing: Importing) -> None:
    importing.file.write_text('{"n":1}', encoding="utf-8")
    importing()
    importing.file.write_text('{"n":1}\n{"n":2}\nbroken\n', encoding="utf-8")
    importing()
    for state in importing.root.glob("state/import-*"):
        state.unlink()
    assert importing.counts() == (0, 2, 1)
    assert len(importing.letters()) == 1


def test_an_emptied_collection_is_filled_again(
    importing: Importing, collection: Collection[Document]
) -> None:
    importing.file.write_text('{"n":1}\n', encoding="utf-8")
    importing()
    collection.delete_many({})
    assert importing.counts() == (1, 0, 0)


@pytest.mark.parametrize("documents", [1, 250, 500])
def test_killed_at_any_moment_the_next_run_is_whole(
    mongo_workspace: Workspace, collection: Collection[Document], documents: int
) -> None:
    command = [sys.executable, "-m", "clogs", "import", str(SAMPLES)]
    with subprocess.Popen(
        command, env=mongo_workspace.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as killed:
        wait_until(lambda: collection.count_documents({}) >= documents)
        killed.kill()
    before = collection.count_documents({})
    result = json.loads(mongo_workspace.run("import", SAMPLES, "--json").stdout)
    assert result["known"] >= before  # the server may end what it was asked to insert after that
    assert result["imported"] + result["known"] == SAMPLE_LINES - BROKEN_LINES
    assert collection.count_documents({}) == SAMPLE_LINES - BROKEN_LINES
    assert len(list(dead_letters.read(data_of(mongo_workspace) / "dead_letters"))) == BROKEN_LINES
