"""Every command block of README and docs runs, and prints the lines that the page shows.

A page is one terminal, from its first block to its last. Comments before a block say what the reader does not
see: ``<!-- first: COMMANDS -->`` what happened until then, ``<!-- not run: REASON -->`` why it cannot run. A
shown line is compared as it is, but for the number of blanks; where it ends in …, as far as that.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from built import SAMPLES, fill
from conftest import PROJECT, Workspace

from clogs.settings import load_settings

pytestmark = pytest.mark.slow

PAGES = sorted(
    {PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md")} - {PROJECT / "docs" / "reference.md"}
)
NEWCOMER = (PROJECT / "docs" / "tutorial.md", PROJECT / "README.md")
"""One terminal of a reader without data; the README goes on where the tutorial ends."""

STORIES = [NEWCOMER, *((page,) for page in PAGES if page not in NEWCOMER)]
BLOCK = re.compile(
    r"((?:^<!-- .*? -->\n)*)^```(sh|console|python|toml)\n(.*?)^```$", re.DOTALL | re.MULTILINE
)
COMMENT = re.compile(r"<!-- (first|not run): (.*?) -->", re.DOTALL)
LOG_PREFIX = re.compile(r"^\d{4}-\d\d-\d\dT\S+ (?:INFO|WARNING|ERROR) ", re.MULTILINE)
"""What stands before a message where stderr is no terminal."""

SETTINGS = """\
[mongo]
uri = "{MONGO_URI}"
db = "{MONGO_DB}"
collection = "{MONGO_COLLECTION}"

[data]
dir = "{DATA}"
"""
IN_SETTINGS = {"DATA_DIR", "MONGO_COLLECTION", "MONGO_DB", "MONGO_URI"}
SHOWN = {"HOME": "/home/ann", "MONGO_DB": "claude_logs", "MONGO_COLLECTION": "conversations"}
"""What pages show in place of a test's own names."""

END = "\x1e"


class Block(NamedTuple):
    """A block of a page, and what the comments before it say."""

    language: str
    text: str
    first: list[str]
    not_run: str | None


class Command(NamedTuple):
    """A command, and the lines that the page shows of its output."""

    text: str
    shown: list[str]


def blocks(page: Path) -> Iterator[Block]:
    for comments, language, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        said = COMMENT.findall(comments)
        first = [words for kind, words in said if kind == "first"]
        yield Block(language, text, first, next((words for kind, words in said if kind == "not run"), None))


def commands(block: Block) -> Iterator[Command]:
    yield from (Command(each, []) for each in block.first)
    if block.language == "python":
        yield Command(f"python3 - <<'END'\n{block.text}END", [])
    elif block.language == "sh":
        yield Command(block.text.rstrip(), [])
    else:
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, *shown = part.splitlines()
            yield Command(command, [" ".join(line.split()) for line in shown if line.strip()])


def world(workspace: Workspace, *, has_data: bool) -> Workspace:
    """A reader's machine: ``clogs`` and ``python3``, transcripts and, maybe, data."""
    home, bin_dir = Path(workspace.environment["HOME"]), workspace.folder.parent / "bin"
    bin_dir.mkdir()
    for name, words in {"clogs": [sys.executable, "-m", "clogs"], "python3": [sys.executable]}.items():
        (bin_dir / name).write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
        (bin_dir / name).chmod(0o755)
    data, given = home / ".local" / "share" / "clogs", workspace.environment
    own = home / "mine.toml"
    own.write_text(SETTINGS.format_map(given | {"DATA": str(data)}), encoding="utf-8")
    own.chmod(0o600)
    shutil.copytree(SAMPLES, home / ".claude")
    if has_data:
        fill(Workspace(home, {"DATA_DIR": str(data)}))
        (home / ".config" / "clogs").mkdir(parents=True)
        shutil.copy(own, home / ".config" / "clogs" / "clogs.toml")
    kept = {name: value for name, value in given.items() if name not in IN_SETTINGS}
    return Workspace(home, kept | {"PATH": f"{bin_dir}:{given['PATH']}", "COLUMNS": "400"})


def run_all(
    found: list[Command], workspace: Workspace, names: dict[str, str]
) -> Iterator[tuple[list[str], int]]:
    """Run commands in one shell; yields the lines that each printed, on both streams, and its exit code."""
    mark = f"code=$?; printf '{END}%s{END}' $code; (exit $code)"
    script = "\n".join(["exec 2>&1", *(f"{command.text}\n{mark}" for command in found), "exit 0"])
    finished = subprocess.run(
        ["bash", "-c", script],  # noqa: S607  # whichever bash there is
        cwd=workspace.folder,
        env=workspace.environment,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        timeout=300,
    )
    output = finished.stdout
    for name, shown in names.items():
        output = output.replace(name, shown)
    parts = output.split(END)
    for text, code in zip(parts[::2], parts[1::2], strict=False):
        yield [" ".join(line.split()) for line in LOG_PREFIX.sub("", text).splitlines()], int(code)


def is_seen(shown: str, lines: list[str]) -> bool:
    if shown.endswith("…"):
        return any(line.startswith(shown.removesuffix("…").rstrip()) for line in lines)
    return shown in lines


@pytest.mark.parametrize("pages", STORIES, ids=lambda pages: " ".join(page.name for page in pages))
def test_every_command_runs_and_prints_what_is_shown(
    mongo_workspace: Workspace, pages: tuple[Path, ...]
) -> None:
    runnable = [
        block for page in pages for block in blocks(page) if block.language != "toml" and not block.not_run
    ]
    found = [command for block in runnable for command in commands(block)]
    workspace = world(mongo_workspace, has_data=pages != NEWCOMER)
    names = {
        workspace.environment.get(name, mongo_workspace.environment[name]): SHOWN[name] for name in SHOWN
    }
    for place, (command, (lines, code)) in enumerate(
        zip(found, run_all(found, workspace, names), strict=True)
    ):
        is_code_asked = [each.text for each in found[place + 1 : place + 2]] == ["echo $?"]
        assert code == 0 or is_code_asked, (command.text, code, lines)
        assert [each for each in command.shown if not is_seen(each, lines)] == [], (command.text, lines)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_settings_block_is_valid(tmp_path: Path, page: Path) -> None:
    for block in blocks(page):
        if block.language == "toml":
            (tmp_path / "clogs.toml").write_text(block.text, encoding="utf-8")
            load_settings(config=tmp_path / "clogs.toml", environ={})


def test_few_blocks_are_not_run() -> None:
    every = [block for page in PAGES for block in blocks(page)]
    assert len([block for block in every if block.not_run]) <= len(every) / 5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
