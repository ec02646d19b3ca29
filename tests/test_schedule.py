"""``clogs schedule``: entries in cron or systemd, and a crontab of which only the marked block is touched."""

from __future__ import annotations

import json
import pwd
import shlex
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import ANY
from zoneinfo import ZoneInfo

import pytest
from conftest import Workspace
from hypothesis import given
from hypothesis import strategies as st

from clogs.errors import ClogsError, UsageError
from clogs.runs.lock import run_lock
from clogs.schedule import cron, crontab, entries, rehearsal, schedulers, systemd
from clogs.schedule.entries import Entry

GOLDEN = Path(__file__).parent / "golden"
BERLIN = ZoneInfo("Europe/Berlin")

CRONTAB = """\
#!{python}
# Keeps a crontab in a file beside itself, and says what Debian's says.
import sys
from pathlib import Path

here = Path(__file__).parent
table = here / "table"
with (here / "calls").open("a") as calls:
    print(*sys.argv[1:], file=calls)
if (here / "denied").exists():
    sys.exit("You (ann) are not allowed to use this program (crontab)\\nSee crontab(1) for more information")
if sys.argv[1:] == ["-l"]:
    if not table.exists():
        sys.exit("no crontab for ann")
    sys.stdout.buffer.write(table.read_bytes())
    if (here / "next").exists():
        (here / "next").rename(table)
elif sys.argv[1:] == ["-r"]:
    table.unlink()
elif sys.argv[1:] == ["-"]:
    given = sys.stdin.buffer.read()
    if not given.endswith(b"\\n"):
        sys.exit("new crontab file is missing newline before EOF, can't install.")
    table.write_bytes(given)
"""
SYSTEMCTL = """\
#!{python}
import sys
from pathlib import Path

here = Path(__file__).parent
with (here / "calls").open("a") as calls:
    print(*sys.argv[1:], file=calls)
if (here / "no-bus").exists():
    sys.exit("Failed to connect to bus: No medium found")
"""

HOURLY = Entry(
    name="hourly", expression="17 * * * *", words=("/usr/bin/clogs", "--config", "/a.toml", "pipeline")
)
IMPORT = Entry(
    name="import", expression="12 * * * *", words=("/usr/bin/clogs", "--quiet", "import", "/a/.claude")
)
REFRESH = Entry(
    name="refresh", expression="0 2 * * *", words=("/usr/bin/clogs", "pipeline", "--full-refresh")
)
BOTH = (HOURLY, REFRESH)
BLOCK = b"""\
# BEGIN clogs (managed by clogs schedule)
17 * * * * CLOGS_TRIGGER=cron /usr/bin/clogs --config /a.toml pipeline
0 2 * * * CLOGS_TRIGGER=cron /usr/bin/clogs pipeline --full-refresh
# END clogs
"""
UTC_FILE = b"TZif" + bytes(16) + struct.pack(">6l", 0, 0, 0, 0, 1, 4) + bytes(6) + b"UTC\0"
"""What /etc/localtime may hold: tzfile(5), with one time zone and no change of it."""
OTHERS = b"MAILTO=ann\r\n# caf\xe9 100\\%\n\n*/5 * * * * date\n"


@dataclass
class Tools:
    """A folder of commands to be the PATH, with what they keep."""

    folder: Path

    @property
    def table(self) -> bytes | None:
        path = self.folder / "table"
        return path.read_bytes() if path.exists() else None

    @table.setter
    def table(self, content: bytes) -> None:
        (self.folder / "table").write_bytes(content)

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text(encoding="utf-8").splitlines()

    def add(self, name: str, script: str) -> None:
        path = self.folder / name
        path.write_text(script.format(python=sys.executable), encoding="utf-8")
        path.chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    made = Tools(tmp_path / "bin")
    made.folder.mkdir()
    made.add("crontab", CRONTAB)
    return made


@pytest.fixture
def only_tools(tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    monkeypatch.setenv("PATH", str(tools.folder))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tools


# expressions


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


# entries


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


# the block


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


def test_a_block_whose_lines_are_commented_out_schedules_nothing(only_tools: Tools) -> None:
    only_tools.table = OTHERS + BLOCK.replace(b"\n17", b"\n#17").replace(b"\n0 2", b"\n# 0 2")
    assert (schedulers.installed(), schedulers.next_scheduled()) == (None, None)
    assert schedulers.remove()
    assert only_tools.table == OTHERS


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


# the crontab


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


def test_the_next_run_is_the_first_of_all(only_tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedulers, "local_zone", lambda: BERLIN)
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


# systemd


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


# the rehearsal


def rehearse(
    words: Sequence[str], settings: Mapping[str, object] = {}, variables: Mapping[str, str] = {}
) -> None:
    rehearsal.rehearse(tuple(words), settings, scheduler="cron", variables=variables)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["/nowhere/clogs"], "as under cron, this fails: /nowhere/clogs config --json: .*not found"),
        (["/usr/bin/env", "false"], "exit code 1"),
        (["/usr/bin/env", "echo", "nonsense"], "this fails: /usr/bin/env echo"),
    ],
)
def test_a_command_that_fails_in_a_bare_environment(words: list[str], reason: str) -> None:
    with pytest.raises(ClogsError, match=reason):
        rehearse(words)


def test_settings_that_differ_under_cron_are_named() -> None:
    answer = '{"settings": {"a": {"value": 1}, "b": {"value": "$B"}}}'
    shell = ("/bin/sh", "-c", f"echo {json.dumps(answer)}")
    rehearse(shell, {"a": 1, "b": "2", "logging.level": "ERROR"}, {"B": "2"})
    with pytest.raises(ClogsError, match=r"^These settings differ under cron: b, c(, for|\.$)"):
        rehearse(shell, {"a": 1, "b": Path("/b"), "c": 3})


def test_the_variable_that_makes_settings_differ_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    monkeypatch.setenv("DATA_DIR", "/more/data")
    shell = ("/bin/sh", "-c", """echo '{"settings": {}}'""")
    with pytest.raises(
        ClogsError, match=r"data\.dir, for these variables do: .*XDG_DATA_HOME, .*DATA_DIR\.$"
    ):
        rehearse(shell, {"data.dir": "/data/clogs"})


ON_CRONS_PATH = ("/bin/sh", "-c", """[ "$PATH" = /usr/bin:/bin ] && echo '{"settings": {}}'""")
AS_ONESELF = ("/bin/sh", "-c", """[ "$LOGNAME" != another ] && echo '{"settings": {}}'""")


def test_the_environment_is_crons() -> None:
    rehearse(ON_CRONS_PATH, variables={"A": "1"})
    rehearse(AS_ONESELF, variables={"LOGNAME": "another"})


@pytest.mark.parametrize(
    "variables", [{"HOME": "/nowhere"}, {"SHELL": "/nowhere"}, {"PATH": "/nowhere"}, {"A": "\0"}]
)
def test_variables_of_the_crontab_count(variables: dict[str, str]) -> None:
    with pytest.raises(ClogsError, match="this fails"):
        rehearse(ON_CRONS_PATH, variables=variables)


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


def test_cron_runs_nothing_for_an_unknown_user(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(user: int) -> pwd.struct_passwd:
        raise KeyError(user)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(ClogsError, match="no user with the id"):
        rehearse([])


# the command


DAEMON = """
import sys
from pathlib import Path
if sys.platform == "linux":
    Path("/proc/self/comm").write_text("cron")
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture
def daemon() -> Iterator[None]:
    """A process that is named as cron's daemon is."""
    with subprocess.Popen(
        [sys.executable, "-c", DAEMON], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        assert running.stdout
        running.stdout.readline()
        yield
        running.kill()


@pytest.fixture
def scheduled(workspace: Workspace, tools: Tools, daemon: None) -> Workspace:  # noqa: ARG001
    """A workspace with its settings in a file, and the system's commands."""
    folder = workspace.folder / "it's 100% mine"
    folder.mkdir()
    kept = {key: value for key, value in workspace.environment.items() if not key.startswith("MONGO_")}
    data = kept.pop("DATA_DIR")
    (folder / "clogs.toml").write_text(
        f'[mongo]\nuri = "mongodb://ann:s3cret@127.0.0.1:9"\n[data]\ndir = "{data}"\n', encoding="utf-8"
    )
    return Workspace(folder, kept | {"PATH": f"{tools.folder}:{kept['PATH']}"})


def run(workspace: Workspace, *arguments: str, **variables: str) -> str:
    finished = workspace.run("schedule", *arguments, **variables)
    assert (finished.returncode, finished.stderr) == (0, "")
    return finished.stdout


def run_json(workspace: Workspace, *arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run(workspace, *arguments, "--json"))
    return document


@pytest.mark.parametrize("command", ["install", "show", "remove"])
def test_help(workspace: Workspace, command: str) -> None:
    golden = GOLDEN / f"schedule-{command}.txt"
    assert run(workspace, command, "--help", COLUMNS="100") == golden.read_text(encoding="utf-8")


def test_it_is_installed_shown_and_removed(scheduled: Workspace, tools: Tools) -> None:
    tools.table = OTHERS
    assert run(scheduled) == run(scheduled, "show") == "Not scheduled.\n"
    first = run_json(scheduled, "install")
    assert (first["by"], first["changed"], first["dry_run"]) == ("cron", True, False)
    config = scheduled.folder / "clogs.toml"
    begin = [sys.executable, "-m", "clogs", "--config", str(config), "--quiet", "pipeline"]
    assert [shlex.split(each["command"]) for each in first["entries"]] == [
        begin,
        [*begin, "--reconcile", "--full-refresh"],
    ]
    assert first["entries"][1]["expression"] == "0 2 * * *"
    assert run_json(scheduled, "install")["changed"] is False
    assert tools.table
    assert tools.table.startswith(OTHERS)
    assert b"s3cret" not in tools.table
    assert b" 100\\% mine" in tools.table.removeprefix(OTHERS)
    began = datetime.now(UTC)
    shown = run_json(scheduled, "show")
    assert [datetime.fromisoformat(each["next"]) > began for each in shown["entries"]] == [True, True]
    assert [each | {"next": ANY} for each in first["entries"]] == shown["entries"]
    text = " ".join(run(scheduled).split())
    assert "full refresh 0 2 * * * 20" in text
    assert text.endswith(f"Run by cron, in local time: {shown['time_zone']}.")
    assert "full refresh  0 2 * * *" in run(scheduled, "remove", "--dry-run")
    assert run_json(scheduled, "show")["by"] == "cron"
    assert run(scheduled, "remove") == "Removed: nothing is scheduled any more.\n"
    assert tools.table == OTHERS
    assert run(scheduled, "remove") == "Not scheduled.\n"
    assert run_json(scheduled, "show")["entries"] == []


@pytest.mark.skipif(
    sys.platform != "linux" or not crontab.daemon_is_missing(), reason="a cron daemon runs, or cannot be seen"
)
def test_without_a_daemon_it_says_so(workspace: Workspace, tools: Tools) -> None:
    variables = {"PATH": f"{tools.folder}:{workspace.environment['PATH']}"}
    (workspace.folder / "clogs.toml").write_text('[data]\ndir = "data"\n', encoding="utf-8")
    kept = {
        key: value for key, value in workspace.environment.items() if "MONGO" not in key and key != "DATA_DIR"
    }
    finished = Workspace(workspace.folder, kept).run("schedule", "install", **variables)
    assert finished.returncode == 0
    assert "WARNING No cron daemon runs here" in finished.stderr


def test_other_times_as_a_dry_run_shows_them(scheduled: Workspace, tools: Tools) -> None:
    times = ("--hourly", "*/20 * * * *", "--daily-refresh", "30 4 * * sun")
    shown = run(scheduled, "install", *times, "--dry-run")
    assert set(tools.calls) <= {"-l"}
    run(scheduled, "install", *times)
    assert tools.table
    assert shown == tools.table.decode()
    assert [" ".join(line.split()[:5]) for line in shown.splitlines()[1:3]] == [times[1], times[3]]
    run(scheduled, "install", "--hourly", "@hourly", "--no-daily-refresh")
    (line,) = tools.table.decode().splitlines()[1:-1]
    assert line.startswith("@hourly CLOGS_TRIGGER=cron ")
    assert "OnCalendar=*-*-* 02:00:00\n" in run(scheduled, "install", "--systemd", "--dry-run")


@pytest.fixture
def transcripts(tmp_path: Path) -> Path:
    """Claude Code's folder, with one transcript."""
    folder = tmp_path / "my 100% .claude"
    (folder / "projects" / "app").mkdir(parents=True)
    (folder / "projects" / "app" / "one.jsonl").write_text("{}\n", encoding="utf-8")
    return folder


def planned(document: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["expression"] for each in document["entries"]}


def test_an_import_alone_is_all_that_a_machine_without_a_warehouse_has(
    scheduled: Workspace, tools: Tools, transcripts: Path
) -> None:
    shown = run(scheduled, "install", "--import", str(transcripts), "--dry-run")
    assert set(tools.calls) <= {"-l"}
    first = run_json(scheduled, "install", "--import", str(transcripts))
    assert tools.table
    assert shown == tools.table.decode()
    ((name, expression),) = planned(first).items()
    assert (name, int(expression.removesuffix(" * * * *")) in range(10, 41)) == ("import", True)
    words = shlex.split(first["entries"][0]["command"])
    assert words[-3:] == ["--quiet", "import", str(transcripts)]
    assert words[:-3] == [sys.executable, "-m", "clogs", "--config", str(scheduled.folder / "clogs.toml")]
    assert planned(run_json(scheduled, "show")) == planned(first)
    assert run_json(scheduled, "install", "--import", str(transcripts))["changed"] is False
    assert run(scheduled, "remove") == "Removed: nothing is scheduled any more.\n"
    assert tools.table is None


@pytest.mark.parametrize("systemd", [[], ["--systemd"]], ids=["cron", "systemd"])
def test_import_and_pipeline_are_installed_together_or_one_by_one(
    scheduled: Workspace, tools: Tools, transcripts: Path, systemd: list[str]
) -> None:
    tools.add("systemctl", SYSTEMCTL)

    def install(*arguments: str) -> dict[str, str]:
        finished = scheduled.run("schedule", "install", *arguments, *systemd, "--json")
        return planned(json.loads(finished.stdout))

    assert install("--hourly", "3 * * * *") == {"hourly": "3 * * * *", "refresh": "0 2 * * *"}
    every = {"import": "58 * * * *", "hourly": "3 * * * *", "refresh": "0 2 * * *"}
    assert install("--import", str(transcripts)) == every
    without_refresh = {"import": "58 * * * *", "hourly": "9 * * * *"}
    assert install("--hourly", "9 * * * *", "--no-daily-refresh") == without_refresh
    both = install("--import", str(transcripts), "--hourly", "9 * * * *", "--daily-refresh", "0 4 * * *")
    assert both == {"import": "4 * * * *", "hourly": "9 * * * *", "refresh": "0 4 * * *"}
    assert planned(run_json(scheduled, "show")) == both
    assert run_json(scheduled, "remove")["changed"] is True


def test_a_scheduled_import_leaves_its_work_to_the_next_without_a_word(
    scheduled: Workspace, transcripts: Path, tmp_path: Path
) -> None:
    command = ("--quiet", "import", transcripts)
    with run_lock(tmp_path / "data" / "state", command="pipeline"):
        by_cron = scheduled.run(*command, CLOGS_TRIGGER="cron")
        by_hand = scheduled.run(*command)
    assert (by_cron.returncode, by_cron.stderr) == (75, "")
    assert (by_hand.returncode, "Another run holds the lock" in by_hand.stderr) == (75, True)


def test_timers_by_the_command(scheduled: Workspace, tools: Tools) -> None:
    tools.add("systemctl", SYSTEMCTL)
    finished = scheduled.run("schedule", "install", "--systemd")
    assert finished.returncode == 0
    assert "Run by systemd, in local time: " in finished.stdout
    assert "loginctl enable-linger" in finished.stderr
    assert run_json(scheduled, "remove")["by"] == "systemd"


SECRET = {"MONGO_URI": "mongodb://ann:hidden@127.0.0.1", "DATA_DIR": "x"}


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "message"),
    [
        ("--hourly 9", {}, 2, "--hourly: '9' is not a cron expression"),
        ("--daily-refresh=", {}, 2, "--daily-refresh: '' is not a cron expression"),
        ("--daily-refresh 1 --no-daily-refresh", {}, 2, "exclude each other"),
        ("--import missing", {}, 2, "missing does not exist."),
        ("--import .", {}, 2, "No transcripts (*.jsonl) found."),
        ("--config missing.toml", {}, 78, "missing.toml does not exist (--config)"),
        ("", SECRET, 78, "These variables of this shell do not reach a scheduled run: MONGO_URI, DATA_DIR."),
        (
            "--config /dev/null",
            {"XDG_DATA_HOME": "/elsewhere"},
            1,
            "These settings differ under cron: data.dead_letter_dir, data.dir, data.raw_dir, ",
        ),
    ],
)
def test_what_cannot_be_scheduled(
    scheduled: Workspace,
    tools: Tools,
    *,
    arguments: str,
    variables: dict[str, str],
    code: int,
    message: str,
) -> None:
    finished = scheduled.run("schedule", "install", *arguments.split(), "--json", **variables)
    assert (finished.returncode, json.loads(finished.stdout)["error"]["exit_code"]) == (code, code)
    assert message in finished.stderr
    assert "hidden" not in finished.stderr
    assert tools.table is None
