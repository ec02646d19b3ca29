"""The watermark moves to the newest document that is durable, and no version is landed twice in a row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from clogs import state as module
from clogs.errors import ClogsError
from clogs.state import (
    Advance,
    ExtractState,
    digest_of,
    extract_state_path,
    read_extract_state,
    write_extract_state,
)

LOOKBACK = timedelta(minutes=15)
NOON = datetime(2025, 1, 20, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=10)
MUCH_LATER = NOON + timedelta(hours=1)
IN_A_YEAR = datetime.now(UTC).replace(microsecond=0) + timedelta(days=365)
A, B, C = map(digest_of, (b"a", b"b", b"c"))


def advance(state: ExtractState, *, forget: bool = False) -> Advance:
    return Advance(state, lookback=LOOKBACK, forget=forget)


def after(*documents: tuple[bytes, object], state: ExtractState | None = None) -> ExtractState:
    """The state after a run that read and landed these."""
    run = advance(state or ExtractState())
    for digest, _ in documents:
        run.is_known(digest)
    run.durable([digest for digest, _ in documents], [moment for _, moment in documents])
    return run.state()


@pytest.mark.parametrize(
    ("moments", "watermark"),
    [
        ([], None),
        ([NOON, LATER], LATER),
        ([LATER, NOON], LATER),
        ([NOON, None, "2025-01-21", 5], NOON),
        ([NOON, IN_A_YEAR], NOON),
        ([IN_A_YEAR], None),
    ],
)
def test_the_watermark_is_the_newest_date_that_is_not_in_the_future(
    moments: list[object], watermark: datetime | None
) -> None:
    documents = [(digest_of(b"%d" % number), moment) for number, moment in enumerate(moments)]
    assert after(*documents).watermark == watermark


def test_the_watermark_never_goes_back() -> None:
    assert after((B, NOON), state=after((A, LATER))).watermark == LATER


def test_a_version_in_the_window_is_known_to_the_next_run() -> None:
    run = advance(after((A, NOON), (B, LATER)))
    assert run.is_known(A)
    assert run.is_known(B)
    assert not run.is_known(C)


def test_what_the_lookback_leaves_behind_is_forgotten() -> None:
    state = after((A, NOON), (B, MUCH_LATER))
    assert state.window["digest"].to_list() == [B]


def test_what_is_ahead_of_the_watermark_is_kept() -> None:
    assert advance(after((A, NOON), (B, IN_A_YEAR))).is_known(B)


def test_a_document_without_a_date_is_never_known() -> None:
    assert not advance(after((A, None))).is_known(A)


def test_a_version_that_was_replaced_is_new_when_it_comes_back() -> None:
    replaced = after((B, LATER), state=after((A, NOON)))
    assert not advance(replaced).is_known(A)


def test_a_version_seen_again_stays_known() -> None:
    run = advance(after((A, NOON)))
    run.is_known(A)
    assert advance(run.state()).is_known(A)


def test_a_full_backfill_knows_nothing_and_keeps_the_watermark() -> None:
    run = advance(after((A, NOON)), forget=True)
    assert not run.is_known(A)
    assert run.state().watermark == NOON


def test_the_window_stays_small_in_a_long_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PRUNE_ABOVE_ROWS", 10)
    run = advance(ExtractState())
    for hour in range(100):
        run.durable([digest_of(b"%d" % hour)], [NOON + hour * LOOKBACK])
    assert not run.is_known(digest_of(b"1"))
    assert run.is_known(digest_of(b"99"))


def test_batches_are_read_at_times_that_only_grow() -> None:
    ahead = ExtractState(extracted_at=IN_A_YEAR)
    run = advance(ahead)
    times = [run.tick() for _ in range(3)]
    assert times == [IN_A_YEAR + timedelta(microseconds=number) for number in (1, 2, 3)]
    assert run.state().extracted_at == times[-1]


def test_a_state_is_read_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "state.parquet"
    state = after((A, NOON), (B, LATER))
    write_extract_state(path, state, source="logs at db")
    again = read_extract_state(path)
    assert (again.watermark, again.extracted_at) == (state.watermark, state.extracted_at)
    assert_frame_equal(again.window, state.window)


def test_without_a_file_nothing_was_extracted(tmp_path: Path) -> None:
    state = read_extract_state(tmp_path / "absent.parquet")
    assert (state.watermark, state.extracted_at, state.window.height) == (None, None, 0)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all"])
def test_a_damaged_state_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.parquet"
    path.write_bytes(content)
    with pytest.raises(ClogsError, match=r"^The extraction state .*/state\.parquet is damaged\.$") as caught:
        read_extract_state(path)
    assert "Remove it" in str(caught.value.hint)


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
