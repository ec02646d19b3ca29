"""What is scheduled is tried first as the scheduler would run it."""

from __future__ import annotations

import json
import pwd
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from clogs.errors import ClogsError
from clogs.schedule import rehearsal


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


def test_cron_runs_nothing_for_an_unknown_user(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(user: int) -> pwd.struct_passwd:
        raise KeyError(user)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(ClogsError, match="no user with the id"):
        rehearse([])
