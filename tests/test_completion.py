"""``clogs completion``: scripts that the shells take, and that complete as one would expect."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import Workspace, new_workspace

BASH = """
. ./script
COMP_WORDS=({words}) COMP_CWORD=$(({count} - 1))
_clogs
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
ZSH = """
zmodload zsh/zpty
zpty -b shell zsh -f -i
zpty -w shell "fpath=($PWD \\$fpath); autoload -Uz compinit; compinit -u -D"
zpty -w shell "clogs() {{ echo RAN:\\$*:; }}; echo SET-UP"
zpty -r shell line "*SET-UP*SET-UP*"
zpty -n -w shell $'clogs {typed}\\t\\n'
zpty -r shell line "*RAN:*:*"
print -r -- ${{${{line##*RAN:}}%%:*}}
zpty -d shell
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The script of each shell."""
    workspace = new_workspace(tmp_path_factory.mktemp("completion"), "mongodb://127.0.0.1:9", "none")
    found = {}
    for shell in ("bash", "zsh", "fish"):
        stdout = workspace.output("completion", shell)
        folder = workspace.folder / shell
        folder.mkdir()
        found[shell] = folder / ("_cyclopts_clogs" if shell == "zsh" else "script")
        found[shell].write_text(stdout, encoding="utf-8")
    return found


def run(shell: str, *arguments: str | Path, folder: Path) -> str:
    """What a shell prints, where it is installed."""
    if not (path := shutil.which(shell)):
        pytest.skip(f"{shell} is not installed")
    command = [path, *map(str, arguments)]
    finished = subprocess.run(
        command, check=True, capture_output=True, encoding="utf-8", cwd=folder, timeout=30
    )
    assert finished.stderr == ""
    return finished.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_takes_the_script(scripts: dict[str, Path], shell: str) -> None:
    assert run(shell, "-n", scripts[shell], folder=scripts[shell].parent) == ""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("clogs pi", {"pipeline"}),
        ("clogs --config clogs.toml pi", {"pipeline"}),
        ("clogs pipeline --skip-e", {"--skip-extract"}),
        ("clogs dead-letters re", {"replay"}),
        ("clogs query --format ''", {"table", "csv", "json", "jsonl", "parquet"}),
        ("clogs tab", {"tables"}),
        ("clogs transform --models fct_m", {"fct_messages", "fct_messages+"}),
        ("clogs pipeline --models +fct_m", {"+fct_messages", "+fct_messages+"}),
        ("clogs validate --layer ''", {"bronze", "silver", "gold"}),
        ("clogs tables dim_to", {"dim_tools"}),
        ("clogs completion ''", {"bash", "zsh", "fish"}),
        ("clogs extract --verb", {"--verbose"}),
    ],
)
def test_bash_completes(scripts: dict[str, Path], words: str, expected: set[str]) -> None:
    script = BASH.format(words=words, count=len(words.split()))
    assert set(run("bash", "-c", script, folder=scripts["bash"].parent).split()) == expected


@pytest.mark.parametrize(("typed", "expected"), [("pi", "pipeline"), ("dead-letters rep", "replay")])
def test_fish_completes(scripts: dict[str, Path], typed: str, expected: str) -> None:
    script = f"source script; complete --do-complete 'clogs {typed}'"
    output = run("fish", "--no-config", "-c", script, folder=scripts["fish"].parent)
    assert [line.partition("\t")[0] for line in output.splitlines() if line] == [expected]


def test_zsh_completes(scripts: dict[str, Path]) -> None:
    script = ZSH.format(typed="pi")
    assert run("zsh", "-f", "-c", script, folder=scripts["zsh"].parent).strip() == "pipeline"


def test_a_shell_it_does_not_know(workspace: Workspace) -> None:
    assert 'Choose from: "bash", "zsh", "fish".' in workspace.refusal("completion", "tcsh", code=2)


def test_the_script_starts_nothing(scripts: dict[str, Path]) -> None:
    texts = [script.read_text(encoding="utf-8") for script in scripts.values()]
    assert [text for text in texts if "__complete" in text] == []
