"""Data on stdout, everything else on stderr, and nothing in either that drives a terminal."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from rich.text import Text

from clogs.errors import ClogsError
from clogs.terminal.console import Terminal, configure_logging, logger


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers, logger.handlers
    configure_logging(level="INFO", log_format="text")
    yield
    root.handlers, logger.handlers = before


def test_json_is_one_document_and_numbers_stay_numbers(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    Terminal(stdout_json=True).write_json({"a": Decimal("1.50"), "path": Path("x"), "none": None})
    assert json.loads(capfdbinary.readouterr().out) == {"a": 1.5, "path": "x", "none": None}


def test_json_escapes_what_a_terminal_would_obey(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    Terminal().write_json(hostile := "\x1b\x9b\x7f\u202e\u2066é")
    out = capfdbinary.readouterr().out
    assert out == b'"\\u001b\\u009b\\u007f\\u202e\\u2066\xc3\xa9"\n'
    assert json.loads(out) == hostile


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_message_drives_a_terminal(capfd: pytest.CaptureFixture[str], log_format: str) -> None:
    configure_logging(level="DEBUG", log_format=log_format)
    logger.debug("a\x1b[2Jb\nc\x9bd")
    Terminal().fail(ClogsError("e\x1bf", hint="g\x9bh"))
    err = capfd.readouterr().err
    assert not {"\x1b", "\x9b"} & set(err)
    assert "[2Jb" in err


def test_a_failure_is_told_on_stderr_with_its_next_step(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logging(level="ERROR", log_format="text")
    Terminal().fail(ClogsError("It broke.", hint="Mend it."))
    out, err = capfd.readouterr()
    assert out == ""
    assert [line.split(" ", 1)[1] for line in err.splitlines()] == ["ERROR It broke.", "ERROR   → Mend it."]


def test_a_failure_is_one_json_document_where_json_was_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    Terminal(stdout_json=True).fail(ClogsError("It broke."))
    document = {"message": "It broke.", "hint": None, "exit_code": 1}
    assert json.loads(capfd.readouterr().out) == {"error": document}


def test_a_failure_after_the_result_adds_no_second_document(capfd: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(stdout_json=True)
    terminal.summarize({"rows": 1}, "1 row")
    terminal.fail(ClogsError("It broke."))
    assert json.loads(capfd.readouterr().out) == {"rows": 1}


@pytest.mark.parametrize(("level", "out"), [("INFO", "1 row\n"), ("WARNING", "")])
def test_a_summary_is_silent_under_quiet(capfd: pytest.CaptureFixture[str], level: str, out: str) -> None:
    configure_logging(level=level, log_format="text")
    Terminal().summarize({}, "1 row")
    assert capfd.readouterr().out == out


def test_text_is_written_as_it_is(capfd: pytest.CaptureFixture[str]) -> None:
    Terminal().write("[red]" + "x" * 300)
    assert capfd.readouterr().out == "[red]" + "x" * 300 + "\n"


def test_no_line_ends_between_a_number_and_its_unit(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "13")
    Terminal().write(Text("12 files of 7.9 MiB in 3 min 20 s"))
    assert [line.rstrip() for line in capfd.readouterr().out.splitlines()] == [
        "12 files of", "7.9 MiB in", "3 min 20 s",
    ]  # fmt: skip


def test_messages_as_json_lines(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logging(level="INFO", log_format="json")
    Terminal().say("Two\nlines.")
    (line,) = capfd.readouterr().err.splitlines()
    assert json.loads(line).items() >= {"level": "INFO", "message": "Two\nlines."}.items()


def test_the_warnings_of_libraries_stay_unsaid(capfd: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("some.library").warning("Look here!")
    assert capfd.readouterr().err == ""


def test_progress_is_silent_where_there_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with Terminal().progress("load") as progress:
        progress(1, 2)
    assert capfd.readouterr() == ("", "")
