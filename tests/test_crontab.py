"""A crontab of which only the marked block is touched."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scheduling import BLOCK, BOTH, HOURLY, IMPORT, OTHERS, Tools

from clogs.errors import ClogsError
from clogs.schedule import crontab, schedulers
from clogs.schedule.entries import Entry


def test_the_block_is_written_and_read_also_when_it_was_edited() -> None:
    assert crontab.block_of(BOTH) == BLOCK
    assert crontab.entries(OTHERS) is None
    assert crontab.entries(OTHERS + BLOCK) == BOTH
    edited = BLOCK.replace(b"# END", b"\n#1 2 3 4 5 x\nnonsense\n@daily it's\n# END")
    broken = Entry(name="hourly", expression="@daily", words=("it's",))
    assert crontab.entries(edited.replace(b"\n", b"\r\n")) == (*BOTH, broken)
    assert crontab.entries(crontab.block_of((IMPORT, *BOTH))) == (IMPORT, *BOTH)


@pytest.mark.parametrize(
    "word", ["/a b/c", "100%", "a'b", 'a"b', "$HOME", "a\\%b", "a\\\\b", "ü", "\udcff", "#", "a;b&&c", ""]
)
def test_every_word_survives_the_block(word: str) -> None:
    entry = Entry(name="hourly", expression="1 * * * *", words=("/bin/clogs", word, "pipeline"))
    block = crontab.block_of([entry])
    assert crontab.entries(block) == (entry,)
    assert b"%" not in block.replace(b"\\%", b"")


OUTSIDE = st.lists(st.sampled_from([b"a", b"\n", b"\r", b"\xff", b"# END clogs x", b"\0", b" ", b"%"])).map(
    b"".join
)


@given(before=OUTSIDE.map(lambda lines: lines and lines + b"\n"), after=OUTSIDE)
def test_not_a_byte_outside_the_block_is_touched(before: bytes, after: bytes) -> None:
    there = before + BLOCK + after
    other = crontab.block_of([HOURLY])
    assert crontab.with_block(there, other) == before + other + after
    assert crontab.with_block(there, BLOCK) == there
    assert crontab.with_block(there, b"") == before + after


@given(content=OUTSIDE)
def test_an_installed_block_goes_without_a_trace(content: bytes) -> None:
    there = crontab.with_block(content, BLOCK)
    assert crontab.entries(there) == BOTH
    assert crontab.with_block(there, b"") == content


def test_blanks_around_the_marks_belong_to_the_block(only_tools: Tools) -> None:
    only_tools.table = OTHERS + BLOCK.replace(b"\n", b" \n").replace(b"# END", b"\t# END")
    assert [each.expression for each in crontab.entries(crontab.read()) or ()] == ["17 * * * *", "0 2 * * *"]
    assert crontab.install(BOTH)
    assert only_tools.table == OTHERS + BLOCK


def test_ambiguous_carriage_returns_are_left_alone_until_the_hint_is_followed(only_tools: Tools) -> None:
    only_tools.table = b"MAILTO=x\\r\n0 1 * * * true\\r\n" + BLOCK  # as Debian's crontab shows them
    for change in (crontab.remove, lambda: crontab.install([HOURLY])):
        with pytest.raises(ClogsError, match="end in a carriage return") as raised:
            change()
    assert "-" not in only_tools.calls
    assert raised.value.hint
    _, _, remedy = raised.value.hint.partition(": ")
    subprocess.run(  # noqa: S602  # as users would
        remedy, shell=True, check=True, env={"PATH": f"{only_tools.folder}:/usr/bin:/bin"}
    )
    assert only_tools.table == b"MAILTO=x\n0 1 * * * true\n" + BLOCK


@pytest.mark.parametrize(
    "content",
    [
        BLOCK + BLOCK,
        BLOCK.replace(b"# END clogs\n", b""),
        BLOCK.replace(crontab.BEGIN, b""),
        b"# END clogs\n" + BLOCK.replace(b"# END clogs\n", b""),
    ],
    ids=["twice", "no end", "no beginning", "turned round"],
)
def test_a_damaged_block_is_left_alone(only_tools: Tools, content: bytes) -> None:
    only_tools.table = content
    for change in (lambda: crontab.install(BOTH), crontab.remove, schedulers.installed):
        with pytest.raises(ClogsError, match="damaged") as raised:
            change()
    assert raised.value.hint
    assert only_tools.table == content
    assert schedulers.next_scheduled() is None


def test_it_is_installed_once_changed_in_place_and_removed(only_tools: Tools) -> None:
    only_tools.table = OTHERS
    assert crontab.install(BOTH)
    assert only_tools.table == OTHERS + BLOCK
    assert not crontab.install(BOTH)
    only_tools.table = OTHERS + BLOCK + b"1 * * * * last\n"
    assert crontab.install([HOURLY])
    assert only_tools.table == OTHERS + crontab.block_of([HOURLY]) + b"1 * * * * last\n"
    assert crontab.remove()
    assert only_tools.table == OTHERS + b"1 * * * * last\n"
    assert not crontab.remove()
    assert only_tools.calls.count("-") == 3


def test_who_had_no_crontab_has_none_again(only_tools: Tools) -> None:
    assert not crontab.remove()
    assert crontab.install(BOTH)
    assert only_tools.table == BLOCK
    assert crontab.remove()
    assert only_tools.table is None


def test_a_change_by_somebody_else_is_not_lost(only_tools: Tools) -> None:
    only_tools.table = OTHERS
    (only_tools.folder / "next").write_bytes(OTHERS + b"# new\n")
    with pytest.raises(ClogsError, match="Somebody else"):
        crontab.install(BOTH)
    assert only_tools.table == OTHERS + b"# new\n"


def test_an_unended_last_line_is_left_alone(only_tools: Tools) -> None:
    only_tools.table = b"1 * * * * unended"
    with pytest.raises(ClogsError, match="missing newline before EOF"):
        crontab.install(BOTH)
    assert only_tools.table == b"1 * * * * unended"


@pytest.mark.parametrize(
    ("setup", "message", "hint"),
    [
        (
            lambda folder: (folder / "denied").touch(),
            "not allowed",
            "Ask for a line in /etc/cron.allow, or: ",
        ),
        (
            lambda folder: (folder / "crontab").unlink(),
            "The crontab command was not found",
            "Install cron (Debian: apt install cron), or: ",
        ),
    ],
)
def test_without_a_crontab_of_ones_own(
    only_tools: Tools, setup: Callable[[Path], None], message: str, hint: str
) -> None:
    setup(only_tools.folder)
    with pytest.raises(ClogsError, match=message) as raised:
        crontab.install(BOTH)
    assert raised.value.hint == f"{hint}clogs schedule install --systemd"
    assert not schedulers.remove()
    assert schedulers.next_scheduled() is None


def test_only_variables_above_the_block_count(only_tools: Tools) -> None:
    assert crontab.variables() == {}
    set_above = (
        b"""MAILTO = ann\n 'HOME'="/srv/my home" \nSHELL=/bin/bash -l\n#A=1\n*/5 * * * * B=2 date\nC=""\r\n"""
    )
    found = {"MAILTO": "ann", "HOME": "/srv/my home", "SHELL": "/bin/bash -l", "C": ""}
    only_tools.table = set_above
    assert crontab.variables() == found
    only_tools.table = set_above + BLOCK + b"D=1\n"
    assert crontab.variables() == found
    only_tools.table = b"A=1"  # a line that is not ended: the block would stand above it
    assert crontab.variables() == {}


@pytest.mark.parametrize(
    ("running", "missing"),
    [(["init", "cron"], False), (["init", "crond"], False), (["init", "bash"], True), ([], False)],
)
def test_a_cron_daemon_is_looked_for(tmp_path: Path, *, running: list[str], missing: bool) -> None:
    for number, name in enumerate(running, start=1):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "comm").write_text(f"{name}\n", encoding="utf-8")
    assert crontab.daemon_is_missing(tmp_path) is missing
