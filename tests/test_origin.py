"""Who wrote transcripts, and where: what is given, else what the system says."""

from __future__ import annotations

import getpass
import platform

import pytest

from clogs.transcripts.origin import Origin, origin

pytestmark = pytest.mark.every_python


def test_by_default_they_are_the_login_and_the_host_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "node", lambda: "laptop")
    monkeypatch.setenv("LOGNAME", "ann")
    assert origin() == Origin(user_name="ann", machine_name="laptop")
    assert origin(user="dana").fields == {"userName": "dana", "machineName": "laptop"}


@pytest.mark.parametrize("error", [KeyError, OSError, ImportError])
def test_a_user_without_a_name_has_none(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def fail() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", fail)
    monkeypatch.setattr(platform, "node", lambda: "")
    assert origin().fields == {}


@pytest.mark.parametrize(
    ("given", "name"),
    [(" ann\n", "ann"), ("Ann Smith", "Ann Smith"), ("\u00e4", "\u00e4"), ("a\udcff", "a?"), (" ", "")],
)
def test_names_are_texts_without_blanks_around_them(given: str, name: str) -> None:
    assert origin(user=given, machine=given) == Origin(user_name=name, machine_name=name)
