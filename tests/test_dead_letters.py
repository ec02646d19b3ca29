"""What is rejected is kept whole, with its reasons, once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from clogs import dead_letters
from clogs.dead_letters import DeadLetter
from clogs.errors import ClogsError

LETTER = DeadLetter(
    stage="import",
    source="session.jsonl:3",
    reasons=("is no JSON", "holds more than one record"),
    document='{"a": "é\0👩"}{',
    run="one",
    at=datetime(2026, 11, 22, tzinfo=UTC),
)
OTHER = replace(LETTER, source="session.jsonl:4")


def test_letters_are_read_back_as_they_were(tmp_path: Path) -> None:
    dead_letters.write(tmp_path / "new", [LETTER, OTHER])
    assert list(dead_letters.read(tmp_path / "new")) == [LETTER, OTHER]


def test_a_letter_written_again_by_another_run_is_one(tmp_path: Path) -> None:
    again = replace(LETTER, run="two", at=datetime(2026, 11, 23, tzinfo=UTC))
    dead_letters.write(tmp_path, [LETTER, OTHER])
    dead_letters.write(tmp_path, [again, OTHER])
    dead_letters.write(tmp_path, [again])
    assert sorted(letter.source for letter in dead_letters.read(tmp_path)) == [LETTER.source, OTHER.source]
    assert len(list(tmp_path.iterdir())) == 2


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
    assert (letter.key == LETTER.key) == ((source, document) == (LETTER.source, LETTER.document))


def test_a_file_where_the_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ClogsError, match=r"^Cannot write .*/file: "):
        dead_letters.write(tmp_path / "file", [LETTER])
