"""When cron's expressions are due."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from clogs.errors import UsageError
from clogs.schedule import cron

UTC_FILE = b"TZif" + bytes(16) + struct.pack(">6l", 0, 0, 0, 0, 1, 4) + bytes(6) + b"UTC\0"
"""What /etc/localtime may hold: tzfile(5), with one time zone and no change of it."""
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("0 2 * * *", "0 2 * * *"),
        (" */5\t1-4,7 1-31/2 jan-MAR sun ", "*/5 1-4,7 1-31/2 jan-MAR sun"),
        ("@Hourly", "@Hourly"),
        ("0 0 29 2 7", "0 0 29 2 7"),
    ],
)
def test_expressions(text: str, expression: str) -> None:
    assert cron.read_expression(text, option="--hourly") == expression


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "it needs 5 fields"),
        ("0 2 * *", "it needs 5 fields"),
        ("0 0 2 * * *", "it needs 5 fields"),
        ("60 * * * *", "bad minute"),
        ("*/0 * * * *", "bad minute"),
        ("9-5 * * * *", "bad minute"),
        ("jan * * * *", "bad minute"),
        ("0 24 * * *", "bad hour"),
        ("0 0 30 2 *", "bad day of month"),
        ("0 0 * 13 *", "bad month"),
        ("0 0 * * 8", "bad day of week"),
        ("5/10 * * * *", "bad minute 5/10"),
        ("0 % * * *", "bad hour %"),
        ("0 0 L * *", "bad day of month L"),
        ("0 0 * * 1#2", "bad day of week 1#2"),
        ("٣ * * * *", "bad minute ٣"),
        ("@reboot", "the shorthands are @hourly"),
    ],
)
def test_invalid_expressions(text: str, fault: str) -> None:
    with pytest.raises(UsageError) as raised:
        cron.read_expression(text, option="--hourly")
    assert raised.value.message.startswith(f"--hourly: {text!r} is not a cron expression: {fault}")


@pytest.mark.parametrize(
    ("expression", "after", "coming"),
    [
        ("17 * * * *", "2026-03-01T12:16:59", "2026-03-01T12:17+01:00"),
        ("17 * * * *", "2026-03-01T12:17:00", "2026-03-01T13:17+01:00"),
        ("@daily", "2026-12-31T12:00:00", "2027-01-01T00:00+01:00"),
        ("@Weekly", "2026-03-02T00:00:00", "2026-03-08T00:00+01:00"),
        ("0 2 * * *", "2026-03-28T12:00:00", "2026-03-29T03:00+02:00"),  # the hour from two is skipped
        ("0 2 * * *", "2026-10-25T00:30:00", "2026-10-25T02:00+02:00"),  # it comes twice
        ("0 0 13 * fri", "2026-03-10T00:00:00", "2026-03-13T00:00+01:00"),
        ("0 0 13 * fri", "2026-03-14T00:00:00", "2026-03-20T00:00+01:00"),  # either day will do
        ("0 0 1 1 7", "2026-12-30T00:00:00", "2027-01-01T00:00+01:00"),
    ],
)
def test_next_run(expression: str, after: str, coming: str) -> None:
    moment = datetime.fromisoformat(after).replace(tzinfo=BERLIN)
    found = cron.next_run(expression, moment, BERLIN)
    assert found
    assert found.astimezone(UTC) == datetime.fromisoformat(coming)
    assert cron.next_run(f"99 {expression}", moment, BERLIN) is None  # somebody broke it


def test_local_zone_is_the_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zones = tmp_path / "zoneinfo" / "Europe"
    zones.mkdir(parents=True)
    (zones / "Nowhere").write_bytes(UTC_FILE)
    (tmp_path / "localtime").symlink_to(zones / "Nowhere")
    monkeypatch.setattr(cron, "LOCAL_TIME", tmp_path / "localtime")
    assert cron.local_zone().key == "Europe/Nowhere"
    monkeypatch.setattr(cron, "LOCAL_TIME", zones / "Nowhere" / "x")
    assert cron.local_zone().key == "UTC"
