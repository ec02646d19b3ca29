"""How a setting's value is read and what makes it valid: the marks and functions the keys are declared with.

Each function raises a ValueError whose text goes on after "key = value (origin): ". It never quotes the
value, which may be a secret. What is wrong with the entries of a table is raised as `EntriesError`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from msgspec import Struct

from clogs.terminal.text import did_you_mean, unicode

LONGEST = timedelta(days=366)
MOST_MEMORY = 1000 * 1000**4
"""Bytes; DuckDB falls over some more."""

_UNITS = {"d": 86400, "h": 3600, "min": 60, "s": 1}
_DURATION = r"(?P<count>[0-9]{1,9}) ?(?P<unit>[a-z]*)"
_MEMORY = r"(?P<count>[1-9][0-9]*(\.[0-9]+)?) ?(?P<unit>[KMGTkmgt])i?[Bb]"
_DB_BYTES = 63


class EntriesError(ValueError):
    """What is wrong with single entries of a table: for each, by its key, the text that goes on after it."""

    def __init__(self, by_key: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {text}" for key, text in by_key.items()))
        self.by_key = by_key


class Parse(Struct, frozen=True):
    """A mark: turn the value as written into one of the key's type, before that type is checked."""

    read: Callable[[object], object]


class Check(Struct, frozen=True):
    """A mark: refuse what the key's type allows but its meaning does not."""

    check: Callable[[Any], None]


class Secret(Struct, frozen=True):
    """A mark: people see the value only as ``hide`` shows it."""

    hide: Callable[[str], str]


def utf8(value: object) -> None:
    """Check that a variable's text is text: it may be any bytes, which neither JSON nor DuckDB takes.

    Raises:
        ValueError: It is not UTF-8.
    """
    if isinstance(value, str) and unicode(value) != value:
        raise ValueError("expected UTF-8 text")


def duration(value: object) -> timedelta:
    """Read whole seconds, or text like ``30 s``, ``15 min``, ``2 h`` or ``1 d``.

    Raises:
        ValueError: It is neither, or longer than a year.
    """
    written = re.fullmatch(_DURATION, str(value).strip())
    size = _UNITS.get(written["unit"] or "s") if written else None
    if written is None or size is None:
        raise ValueError('expected seconds or text like "30 s", "15 min", "2 h" or "1 d"')
    length = timedelta(seconds=int(written["count"]) * size)
    if length > LONGEST:
        raise ValueError(f"expected at most {LONGEST.days} d")
    return length


def durations(value: object) -> object:
    """Read each item of a list as a duration; what is no list is left for the type to refuse."""
    return [duration(item) for item in value] if isinstance(value, list | tuple) else value


def duration_text(length: timedelta) -> str:
    """Write a duration as :func:`duration` reads it, in the largest unit that fits.

    Examples:
        >>> duration_text(timedelta(minutes=15))
        '15 min'
    """
    seconds = int(length.total_seconds())
    unit = next(unit for unit, size in _UNITS.items() if size == 1 or (seconds and seconds % size == 0))
    return f"{seconds // _UNITS[unit]} {unit}"


def share(value: object) -> object:
    """Read ``1%`` as 0.01; what is no percentage is left for the type to judge.

    Raises:
        ValueError: What stands before the ``%`` is no number.
    """
    if not (isinstance(value, str) and value.endswith("%")):
        return value
    try:
        return float(value.removesuffix("%")) / 100
    except ValueError:
        raise ValueError('expected a number from 0 to 1, or a percentage like "1%"') from None


def path(value: object) -> Path:
    """Read text as a path, with ``~`` as the home folder.

    Raises:
        ValueError: It is no text, is empty, or names the home folder of nobody.
    """
    if not isinstance(value, str | Path) or not str(value) or "\0" in str(value):
        raise ValueError("expected the path of a file or folder")
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError("there is no home folder for this ~") from None


def optional_path(value: object) -> Path | None:
    """Read text as a path, and none as none.

    Raises:
        ValueError: It is no path.
    """
    return None if value is None else path(value)


def one_of(*words: str) -> Callable[[object], str]:
    """Make a reader that takes one of ``words`` in any case."""
    by_lower = {word.lower(): word for word in words}

    def read(value: object) -> str:
        word = by_lower.get(str(value).lower())
        if word is None:
            raise ValueError(f"expected {', '.join(words[:-1])} or {words[-1]}")
        return word

    return read


def mongo_uri(value: str) -> None:
    """Check that a connection string has MongoDB's scheme and a host; the driver checks the rest.

    Raises:
        ValueError: It has not.
    """
    scheme, _, rest = value.partition("://")
    if scheme not in {"mongodb", "mongodb+srv"}:
        raise ValueError("expected an address that starts with mongodb:// or mongodb+srv://")
    if not rest.rpartition("@")[2].strip("/"):
        raise ValueError("the address names no server")


def mongo_db(value: str) -> None:
    """Check a database's name by MongoDB's rules, which the driver holds everybody to.

    Raises:
        ValueError: MongoDB would refuse it.
    """
    if not value or len(value.encode()) > _DB_BYTES or re.search(r'[/\\. "$\0]', value):
        raise ValueError(rf'expected 1 to {_DB_BYTES} bytes with no space and none of / \ . " $')


def mongo_collection(value: str) -> None:
    """Check a collection's name by MongoDB's rules.

    Raises:
        ValueError: MongoDB would refuse it, or keeps it for itself.
    """
    if not value or re.search(r"[$\0]|^\.|\.\.|\.$|^system\.", value):
        raise ValueError("expected a name without $ and without empty parts that does not begin with system.")


def field_path(value: str) -> None:
    """Check the dotted path of a document's field.

    Raises:
        ValueError: A part of it is empty or begins with a ``$``.
    """
    if any(not part or part.startswith("$") or "\0" in part for part in value.split(".")):
        raise ValueError("expected field names with dots between them, such as data.output")


def field_paths(value: Sequence[str]) -> None:
    """Check that dotted paths are valid and that none holds another, which MongoDB refuses as a collision.

    Raises:
        ValueError: One is not, or does.
    """
    for each in value:
        field_path(each)
    paths = sorted(value, key=lambda each: each.split("."))
    for shorter, longer in pairwise(paths):
        if f"{longer}.".startswith(f"{shorter}."):
            raise ValueError(f"{longer} is left out with {shorter} already: name one of them, once")


def memory_limit(value: str | None) -> None:
    """Check that DuckDB can read an amount of memory; it knows no percentages.

    Raises:
        ValueError: It cannot.
    """
    if value is None:
        return
    written = re.fullmatch(_MEMORY, value)
    if written is None:
        raise ValueError("expected a number and KB, MB, GB, TB, KiB, MiB, GiB or TiB, such as 4GB")
    if float(written["count"]) * 1000 ** ("KMGT".index(written["unit"].upper()) + 1) > MOST_MEMORY:
        raise ValueError(f"expected at most {MOST_MEMORY // 1000**4} TB")


def timezone(value: str) -> None:
    """Check that a name is in the IANA time zone database.

    Raises:
        ValueError: It is not; the text holds the nearest name.
    """
    if value == "UTC":  # the default: spares every command a walk through the database's files
        return
    known = available_timezones() - {"localtime"}  # a link on some machines that DuckDB does not follow
    if value not in known:
        raise ValueError(f"expected a time zone such as UTC or Europe/Berlin{did_you_mean(value, known)}")


def web_address(value: str | None) -> None:
    """Check that an address begins as one of the web does, and has a host.

    Raises:
        ValueError: It does not.
    """
    if value is not None and not re.match(r"https?://[^\s/@:]", value):
        raise ValueError("expected an address that starts with https:// or http://")
