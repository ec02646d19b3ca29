"""The watermark moves to the newest document that is durable, and no version is landed twice in a row."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from clogs.errors import ClogsError
from clogs.extract import watermark as module
from clogs.extract.watermark import (
    EARLIEST,
    RUNS_APART,
    WINDOW_SCHEMA,
    ExtractState,
    extract_state_path,
    read_extract_state,
    write_extract_state,
)

LOOKBACK = timedelta(minutes=15)
NOON = datetime(2025, 1, 20, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=10)
MUCH_LATER = NOON + timedelta(hours=1)
STARTED = NOON + timedelta(days=1)
IN_A_YEAR = NOON + timedelta(days=365)

PATH = Path("state.parquet")
"""Of states that are not written."""

Version = tuple[str, datetime | None]


def documents(*versions: Version) -> pl.DataFrame:
    """Documents by the text that stands for them, and their watermark field."""
    hashes = pl.Series([text for text, _ in versions], dtype=pl.String).hash()
    moments = [moment and round(moment.timestamp() * 1000) for _, moment in versions]
    return pl.DataFrame({"version": hashes, "moment": moments}, schema=WINDOW_SCHEMA)


def after(*versions: Version, before: ExtractState | None = None, undated: bool = True) -> ExtractState:
    """The state after a run that read these, one by one."""
    state = (before or ExtractState(PATH)).begun(STARTED)
    for version in versions:
        state = state.plus(documents(version), until=STARTED, lookback=LOOKBACK, undated=undated)
    return state.pruned(LOOKBACK, undated=undated)


@pytest.mark.parametrize(
    ("moments", "watermark"),
    [
        ([], None),
        ([NOON, LATER], LATER),
        ([LATER, NOON], LATER),
        ([NOON, None], NOON),
        ([NOON, IN_A_YEAR], NOON),
        ([IN_A_YEAR], None),
        ([STARTED], STARTED),
        ([EARLIEST], EARLIEST),
    ],
)
def test_the_watermark_is_the_newest_date_that_is_not_in_the_future(
    moments: list[datetime | None], watermark: datetime | None
) -> None:
    assert after(*((str(number), moment) for number, moment in enumerate(moments))).watermark == watermark


@pytest.mark.parametrize(
    ("watermark", "start"),
    [(None, None), (NOON, NOON - LOOKBACK), (EARLIEST, EARLIEST), (EARLIEST + LOOKBACK / 2, EARLIEST)],
)
def test_the_next_run_begins_a_lookback_before_the_watermark(
    watermark: datetime | None, start: datetime | None
) -> None:
    assert ExtractState(PATH, watermark).start(LOOKBACK) == start


def test_a_date_before_year_1_is_no_watermark() -> None:
    ancient = documents(("a", None)).with_columns(moment=pl.lit(-(10**15)))
    state = ExtractState(PATH).plus(ancient, until=STARTED, lookback=LOOKBACK, undated=True)
    assert state.watermark is None


def test_the_watermark_never_goes_back() -> None:
    assert after(("b", NOON), before=after(("a", LATER))).watermark == LATER


def test_a_version_in_the_window_is_known_to_the_next_run() -> None:
    state = after(("a", NOON), ("b", LATER))
    assert state.holds(documents(("b", LATER), ("c", NOON), ("a", NOON))).to_list() == [True, False, True]


@pytest.mark.parametrize(
    "state", [ExtractState(PATH), after(("a", NOON)).begun(STARTED)], ids=["no run", "a run that was killed"]
)
def test_nothing_is_known_without_a_window(state: ExtractState) -> None:
    assert state.holds(documents(("a", NOON), ("b", NOON))).to_list() == [False, False]


@pytest.mark.parametrize(
    ("versions", "remembered"),
    [
        ([("a", NOON), ("b", MUCH_LATER)], [("b", MUCH_LATER)]),
        ([("b", MUCH_LATER), ("a", NOON)], [("b", MUCH_LATER)]),
        (
            [("a", MUCH_LATER - LOOKBACK), ("b", MUCH_LATER)],
            [("a", MUCH_LATER - LOOKBACK), ("b", MUCH_LATER)],
        ),
        ([("a", NOON), ("b", IN_A_YEAR)], [("a", NOON), ("b", IN_A_YEAR)]),
        ([("a", NOON), ("a", NOON)], [("a", NOON)]),
        ([("a", None), ("b", NOON)], [("a", None), ("b", NOON)]),
    ],
    ids=["left behind", "left behind, read last", "on the edge", "ahead", "twice", "undated"],
)
def test_what_the_next_run_will_read_again_is_remembered(
    versions: list[Version], remembered: list[Version]
) -> None:
    assert_frame_equal(after(*versions).window, documents(*remembered), check_row_order=False)


def test_a_full_run_does_not_remember_what_no_watermark_finds() -> None:
    assert_frame_equal(after(("a", None), ("b", NOON), undated=False).window, documents(("b", NOON)))


def test_a_version_that_was_replaced_is_new_when_it_comes_back() -> None:
    replaced = after(("b", LATER), before=after(("a", NOON)))
    assert replaced.holds(documents(("a", NOON))).to_list() == [False]


def test_the_window_stays_small_in_a_long_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PRUNE_EVERY_ROWS", 10)
    state = ExtractState(PATH)
    for number in range(100):
        document = documents((str(number), NOON + number * LOOKBACK))
        state = state.plus(document, until=IN_A_YEAR, lookback=LOOKBACK, undated=True)
        assert state.window.height < 12
    assert_frame_equal(
        state.pruned(LOOKBACK, undated=True).window,
        documents(("98", NOON + 98 * LOOKBACK), ("99", NOON + 99 * LOOKBACK)),
        check_row_order=False,
    )


@pytest.mark.parametrize(
    ("last", "started", "expected"),
    [
        (None, NOON, NOON),
        (NOON, LATER, LATER),
        (NOON, NOON, NOON + RUNS_APART),
        (LATER, NOON, LATER + RUNS_APART),
    ],
    ids=["the first run", "later", "at once", "the clock was set back"],
)
def test_a_run_reads_later_than_all_runs_before_it(
    last: datetime | None, started: datetime, expected: datetime
) -> None:
    begun = ExtractState(PATH, NOON, extracted_at=last, window=documents(("a", NOON))).begun(started)
    assert (begun.watermark, begun.extracted_at, begun.window.height) == (NOON, expected, 0)


def test_a_state_is_read_back_as_it_was(tmp_path: Path) -> None:
    state = replace(after(("a", NOON), ("b", LATER), ("c", None)), path=tmp_path / "state.parquet")
    write_extract_state(state)
    again = read_extract_state(state.path)
    assert (again.watermark, again.extracted_at) == (state.watermark, state.extracted_at)
    assert_frame_equal(again.window, state.window)


def test_a_window_of_another_form_is_not_believed(tmp_path: Path) -> None:
    window = pl.DataFrame({"digest": [b"x"], "moment": [NOON]})
    write_extract_state(ExtractState(tmp_path / "state.parquet", NOON, LATER, window=window))
    again = read_extract_state(tmp_path / "state.parquet")
    assert (again.watermark, again.window.height) == (NOON, 0)


def test_without_a_file_nothing_was_extracted(tmp_path: Path) -> None:
    state = read_extract_state(tmp_path / "absent.parquet")
    assert (state.watermark, state.extracted_at, state.window.height) == (None, None, 0)


def broken_moment(path: Path) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(path, metadata={"watermark": "2026-13-41"})


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"PAR1"),
        lambda path: path.write_bytes(b"no parquet at all"),
        broken_moment,
    ],
)
def test_a_damaged_state_is_a_warning_and_that_before_the_first_run(
    tmp_path: Path, write: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "state.parquet"
    write(path)
    state = read_extract_state(path)
    assert (state.watermark, state.extracted_at, state.window.height) == (None, None, 0)
    assert re.match(r"The extraction state .*/state\.parquet is damaged \(.+\): ", caplog.messages[0])


def test_a_state_that_may_not_be_read_is_not_taken_for_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied")

    (tmp_path / "state.parquet").touch()
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ClogsError, match=r"^Cannot read .*/state\.parquet: .*Permission denied"):
        read_extract_state(tmp_path / "state.parquet")


def test_each_source_field_and_landing_has_its_own_state(tmp_path: Path) -> None:
    each = [
        ("a", "ingestedAt", "x"),
        ("b", "ingestedAt", "x"),
        ("a", "changedAt", "x"),
        ("a", "ingestedAt", "y"),
    ]
    paths = {
        extract_state_path(tmp_path, source=source, watermark_field=field, landing=landing)
        for source, field, landing in each
    }
    assert len(paths) == 4
