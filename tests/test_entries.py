"""What is scheduled, and when."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from clogs.errors import ClogsError
from clogs.schedule import entries
from clogs.schedule.entries import Entry


def test_the_plan() -> None:
    planned = entries.plan(("/bin/clogs",), hourly="1 * * * *", daily_refresh="0 3 * * *")
    assert [(each.name, each.expression, " ".join(each.words)) for each in planned] == [
        ("hourly", "1 * * * *", "/bin/clogs --quiet pipeline"),
        ("refresh", "0 3 * * *", "/bin/clogs --quiet pipeline --reconcile --full-refresh"),
    ]
    assert entries.plan(("/bin/clogs",), hourly="1 * * * *", daily_refresh=None) == planned[:1]


@pytest.mark.parametrize(
    ("hourly", "expression"),
    [
        ("17 * * * *", "12 * * * *"),
        ("3 6-20 * * *", "58 * * * *"),
        ("@Hourly", "55 * * * *"),
        ("*/20 * * * *", "25 * * * *"),
        ("5,35 * * * *", "25 * * * *"),
    ],
)
def test_an_import_comes_before_the_hourly_run(hourly: str, expression: str) -> None:
    planned = entries.plan_import(
        ("/bin/clogs",), [Path("/a"), Path("/b c")], hourly=hourly, default="30 * * * *"
    )
    assert planned == Entry(
        name="import", expression=expression, words=("/bin/clogs", "--quiet", "import", "/a", "/b c")
    )


def test_a_path_with_a_line_break_cannot_be_imported() -> None:
    with pytest.raises(ClogsError, match="line break"):
        entries.plan_import(("/bin/clogs",), [Path("/a\nb")], hourly="17 * * * *", default="30 * * * *")


def test_paths_are_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert entries.clogs_words(program="bin/clogs", config=None) == (str(tmp_path / "bin/clogs"),)
    config = tmp_path / "clogs.toml"
    as_module = (sys.executable, "-m", "clogs", "--config", str(config))
    assert entries.clogs_words(program="x/clogs/__main__.py", config=config) == as_module
    with pytest.raises(ClogsError, match="line break"):
        entries.clogs_words(program="/a\nb/clogs", config=None)


def test_the_minute_stays_and_leaves_the_refresh_its_quarter() -> None:
    found = {entries.default_hourly(Path(f"/data/{number}")) for number in range(500)}
    assert found == {f"{minute} * * * *" for minute in range(15, 46)}
