"""The user's crontab: a marked block in it is ours, and not a byte outside it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence

from clogs.errors import ClogsError
from clogs.runs.records import TRIGGER_VARIABLE
from clogs.schedule.entries import Entry, name_of, words_of

BEGIN = b"# BEGIN clogs (managed by clogs schedule)"
END = b"# END clogs"
TRIGGER = f"{TRIGGER_VARIABLE}=cron"

_VARIABLE = re.compile(r"""\s*(["']?)([^\s="'#][^\s="']*)\1\s*=\s*(["']?)(.*?)\3\s*""")
_LINE = re.compile(r"\s*(@\S+|\S+(?:\s+\S+){4})\s+(\S.*)")
_NONE = (b"no crontab", b"no such file")
"""What is said where a user has none: by cron's own `crontab`, and by BusyBox's."""


def read() -> bytes:
    """Read the user's crontab, empty where there is none.

    Raises:
        ClogsError: There is no cron here, or this user may not use it.
    """
    done = _crontab("-l")
    if done.returncode == 0:
        return done.stdout
    if any(said in done.stderr.lower() for said in _NONE):
        return b""
    raise _refused("read", done)


def entries(content: bytes) -> tuple[Entry, ...] | None:
    """Read the entries in a crontab's block; None where there is no block.

    Raises:
        ClogsError: The block is damaged.
    """
    place = _block(content)
    if place is None:
        return None
    lines = os.fsdecode(content[place]).split("\n")
    return tuple(entry for line in lines if (entry := _entry(line)))


def variables() -> dict[str, str]:
    """Read what the crontab sets for the lines of its block, or for where that would stand.

    Raises:
        ClogsError: The crontab cannot be read, or its block is damaged.
    """
    if not is_available():
        return {}
    content = read()
    above = os.fsdecode(content[: _room(content).start]).split("\n")
    return {found[2]: found[4] for line in above if (found := _VARIABLE.fullmatch(line))}


def block_of(planned: Sequence[Entry]) -> bytes:
    """Write the entries as the block that stands in the crontab."""
    lines = (os.fsencode(f"{each.expression} {_command(each)}") for each in planned)
    return b"\n".join((BEGIN, *lines, END, b""))


def with_block(content: bytes, block: bytes) -> bytes:
    r"""Put a block in place of the one that is there; an empty one takes it away.

    A new block comes last, so that a MAILTO above it counts; first, where the last line is not ended: an
    ``\n`` of ours would stay there when the block is gone.

    Raises:
        ClogsError: The block that is there is damaged.
    """
    place = _room(content)
    return content[: place.start] + block + content[place.stop :]


def install(planned: Sequence[Entry]) -> bool:
    """Bring the block up to date, and tell whether that changed anything.

    Raises:
        ClogsError: The crontab cannot be read or written, its block is damaged, or somebody else wrote it
            just now.
    """
    return _change(block_of(planned))


def remove() -> bool:
    """Take the block away, and tell whether there was one.

    Raises:
        ClogsError: As for `install`.
    """
    return _change(b"")


def is_available() -> bool:
    """Tell whether there is a `crontab` command."""
    return shutil.which("crontab") is not None


def _change(block: bytes) -> bool:
    before = read()
    after = with_block(before, block)
    if after == before:
        return False
    if re.search(rb"\\r$", before, re.MULTILINE):  # Debian's crontab shows a carriage return so
        raise ClogsError(
            r"Lines of the crontab end in a carriage return, or in \r: crontab -l does not tell which.",
            hint=r"Write them without: crontab -l | sed 's/\\r$//' | crontab -",
        )
    if read() != before:
        raise ClogsError("Somebody else is writing the crontab just now.", hint="Run this again.")
    done = _crontab("-", given=after) if after else _crontab("-r")
    if done.returncode:
        raise _refused("write", done)
    return True


def _room(content: bytes) -> slice:
    """Where the block stands, or would stand."""
    end = len(content) if not content or content.endswith(b"\n") else 0
    return _block(content) or slice(end, end)


def _block(content: bytes) -> slice | None:
    """Where the block stands, with the end of its last line.

    Raises:
        ClogsError: It begins or ends more than once, or one of both is missing.
    """
    begins, ends = (list(_marks(mark, content)) for mark in (BEGIN, END))
    if not begins and not ends:
        return None
    if len(begins) == len(ends) == 1 and begins[0].end() <= ends[0].start():
        return slice(begins[0].start(), ends[0].end())
    raise ClogsError(
        f"The block of clogs in the crontab is damaged: {len(begins)} lines begin it, {len(ends)} end it.",
        hint=f"With crontab -e, remove its lines, from `{BEGIN.decode()}` to `{END.decode()}`.",
    )


def _marks(mark: bytes, content: bytes) -> Sequence[re.Match[bytes]]:
    """The lines that are a mark; an editor may have left blanks around it."""
    return list(re.finditer(rb"^[ \t]*%s[ \t]*\r?(?:\n|\Z)" % re.escape(mark), content, re.MULTILINE))


def _entry(line: str) -> Entry | None:
    found = None if line.lstrip().startswith("#") else _LINE.fullmatch(line.rstrip("\r"))
    if found is None:
        return None
    command = re.sub(r"\\([%\\])", r"\1", found[2]).removeprefix(TRIGGER).strip()
    words = words_of(command)
    return Entry(name=name_of(words), expression=found[1], words=words)


def _command(entry: Entry) -> str:
    r"""The command as cron wants it: a bare ``%`` would be a line break, and ``\`` takes that away."""
    return re.sub(r"([%\\])", r"\\\1", f"{TRIGGER} {shlex.join(entry.words)}")


def _crontab(argument: str, *, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("crontab")
    if program is None:
        raise ClogsError(
            "There is no crontab command here.",
            hint="Install cron (Debian: apt install cron), or: clogs schedule install --systemd",
        )
    english = os.environ | {"LC_ALL": "C"}
    return subprocess.run(  # noqa: S603  # the system's own
        [program, argument], input=given, capture_output=True, check=False, env=english
    )


def _refused(what: str, done: subprocess.CompletedProcess[bytes]) -> ClogsError:
    said = " ".join(done.stderr.decode(errors="replace").split()) or f"exit code {done.returncode}"
    hint = "Look at it with: crontab -l"
    if "missing newline" in said:
        hint = "End its last line: crontab -e"
    if "not allowed" in said or "permission" in said.lower():
        hint = "Ask for a line in /etc/cron.allow, or: clogs schedule install --systemd"
    return ClogsError(f"Cannot {what} the crontab: {said}", hint=hint)
