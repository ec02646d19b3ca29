"""Every command block of README and docs runs, in the order of its page, and prints what the page shows.

A page is one terminal, from its first block to its last. Comments before a block say what is not seen:
``<!-- first: COMMANDS -->`` what has happened until then, ``<!-- not run: REASON -->`` why it cannot run.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from built import SAMPLES, fill
from conftest import PROJECT, Workspace

from clogs.settings import load_settings

GENERATED = {"reference.md"}

PAGES = [
    PROJECT / "README.md",
    *sorted(page for page in (PROJECT / "docs").rglob("*.md") if page.name not in GENERATED),
]
FROM_NOTHING = (PROJECT / "docs" / "tutorial.md", PROJECT / "README.md")
"""Pages whose reader has no data yet. They are one story: README goes on where the tutorial ends."""

STORIES = [FROM_NOTHING, *((page,) for page in PAGES if page not in FROM_NOTHING)]
"""Pages in one terminal. All but the first find the samples in the warehouse."""

BLOCK = re.compile(
    r"((?:^<!-- .*? -->\n)*)^```(sh|console|python|toml)\n(.*?)^```$", re.DOTALL | re.MULTILINE
)
COMMENT = re.compile(r"<!-- (first|not run): (.*?) -->", re.DOTALL)
LOG_PREFIX = re.compile(r"^\d{4}-\d\d-\d\dT\S+ (?:INFO|WARNING|ERROR) ", re.MULTILINE)
"""What stands before a message where stderr is no terminal."""

NUMBER = r"\d(?:[\d,:]|\\?[-.](?=\d))*(?:(?:\\? \d+)?\\? (?:s|min|h|d|KiB|MiB)\b)*"
"""A number, a time, a size or a duration: they are others each time. Spaces may be escaped, for patterns."""

SETTINGS = """\
[mongo]
uri = "{MONGO_URI}"
db = "{MONGO_DB}"
collection = "{MONGO_COLLECTION}"

[data]
dir = "{DATA}"
"""
"""What the reader sets: ``~/mine.toml``, and where clogs finds it unless the page begins with nothing."""

IN_SETTINGS = {"DATA_DIR", "MONGO_COLLECTION", "MONGO_DB", "MONGO_URI"}
SHOWN = {"HOME": "/home/ann", "MONGO_DB": "claude_logs", "MONGO_COLLECTION": "conversations"}
"""What pages show in place of a test's own names."""

END = "\x1e"


@dataclass(frozen=True)
class Step:
    """A command of a page.

    Attributes:
        command: As the reader types it.
        shown: Lines that the page shows of its output, in their order.
        may_fail: The page goes on to look at the exit code.
    """

    command: str
    shown: tuple[str, ...] = ()
    may_fail: bool = False


@dataclass(frozen=True)
class Block:
    """A block of a page, with what the comments before it say."""

    language: str
    text: str
    first: tuple[str, ...]
    not_run: str | None


def blocks(page: Path) -> list[Block]:
    found = []
    for comments, language, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        said = COMMENT.findall(comments)
        first = tuple(words for kind, words in said if kind == "first")
        not_run = next((words for kind, words in said if kind == "not run"), None)
        found.append(Block(language, text, first, not_run))
    return found


def commands(block: Block) -> Iterator[Step]:
    """The commands of a block, and what is shown of their output."""
    yield from map(Step, block.first)
    if block.language == "python":
        yield Step(f"python3 - <<'END'\n{block.text}END")
        return
    is_console, command, shown = block.language == "console", "", list[str]()
    for line in block.text.splitlines():
        if command and not is_whole(command):
            command += f"\n{line}"
        elif is_console and not line.startswith("$ "):
            shown.append(line)
        else:
            if command:
                yield Step(command, tuple(shown))
            command, shown = line.removeprefix("$ "), []
    yield Step(command, tuple(shown))


def is_whole(command: str) -> bool:
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return False
    return not command.endswith("\\")


def steps(pages: tuple[Path, ...]) -> list[Step]:
    """All that is run of some pages."""
    every = [block for page in pages for block in blocks(page)]
    runnable = [block for block in every if block.language != "toml" and not block.not_run]
    found = [step for block in runnable for step in commands(block)]
    return [
        replace(step, may_fail=[after.command for after in found[place:][:1]] == ["echo $?"])
        for place, step in enumerate(found, start=1)
    ]


def world(workspace: Workspace, *, has_data: bool) -> Workspace:
    """A machine of the reader's: ``clogs`` and ``python3``, transcripts and, maybe, data."""
    home, bin_dir = Path(workspace.environment["HOME"]), workspace.folder.parent / "bin"
    bin_dir.mkdir()
    programs = {
        "clogs": f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m clogs "$@"\n',
        "python3": f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n',
    }
    for name, text in programs.items():
        (bin_dir / name).write_text(text, encoding="utf-8")
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


def run_all(found: list[Step], workspace: Workspace) -> list[tuple[str, int]]:
    """Run commands in one shell.

    Returns:
        What each printed, on both streams, and its exit code.
    """
    mark = f"code=$?; printf '{END}%s{END}' $code; (exit $code)"
    script = "\n".join(["exec 2>&1", *(f"{step.command}\n{mark}" for step in found), "exit 0"])
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
    parts = finished.stdout.split(END)
    return [(output, int(code)) for output, code in zip(parts[::2], parts[1::2], strict=False)]


def lines(output: str, names: dict[str, str]) -> list[str]:
    """What a reader sees on the terminal, with one space between words."""
    seen = LOG_PREFIX.sub("", output)
    for name, shown in SHOWN.items():
        seen = seen.replace(names[name], shown)
    return [" ".join(line.split()) for line in seen.splitlines() if line.strip()]


def pattern(shown: str) -> str:
    """A line of the page as a pattern: numbers may be others, and … is anything."""
    text = re.escape(" ".join(shown.split())).replace("…", ".*")
    return re.sub(NUMBER, lambda _: NUMBER, text)


def missing(shown: tuple[str, ...], seen: list[str]) -> list[str]:
    """The shown lines that are not seen, or not in that order."""
    rest = iter(seen)
    wanted = [line for line in shown if line.strip() not in {"", "…"}]
    return [line for line in wanted if not any(re.fullmatch(pattern(line), each) for each in rest)]


@pytest.mark.parametrize("pages", STORIES, ids=lambda pages: " ".join(page.name for page in pages))
def test_every_command_runs_and_prints_what_is_shown(
    mongo_workspace: Workspace, pages: tuple[Path, ...]
) -> None:
    found = steps(pages)
    workspace = world(mongo_workspace, has_data=pages != FROM_NOTHING) if found else mongo_workspace
    ended = run_all(found, workspace)
    for step, (output, code) in zip(found, ended, strict=True):
        seen = lines(output, mongo_workspace.environment)
        assert step.may_fail or code == 0, (step.command, code, seen)
        assert not missing(step.shown, seen), (step.command, missing(step.shown, seen), seen)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_settings_block_is_valid(tmp_path: Path, page: Path) -> None:
    for number, block in enumerate(block for block in blocks(page) if block.language == "toml"):
        file = tmp_path / f"{number}.toml"
        file.write_text(block.text, encoding="utf-8")
        load_settings(config=file, environ={})


def test_few_blocks_are_not_run_and_each_says_why() -> None:
    every = [block for page in PAGES for block in blocks(page)]
    not_run = [block.not_run for block in every if block.not_run is not None]
    assert [reason for reason in not_run if len(reason.split()) < 3] == []
    assert len(not_run) <= len(every) / 5


def test_no_block_is_written_so_that_it_is_overlooked() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    fences = re.findall(r"^[ >]*```(.*)$", text, re.MULTILINE)
    found = [block.language for page in PAGES for block in blocks(page)]
    others = {"crontab", "javascript", "mermaid", "sql", "text"}
    assert sorted(each for each in fences if each not in {"", *others}) == sorted(found)
    assert fences.count("") == len(fences) / 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
