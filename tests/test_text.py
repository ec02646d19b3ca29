"""Numbers as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from clogs.terminal.text import (
    count,
    duration,
    first_line,
    instant,
    money,
    percent,
    printable,
    si_number,
    size,
    sparkline,
)


@pytest.mark.parametrize(("number", "text"), [(0, "0 files"), (1, "1 file"), (14109, "14,109 files")])
def test_count(number: int, text: str) -> None:
    assert count(number, "file") == text


def test_first_line() -> None:
    assert first_line(ValueError("Bad query.\nSELECT 1")) == "Bad query."


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (1023, "1,023 B"), (1024, "1.0 KiB"), (8 * 1024**2, "8.0 MiB"), (3 * 1024**4, "3.0 TiB")],
)
def test_size(number: int, text: str) -> None:
    assert size(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (119.7, "2 min 0 s"),
        (200, "3 min 20 s"),
        (3599.9, "1 h 00 min"),
        (7500, "2 h 05 min"),
        (7199, "1 h 59 min"),
        (86399.9, "1 d 0 h"),
        (400 * 86400 + 7200, "400 d 2 h"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1000, "1.0 k"), (12_086, "12.1 k"), (999_999, "1.0 M"), (2e12, "2,000.0 G")],
)
def test_si_number(number: float, text: str) -> None:
    assert si_number(number) == text


@pytest.mark.parametrize(("usd", "text"), [(None, "–"), (0, "$0.00"), (1214.306, "$1,214.31")])
def test_money(usd: float | None, text: str) -> None:
    assert money(usd) == text


def test_instant() -> None:
    moment = datetime(2026, 3, 4, 12, tzinfo=timezone(timedelta(hours=2)))
    assert instant(moment) == "2026-03-04 10:00:00 UTC"
    assert instant(moment.astimezone(UTC)) == "2026-03-04 10:00:00 UTC"
    assert instant(None) == "none yet"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain", "plain"), ("\x1b[2Jcleared", "�[2Jcleared"), ("a\nb\x00\u202e", "a b��"), (None, "None")],
)
def test_printable(text: object, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("share", "said"),
    [(0, "0%"), (0.00001, "<0.1%"), (0.125, "12.5%"), (0.5, "50%"), (0.99999, ">99.9%"), (1, "100%")],
)
def test_shares_are_0_or_1_only_if_they_are(share: float, said: str) -> None:
    assert percent(share) == said


@pytest.mark.parametrize(
    ("values", "drawn"),
    [([], ""), ([0, 0], "▁▁"), ([0, 1, 100], "▁▂█"), ([0.5], "█"), ([1, 2, 3, 4, 5, 6, 7], "▂▃▄▅▆▇█")],
)
def test_a_sparkline(values: list[float], drawn: str) -> None:
    assert sparkline(values) == drawn
