"""The user's crontab: a marked block in it belongs to clogs, and not a byte outside it is touched.

Reading or changing it raises a `ClogsError` where the `crontab` command is missing or refuses, where the
block is damaged, and where the crontab changed meanwhile.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from clogs.errors import ClogsError
from clogs.runs.records import TRIGGER_VARIABLE
from clogs.schedule.entries import Entry, name_of, words_of

BEGIN = b"# BEGIN clogs (managed by clogs schedule)"
END = b"# END clogs"
TRIGGER = f"{TRIGGER_VARIABLE}=cron"

DAEMONS = {"cron", "crond", "fcron"}

_VARIABLE = re.compile(r"""\s*(["']?)([^\s="'#][^\s="']*)\1\s*=\s*(["']?)(.*?)\3\s*""")
_LINE = re.compile(r"\s*(@\S+|\S+(?:\s+\S+){4})\s+(\S.*)")


def read() -> bytes:
    """Read the user's crontab, empty where there is none."""
    done = _crontab("-l")
    if done.returncode == 0:
        return done.stdout
    if re.search(rb"no crontab|no such file", done.stderr.lower()):  # cron's words, and BusyBox's
        return b""
    raise _failure("read", done)


def entries(content: bytes) -> tuple[Entry, ...] | None:
    """Read the entries in a crontab's block; None where there is no block."""
    block = _block(content)
    if block is None:
        return None
    found: list[Entry] = []
    for line in os.fsdecode(content[block]).split("\n"):
        if not line.lstrip().startswith("#") and (parts := _LINE.fullmatch(line.rstrip("\r"))):
            command = re.sub(r"\\([%\\])", r"\1", parts[2]).removeprefix(TRIGGER).strip()
            words = words_of(command)
            found.append(Entry(name=name_of(words), expression=parts[1], words=words))
    return tuple(found)


def variables() -> dict[str, str]:
    """Read the variables that the crontab sets above its block, or above where that would be."""
    if not is_available():
        return {}
    content = read()
    above = os.fsdecode(content[: _block_or_end(content).start]).split("\n")
    return {found[2]: found[4] for line in above if (found := _VARIABLE.fullmatch(line))}


def block_of(planned: Sequence[Entry]) -> bytes:
    """Write entries as the block for the crontab."""
    lines = []
    for each in planned:
        # To cron, a bare % is a line break (crontab(5)).
        command = re.sub(r"([%\\])", r"\\\1", f"{TRIGGER} {shlex.join(each.words)}")
        lines.append(os.fsencode(f"{each.expression} {command}"))
    return b"\n".join((BEGIN, *lines, END, b""))


def with_block(content: bytes, block: bytes) -> bytes:
    """Replace the block in ``content``, or add it; an empty one removes it."""
    found = _block_or_end(content)
    return content[: found.start] + block + content[found.stop :]


def install(planned: Sequence[Entry]) -> bool:
    """Bring the block up to date, and return whether that changed anything."""
    return _change(block_of(planned))


def remove() -> bool:
    """Remove the block, and return whether there was one."""
    return _change(b"")


def is_available() -> bool:
    """Return whether there is a `crontab` command."""
    return shutil.which("crontab") is not None


def daemon_is_missing(processes: Path = Path("/proc")) -> bool:
    """Return whether no cron daemon runs; False where the processes of others cannot be seen, as on macOS."""
    if not (processes / "1" / "comm").exists():
        return False
    names = set()
    for path in processes.glob("[0-9]*/comm"):
        with suppress(OSError):  # it has just ended
            names.add(path.read_text(encoding="utf-8", errors="replace").strip())
    return not names & DAEMONS


def _change(block: bytes) -> bool:
    before = read()
    after = with_block(before, block)
    if after == before:
        return False
    if re.search(rb"\\r$", before, re.MULTILINE):  # Debian's crontab shows a carriage return so
        raise ClogsError(
            r"Lines of the crontab end in a carriage return or in a literal \r: crontab -l shows both alike.",
            hint=r"Remove either: crontab -l | sed 's/\\r$//' | crontab -",
        )
    if read() != before:
        raise ClogsError("Somebody else is editing the crontab.", hint="Run this again.")
    done = _crontab("-", given=after) if after else _crontab("-r")
    if done.returncode:
        raise _failure("write", done)
    return True


def _block_or_end(content: bytes) -> slice:
    # A new block comes last, so that a MAILTO above it counts. It comes first where the last line has no line
    # break: one of ours would stay there when the block is removed.
    end = len(content) if not content or content.endswith(b"\n") else 0
    return _block(content) or slice(end, end)


def _block(content: bytes) -> slice | None:
    # Editors leave blanks and carriage returns around the marks.
    line = rb"^[ \t]*%s[ \t]*\r?(?:\n|\Z)"
    begins, ends = (list(re.finditer(line % re.escape(mark), content, re.MULTILINE)) for mark in (BEGIN, END))
    if not begins and not ends:
        return None
    if len(begins) == len(ends) == 1 and begins[0].end() <= ends[0].start():
        return slice(begins[0].start(), ends[0].end())
    raise ClogsError(
        f"The block of clogs in the crontab is damaged: {len(begins)} lines begin it, {len(ends)} end it.",
        hint=f"With crontab -e, remove its lines, from `{BEGIN.decode()}` to `{END.decode()}`.",
    )


def _crontab(argument: str, *, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("crontab")
    if program is None:
        raise ClogsError(
            "The crontab command was not found.",
            hint="Install cron (Debian: apt install cron), or: clogs schedule install --systemd",
        )
    english = os.environ | {"LC_ALL": "C"}  # its messages are searched for words
    return subprocess.run(  # noqa: S603  # the system's own
        [program, argument], input=given, capture_output=True, check=False, env=english
    )


def _failure(verb: str, done: subprocess.CompletedProcess[bytes]) -> ClogsError:
    message = " ".join(done.stderr.decode(errors="replace").split()) or f"exit code {done.returncode}"
    hint = "Inspect it with: crontab -l"
    if "missing newline" in message:
        hint = "End its last line: crontab -e"
    if "not allowed" in message or "permission" in message.lower():
        hint = "Ask for a line in /etc/cron.allow, or: clogs schedule install --systemd"
    return ClogsError(f"Cannot {verb} the crontab: {message}", hint=hint)
