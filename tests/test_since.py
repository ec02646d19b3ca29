"""Moments as people name them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from clogs.commands.since import read_moment

NOW = datetime(2026, 11, 25, 15, 30, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yesterday", datetime(2026, 11, 24, tzinfo=UTC)),
        ("Monday", datetime(2026, 11, 23, tzinfo=UTC)),
        ("wednesday", datetime(2026, 11, 18, tzinfo=UTC)),
        ("thursday", datetime(2026, 11, 19, tzinfo=UTC)),
        ("7d", NOW - timedelta(days=7)),
        ("12h", NOW - timedelta(hours=12)),
        ("2026-11-01", datetime(2026, 11, 1)),  # noqa: DTZ001  # the caller decides the zone
        ("2026-11-01T08:00+01:00", datetime(2026, 11, 1, 8, tzinfo=timezone(timedelta(hours=1)))),
    ],
)
def test_moments(text: str, expected: datetime) -> None:
    assert read_moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "mon", "7", "7w", "tomorrow", "2026-13-01"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # its message is the caller's
        read_moment(text, NOW)
