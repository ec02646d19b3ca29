"""docs/reference.md is what the commands, the errors and clogs.toml say."""

from __future__ import annotations

import inspect
import re

import pytest
from command_page import COMMAND, PAGE, command_names, page, settings

from clogs import errors
from clogs.cli import COMMANDS
from clogs.errors import ClogsError
from clogs.settings.model import known_keys

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_page_is_up_to_date() -> None:
    assert page() == TEXT, f"The code says something else. Run: {COMMAND}"


def test_it_has_every_command_and_each_of_its_own() -> None:
    headings = re.findall(r"^####? clogs (.+)$", TEXT, re.MULTILINE)
    assert headings == command_names()
    assert {heading for heading in headings if " " not in heading} == set(COMMANDS)
    assert {"dead-letters list", "dead-letters replay"} <= set(headings)


@pytest.mark.parametrize("name", command_names())
def test_a_command_is_shown_as_it_is_typed(name: str) -> None:
    assert f"\nUsage: clogs {name}" in TEXT


def test_it_has_every_exit_code() -> None:
    codes = {int(code) for code in re.findall(r"^\| (\d+) \| [A-Z].*\. \|$", TEXT, re.MULTILINE)}
    classes = [
        each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, ClogsError)
    ]
    assert codes == {each.exit_code for each in classes} | {0, 129, 130, 143}


def test_it_has_every_setting_and_no_other() -> None:
    assert set(settings()) == set(known_keys())
    assert re.findall(r"^\| `(\w+\.\w+)`", TEXT, re.MULTILINE) == list(known_keys())


def test_the_words_on_a_setting_are_sentences() -> None:
    assert [key for key, (_, words) in settings().items() if not re.match(r"[A-Z].*[.`]$", words)] == []
