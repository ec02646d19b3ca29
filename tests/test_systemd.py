"""Entries as timers of systemd."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from scheduling import BOTH, HOURLY, REFRESH, SYSTEMCTL, Tools

from clogs.errors import ClogsError
from clogs.schedule import schedulers, systemd
from clogs.schedule.entries import Entry


@pytest.mark.parametrize(
    ("expression", "calendars"),
    [
        ("17 * * * *", ["*-*-* *:17:00"]),
        ("0 2 * * *", ["*-*-* 02:00:00"]),
        ("*/30 8-10 * jan,mar mon-fri", ["Mon,Tue,Wed,Thu,Fri *-01,03-* 08,09,10:00,30:00"]),
        ("0 0 * * 0,7", ["Sun *-*-* 00:00:00"]),
        ("0 0 * * 0-7", ["*-*-* 00:00:00"]),
        ("0 0 13 * fri", ["Fri *-*-* 00:00:00", "*-*-13 00:00:00"]),
        ("@monthly", ["*-*-01 00:00:00"]),
    ],
)
def test_expressions_as_systemd_has_them(expression: str, calendars: list[str]) -> None:
    assert systemd.calendars(expression) == calendars


def test_systemd_understands_them() -> None:
    if not Path("/usr/bin/systemd-analyze").exists():
        pytest.skip("there is no systemd-analyze here")
    every = ["17 * * * *", "*/30 8-10 * jan,mar mon-fri", "0 0 13 * fri", "@yearly", "1-59/2 * 1-31/3 * *"]
    for calendar in (each for expression in every for each in systemd.calendars(expression)):
        subprocess.run(
            ["/usr/bin/systemd-analyze", "calendar", calendar], check=True, stdout=subprocess.DEVNULL
        )


def test_the_units() -> None:
    words = ("/a b/clogs", "--config", '/$x/100%/"q"\\.toml', "pipeline")
    files = systemd.units([Entry(name="hourly", expression="17 * * * *", words=words), REFRESH])
    assert list(files) == [
        "clogs-hourly.service",
        "clogs-hourly.timer",
        "clogs-refresh.service",
        "clogs-refresh.timer",
    ]
    service = files["clogs-hourly.service"]
    assert "Environment=CLOGS_TRIGGER=systemd\n" in service
    assert r'ExecStart=/usr/bin/env "/a b/clogs" "--config" "/$$x/100%%/\"q\"\\.toml" "pipeline"' in service
    assert "OnCalendar=*-*-* 02:00:00\nPersistent=true\n" in files["clogs-refresh.timer"]
    assert "Persistent=false\n" in files["clogs-hourly.timer"]


def test_timers_are_removed(only_tools: Tools) -> None:
    only_tools.add("systemctl", SYSTEMCTL)
    assert systemd.install([HOURLY])
    assert schedulers.remove()
    assert list(systemd.folder().iterdir()) == []
    assert only_tools.calls[-3:-1] == ["--user disable --now clogs-hourly.timer", "--user daemon-reload"]


def test_without_a_systemd_of_the_user_nothing_is_written(only_tools: Tools) -> None:
    with pytest.raises(ClogsError, match="The systemctl command was not found"):
        systemd.install(BOTH)
    only_tools.add("systemctl", SYSTEMCTL)
    (only_tools.folder / "no-bus").touch()
    with pytest.raises(ClogsError, match="Failed to connect to bus") as raised:
        systemd.install(BOTH)
    assert raised.value.hint
    assert not systemd.folder().exists()
