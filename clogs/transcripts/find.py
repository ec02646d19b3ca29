"""Which files are transcripts.

Claude Code writes ``<home>/.claude/projects/<project>/<session>.jsonl``. Sub-agents have an ``agent-*.jsonl``
beside it, in ``<session>/subagents/``, or in a ``workflows/<id>/`` of ``<session>`` or of ``subagents``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from clogs.errors import UsageError

PROJECTS = "projects"
_BELOW_PROJECT = ("*/subagents/*", "*/subagents/workflows/*/agent-*", "*/workflows/*/agent-*")
"""Where sub-agents' transcripts are, where no ``projects`` above shows the project; the first that fits."""

_HINT = "Name Claude Code's folder, such as ~/.claude"


@dataclass(frozen=True, slots=True)
class Transcript:
    """One file: its absolute path, its project's folder, and its path below that, with forward slashes."""

    path: Path
    project_id: str
    source_file: str


def find(paths: Iterable[Path]) -> list[Transcript]:
    """Find the transcripts in files and folders, each once, sorted by path.

    A path may be Claude Code's own folder, its ``projects``, one project or one file.

    Raises:
        UsageError: A path does not exist, or none of them holds a transcript.
    """
    found: dict[Path, Transcript] = {}
    for path in paths:
        root = absolute(path)
        if not root.exists():
            raise UsageError(f"{path} does not exist.", hint=_HINT)
        if (root / PROJECTS).is_dir():
            root /= PROJECTS
        # Claude Code's journals are no conversations.
        files = [root] if root.is_file() else filter(Path.is_file, root.rglob("*.jsonl"))
        found |= {file: transcript_at(file, root) for file in files if file.name != "journal.jsonl"}
    if not found:
        raise UsageError("No transcripts (*.jsonl) found.", hint=_HINT)
    return [found[path] for path in sorted(found)]


def absolute(path: Path) -> Path:
    """Make a path absolute as it is named: a linked project keeps the name of its link."""
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100  # Path.resolve() would follow links


def transcript_at(path: Path, root: Path | None = None) -> Transcript:
    """Derive a transcript's project and source file from its path; the file may be gone.

    Folders above `root`, the file or folder that was searched, do not count.
    """
    project = _project_folder(path, root)
    return Transcript(path, project.name, path.relative_to(project).as_posix())


def _project_folder(path: Path, root: Path | None) -> Path:
    """The folder right below ``projects`` if there is one, else the likeliest."""
    inside = (folder for folder in path.parents if root is None or folder.is_relative_to(root))
    for child, parent in pairwise(inside):
        if parent.name == PROJECTS:
            return child
    for pattern in _BELOW_PROJECT:
        if path.match(f"*/{pattern}"):
            return path.parents[pattern.count("/")]
    if root is None or root.is_file() or any(root.glob("*.jsonl")):
        return path.parent
    return root / path.relative_to(root).parts[0]
