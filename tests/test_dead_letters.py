"""What is rejected is kept whole, with its reasons, once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from clogs import dead_letters
from clogs.dead_letters import DeadLetter, Header
from clogs.errors import ClogsError, UsageError

LETTER = DeadLetter(
    stage="import",
    source="session.jsonl:3",
    reasons=("is not JSON", "holds more than one record"),
    document='{"a": "é\0👩"}{',
    run="one",
    at=datetime(2026, 11, 22, tzinfo=UTC),
    encoding="text",
)
OTHER = replace(LETTER, source="session.jsonl:4")
LATER = replace(LETTER, run="two", at=LETTER.at + timedelta(days=1))
KILLED = """
import sys
from pathlib import Path

from clogs import dead_letters
from dying import Killer

sys.addaudithook(Killer(int(sys.argv[1])))
dead_letters.remove(Path(sys.argv[2]), {sys.argv[3]})
"""


def test_letters_are_read_back_as_they_were(tmp_path: Path) -> None:
    dead_letters.write(tmp_path / "new", [LETTER, OTHER])
    assert list(dead_letters.read(tmp_path / "new")) == [LETTER, OTHER]


def test_no_letters_are_no_file(tmp_path: Path) -> None:
    dead_letters.write(tmp_path / "none", [])
    assert list(tmp_path.iterdir()) == []
    assert list(dead_letters.read(tmp_path / "none")) == []


def test_letters_are_their_owners_alone(tmp_path: Path) -> None:
    dead_letters.write(tmp_path, [LETTER])
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


@given(st.text(), st.text())
def test_what_differs_has_another_key(source: str, document: str) -> None:
    letter = replace(LETTER, source=source, document=document)
    assert (letter.id == LETTER.id) == ((source, document) == (LETTER.source, LETTER.document))


def test_a_file_where_the_folder_should_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ClogsError, match=r"^Cannot write .*/file: "):
        dead_letters.write(tmp_path / "file", [LETTER])


@pytest.mark.parametrize("letters", [(LETTER, LATER), (LATER, LETTER)])
def test_of_letters_rejected_again_the_newest_is_read(
    tmp_path: Path, letters: tuple[DeadLetter, DeadLetter]
) -> None:
    first, second = letters
    dead_letters.write(tmp_path, [first])
    dead_letters.write(tmp_path, [second, OTHER])
    assert {letter.source: letter for letter in dead_letters.read(tmp_path)} == {
        LETTER.source: LATER,
        OTHER.source: OTHER,
    }


def test_the_same_letters_are_one_file(tmp_path: Path) -> None:
    dead_letters.write(tmp_path, [LETTER, OTHER])
    dead_letters.write(tmp_path, [LATER, OTHER])
    assert len(list(tmp_path.iterdir())) == 1


def test_the_bytes_of_a_letter() -> None:
    assert replace(LETTER, document="é").raw == "é".encode()
    assert replace(LETTER, document="/w==", encoding="base64").raw == b"\xff"
    with pytest.raises(ValueError, match="base64"):
        _ = replace(LETTER, document="!", encoding="base64").raw


# Removal


def test_removed_letters_are_gone_from_every_file_and_the_others_stay(tmp_path: Path) -> None:
    dead_letters.write(tmp_path, [LETTER, OTHER])
    dead_letters.write(tmp_path, [LATER])
    dead_letters.remove(tmp_path, {LETTER.id, "unknown"})
    assert list(dead_letters.read(tmp_path)) == [OTHER]
    dead_letters.remove(tmp_path, {OTHER.id})
    assert list(tmp_path.iterdir()) == []


def test_a_removal_keeps_the_newest_of_the_others(tmp_path: Path) -> None:
    dead_letters.write(tmp_path, [LETTER, OTHER])
    dead_letters.write(tmp_path, [LATER])
    dead_letters.remove(tmp_path, {OTHER.id})
    assert list(dead_letters.read(tmp_path)) == [LATER]


def test_nothing_to_remove_touches_nothing(tmp_path: Path) -> None:
    dead_letters.remove(tmp_path / "missing", {LETTER.id})
    dead_letters.write(tmp_path, [LETTER])
    (file,) = tmp_path.iterdir()
    before = file.stat()
    dead_letters.remove(tmp_path, {OTHER.id})
    assert list(tmp_path.iterdir()) == [file]
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_killed_at_any_touch_of_the_disk_no_other_letter_is_lost_or_seen_twice(tmp_path: Path) -> None:
    codes: list[int] = []
    while not codes or codes[-1]:
        dead_letters.write(tmp_path, [LETTER, OTHER])
        codes.append(killed(tmp_path, len(codes) + 1))
        found = [letter.source for letter in dead_letters.read(tmp_path)]
        assert sorted(found) in ([LETTER.source, OTHER.source], [OTHER.source])
    assert found == [OTHER.source]
    assert len(codes) > 4
    assert set(codes[:-1]) == {-signal.SIGKILL}


def killed(folder: Path, touches: int) -> int:
    """Remove `LETTER` in a process that is killed at its so-manieth touch of the disk; give its exit code."""
    settings = {
        "DATA_DIR": str(folder),
        "PYTHONPATH": str(Path(__file__).parent),
        "COVERAGE_PROCESS_CONFIG": "",
    }
    command = [sys.executable, "-c", KILLED, str(touches), str(folder), LETTER.id]
    return subprocess.run(command, env=os.environ | settings, check=False, timeout=60).returncode


def test_what_cannot_be_removed_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ClogsError, match=r"^Cannot remove .*/folder: "):
        dead_letters.unlink(tmp_path / "folder")


@pytest.mark.parametrize(
    "content",
    [
        *(b"{}\n", b"\xff\n", b'{"stage":"load"', b"[]"),
        msgspec.json.encode(LETTER).replace(b"00:00:00Z", b"00:00:00"),
        msgspec.json.encode(LETTER).replace(b'"import"', b'"later"'),
    ],
)
def test_a_foreign_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "notes.jsonl").write_bytes(content)
    with pytest.raises(ClogsError, match=r"does not hold dead letters: notes\.jsonl: "):
        list(dead_letters.read(tmp_path))


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(ClogsError, match=r"^Cannot read .*/folder\.jsonl: "):
        list(dead_letters.read(tmp_path))


# Ids


def header(identity: str) -> Header:
    return Header(id=identity, at=LETTER.at, stage="load", source="s", reasons=(), run="one", encoding="text")


@pytest.mark.parametrize(
    ("given", "chosen"),
    [(["a"], ["abc"]), (["ABC", "ab"], ["abc"]), (["cab", "a"], ["cab", "abc"]), ([], ["abc", "cab", "cba"])],
)
def test_letters_are_chosen_by_the_beginning_of_their_ids(given: list[str], chosen: list[str]) -> None:
    found = dead_letters.choose([header(each) for each in ("abc", "cab", "cba")], given)
    assert [each.id for each in found] == chosen


@pytest.mark.parametrize(
    ("given", "message"),
    [("c", "Several dead letters have an id"), ("x", "No dead letter has an id"), ("", "No dead letter has")],
)
def test_an_id_that_names_no_single_letter_is_an_error(given: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        dead_letters.choose([header(each) for each in ("abc", "cab", "cba")], [given])
    assert caught.value.hint == "The ids: clogs dead-letters list --json"
