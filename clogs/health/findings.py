"""What a check finds, and what becomes of it where the check itself cannot look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Literal

from clogs.errors import ClogsError

OTHERS = 0o077
"""The bits of a file's mode that let anyone but its owner in."""

State = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found.

    Attributes:
        check: What was looked at.
        state: ``warning``: a run would work, but not as it should; ``error``: it would fail.
        message: What is the matter, or what is well.
        remedy: What to do about it; None where all is well.
    """

    check: str
    state: State
    message: str
    remedy: str | None = None


def failed(check: str, error: ClogsError) -> Finding:
    """What a check found that ended with an error."""
    return Finding(check=check, state="error", message=error.message, remedy=error.hint)


def told(check: str, look: Callable[[], Finding]) -> Finding:
    """What a check finds, also where it cannot look."""
    try:
        return look()
    except ClogsError as error:
        return failed(check, error)
    except OSError as exc:
        message = f"Cannot read {exc.filename}: {exc.strerror}."
        remedy = "Put that right, or choose another place: clogs config"
        return Finding(check=check, state="error", message=message, remedy=remedy)


def open_to_others(
    check: str, path: Path, mode: int, *, what: str = "conversations are private"
) -> Finding | None:
    """A warning where somebody else can read a file or a folder, which ought to have this mode."""
    found = path.stat().st_mode & 0o777
    if not found & OTHERS:
        return None
    message = f"{path} is open to others (mode {found:04o}), and {what}."
    remedy = f"chmod {mode:o} {quote(str(path))}"
    return Finding(check=check, state="warning", message=message, remedy=remedy)
