"""Entries are in cron or in systemd, and one of them is next."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from scheduling import BLOCK, BOTH, HOURLY, IMPORT, OTHERS, SYSTEMCTL, Tools

from clogs.schedule import crontab, schedulers, systemd


def test_an_entry_is_in_systemd_or_in_the_crontab(only_tools: Tools) -> None:
    only_tools.add("systemctl", SYSTEMCTL)
    only_tools.table = OTHERS + BLOCK
    timers = schedulers.Schedule(by="systemd", entries=BOTH)
    hourly = schedulers.Schedule(by="systemd", entries=(HOURLY,))
    importing = schedulers.Schedule(by="systemd", entries=(IMPORT, *BOTH))
    assert schedulers.install(timers)
    assert "--user enable clogs-hourly.timer clogs-refresh.timer" in only_tools.calls
    assert only_tools.table == OTHERS
    assert schedulers.installed() == timers
    assert schedulers.next_scheduled() is not None
    assert not schedulers.install(timers)
    assert schedulers.install(importing)
    assert schedulers.installed() == importing
    assert schedulers.install(hourly)
    assert schedulers.installed() == hourly
    files = sorted(each.name for each in systemd.folder().iterdir())
    assert files == ["clogs-hourly.service", "clogs-hourly.timer"]
    block = schedulers.Schedule(by="cron", entries=BOTH)
    assert schedulers.install(block)
    assert schedulers.installed() == block
    assert list(systemd.folder().iterdir()) == []


def test_a_block_whose_lines_are_commented_out_schedules_nothing(only_tools: Tools) -> None:
    only_tools.table = OTHERS + BLOCK.replace(b"\n17", b"\n#17").replace(b"\n0 2", b"\n# 0 2")
    assert (schedulers.installed(), schedulers.next_scheduled()) == (None, None)
    assert schedulers.remove()
    assert only_tools.table == OTHERS


def test_the_next_run_is_the_first_of_all(only_tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedulers, "local_zone", lambda: ZoneInfo("Europe/Berlin"))
    assert schedulers.next_scheduled() is None
    only_tools.table = BLOCK
    at_one = datetime(2026, 3, 4, 0, 55, tzinfo=UTC)
    assert schedulers.next_scheduled(at_one) == datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
    assert schedulers.next_scheduled(datetime(2026, 3, 4, 1, 0, tzinfo=UTC)) == datetime(
        2026, 3, 4, 1, 17, tzinfo=UTC
    )
    only_tools.table = BLOCK.replace(b"17 *", b"77 *").replace(b"0 2", b"0 32")
    assert schedulers.next_scheduled() is None


def test_the_next_run_is_an_import_where_there_is_nothing_else(only_tools: Tools) -> None:
    now = datetime(2026, 3, 4, 0, 5, tzinfo=UTC)
    only_tools.table = crontab.block_of((IMPORT, HOURLY))
    found = schedulers.next_scheduled(now)
    assert found
    assert found.minute % 15 == 17 % 15  # there are zones that are a quarter of an hour off
    only_tools.table = crontab.block_of([IMPORT])
    found = schedulers.next_scheduled(now)
    assert found
    assert found.minute % 15 == 12
