"""Every command that a message, a hint or a help text names is one that the command line takes."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator

import pytest
from conftest import PROJECT
from cyclopts import CycloptsError

from clogs.cli import COMMANDS, app

OPTION = r"--?[a-z][a-z-]*(?: (?:all|import)\b)?"
GROUPS = r"(?<=dead-letters )(?:list|show|replay|purge)|(?<=schedule )(?:install|show|remove)"
WORD = rf"{OPTION}|{GROUPS}|~/\.claude|NAME\b|'[^']+'|\"[^\"]+\""
COMMAND = re.compile(rf"\bclogs (?:{'|'.join(COMMANDS)})\b(?: (?:{WORD}))*")
"""A command up to the word that goes on with the sentence."""


def texts(node: ast.AST) -> Iterator[str]:
    """All texts of a module but docstrings, with a word for each value put into them."""
    if isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "import" for part in node.values)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        for each in ast.iter_child_nodes(node):
            yield from texts(each)


def named() -> list[str]:
    """All commands that are named, each once."""
    files = [PROJECT / "clogs.toml", *(PROJECT / "tests" / "golden").iterdir()]
    said = [re.sub("^Usage:.*", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE) for path in files]
    for path in (PROJECT / "clogs").rglob("*.py"):
        said += texts(ast.parse(path.read_text(encoding="utf-8")))
    return sorted({found for text in said for found in COMMAND.findall(text)})


def test_they_are_found() -> None:
    assert {"clogs doctor", "clogs tables NAME", "clogs import ~/.claude", "clogs demo"} <= set(named())
    assert {"clogs pipeline --full-refresh", "clogs dead-letters list --stage import"} <= set(named())


@pytest.mark.parametrize("command", named())
def test_the_command_line_takes_it(command: str) -> None:
    _, *words = shlex.split(command)
    app.parse_args(words, exit_on_error=False, print_error=False)


def test_one_that_does_not_exist_would_be_noticed() -> None:
    with pytest.raises(CycloptsError):
        app.parse_args(["pipeline", "--full-refreshing"], exit_on_error=False, print_error=False)
