"""What a check finds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Literal

from clogs.errors import ClogsError

State = Literal["ok", "warning", "error"]

UNREADABLE = "Fix that, or choose another place: clogs config"
"""The hint where the system cannot read a file: one that names doctor would go in circles."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: str
    state: State  # warning: a run would work, but not as it should; error: it would fail
    message: str
    remedy: str | None = None  # None where all is well


def failed(check: str, error: ClogsError, state: State = "error") -> Finding:
    """What a check found that ended with an error."""
    return Finding(check, state, error.message, error.hint)


def warning_unless(sound: bool, check: str, message: str, problem: str, remedy: str) -> Finding:  # noqa: FBT001
    """What a check found that cannot make a run fail."""
    return Finding(check, "ok", message) if sound else Finding(check, "warning", problem, remedy)


@contextmanager
def failures(findings: list[Finding], check: str, state: State = "error") -> Iterator[None]:
    """Add the error that ends a check to the findings, so that the next check can go on."""
    try:
        yield
    except ClogsError as error:
        findings.append(failed(check, error, state))
    except OSError as exc:
        findings.append(Finding(check, state, f"Cannot read {exc.filename}: {exc.strerror}.", UNREADABLE))


def open_to_others(
    check: str, path: Path, mode: int, *, what: str = "conversations are private"
) -> Finding | None:
    """A warning where anyone but its owner can read a file or a folder; `mode` is what it should have."""
    found = path.stat().st_mode & 0o777
    if not found & 0o077:
        return None
    message = f"{path} is open to others (mode {found:04o}), and {what}."
    return Finding(check, "warning", message, f"chmod {mode:o} {quote(str(path))}")
