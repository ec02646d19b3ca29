"""How single values are read and validated.

Every function here raises a ValueError whose text continues "key = value (origin): ". It never quotes the
value, which may be a secret. Faults in single entries of a table are raised together, as an `EntriesError`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from zoneinfo import available_timezones

import msgspec
from msgspec import Struct

from clogs.checks.overrides import CheckOverride
from clogs.landing.objects import SCHEMES, ObjectPath
from clogs.redact import HIDDEN, hide_logins
from clogs.terminal.text import did_you_mean, unicode

MAX_DURATION = timedelta(days=366)
MAX_MEMORY = 1000 * 1000**4  # bytes; DuckDB fails on some more
_UNITS = {"d": 86400, "h": 3600, "min": 60, "s": 1}
_DB_BYTES = 63
_CHECKS_EXPECTED = 'expected a table such as { "conversations.role_is_known" = { severity = "warning" } }'

_CONFIG_EXPECTED = 'expected a table such as { "spark.executor.memory" = "4g" }'


class EntriesError(ValueError):
    """What is wrong with single entries of a table, by their names."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {problem}" for name, problem in problems.items()))
        self.problems = problems


class Key(Struct, frozen=True, kw_only=True):
    """What a key does with its value beyond its type."""

    parse: Callable[[object], object] | None = None  # of the value as written, before its type is checked
    validate: Callable[[Any], None] | None = None  # raises on what the type allows and the key does not
    hide: Callable[[Any], object] | None = None  # makes a secret fit to be shown


def utf8(value: object) -> None:
    """Reject a variable's text that is no UTF-8: neither JSON nor DuckDB takes it."""
    if isinstance(value, str) and unicode(value) != value:
        raise ValueError("expected UTF-8 text")


def duration(value: object) -> timedelta:
    """Read whole seconds, or text like ``30 s``, ``15 min``, ``2 h`` or ``1 d``."""
    written = re.fullmatch(r"(?P<count>[0-9]{1,9}) ?(?P<unit>[a-z]*)", str(value).strip())
    unit = _UNITS.get(written["unit"] or "s") if written else None
    if written is None or unit is None:
        raise ValueError('expected seconds or text like "30 s", "15 min", "2 h" or "1 d"')
    length = timedelta(seconds=int(written["count"]) * unit)
    if length > MAX_DURATION:
        raise ValueError(f"expected at most {MAX_DURATION.days} d")
    return length


def durations(value: object) -> object:
    """Read each item of a list as a duration; anything but a list is left for the type to reject."""
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
    """Read ``1%`` as 0.01; anything but a percentage is left for the type to judge."""
    if not (isinstance(value, str) and value.endswith("%")):
        return value
    try:
        return float(value.removesuffix("%")) / 100
    except ValueError:
        raise ValueError('expected a number from 0 to 1, or a percentage like "1%"') from None


def path(value: object) -> Path:
    """Read text as a path, with ``~`` as the home folder."""
    if not isinstance(value, str | Path) or not str(value) or "\0" in str(value):
        raise ValueError("expected the path of a file or folder")
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError("there is no home folder for this ~") from None


def place(value: object) -> Path | ObjectPath:
    """Read the URL of a part of a bucket, or a path."""
    written = str(value)
    if found := ObjectPath.parse(written):
        return found
    if re.match(r"\w+://", written):
        schemes = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise ValueError(f"expected the path of a folder, or {schemes} with a bucket and a folder in it")
    return path(value)


def paths(value: object) -> object:
    """Read each item of a list as a path; anything but a list is left for the type to reject."""
    return [path(item) for item in value] if isinstance(value, list | tuple) else value


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
    """Check that a connection string has MongoDB's scheme and a host; the driver checks the rest."""
    scheme, _, rest = value.partition("://")
    if scheme not in {"mongodb", "mongodb+srv"}:
        raise ValueError("expected an address that starts with mongodb:// or mongodb+srv://")
    if not rest.rpartition("@")[2].strip("/"):
        raise ValueError("the address names no server")


def db_of_uri(uri: str) -> str:
    """The database in the path of a connection string; empty without one.

    ``admin`` there is where the user is, and holds no conversations.
    """
    rest = uri.partition("://")[2].partition("?")[0].rpartition("@")[2]
    db = unquote(rest.partition("/")[2]).partition(".")[0]
    return "" if db == "admin" else db


def mongo_db(value: str) -> None:
    """Check a database's name by MongoDB's rules."""
    if not value or len(value.encode()) > _DB_BYTES or re.search(r'[/\\. "$\0]', value):
        raise ValueError(rf'expected 1 to {_DB_BYTES} bytes with no space and none of / \ . " $')


def mongo_collection(value: str) -> None:
    """Check a collection's name by MongoDB's rules, which keep ``system.`` for MongoDB."""
    if not value or re.search(r"[$\0]|^\.|\.\.|\.$|^system\.", value):
        raise ValueError("expected a name without $ and without empty parts that does not begin with system.")


def field_path(value: str) -> None:
    """Check the dotted path of a document's field."""
    if any(not part or part.startswith("$") or "\0" in part for part in value.split(".")):
        raise ValueError("expected field names with dots between them, such as data.output")


def field_paths(value: Sequence[str]) -> None:
    """Check dotted paths; MongoDB rejects a projection where one contains another."""
    for each in value:
        field_path(each)
    paths = sorted(value, key=lambda each: each.split("."))
    for shorter, longer in pairwise(paths):
        if f"{longer}.".startswith(f"{shorter}."):
            raise ValueError(f"{longer} is left out with {shorter} already: name one of them, once")


def memory_limit(value: str) -> None:
    """Check that DuckDB can read an amount of memory; it takes no percentages."""
    written = re.fullmatch(r"(?P<count>[1-9][0-9]*(\.[0-9]+)?) ?(?P<unit>[KMGTkmgt])i?[Bb]", value)
    if written is None:
        raise ValueError("expected a number and KB, MB, GB, TB, KiB, MiB, GiB or TiB, such as 4GB")
    if float(written["count"]) * 1000 ** ("KMGT".index(written["unit"].upper()) + 1) > MAX_MEMORY:
        raise ValueError(f"expected at most {MAX_MEMORY // 1000**4} TB")


def timezone(value: str) -> None:
    """Check that a name is in the IANA time zone database."""
    if value == "UTC":  # the default: spares every command a walk through the database's files
        return
    known = available_timezones() - {"localtime"}  # a link on some machines that DuckDB does not follow
    if value not in known:
        raise ValueError(f"expected a time zone such as UTC or Europe/Berlin{did_you_mean(value, known)}")


def spark_master(value: str) -> None:
    """Check that Spark could read an address of where it runs."""
    if not re.fullmatch(r"local(\[(\*|\d+)(, *\d+)?\])?|yarn|(spark|k8s)://\S+", value):
        raise ValueError("expected local[*], local[4], spark://host:7077, k8s://https://host:443 or yarn")


def spark_catalog(value: str) -> None:
    """Check that a name can be a part of the names of properties, and of SQL."""
    if not re.fullmatch(r"[A-Za-z]\w*", value, re.ASCII):
        raise ValueError("expected a name of letters, digits and _")


def spark_config(value: object) -> dict[str, str]:
    """Read Spark's properties; the environment holds them as TOML text."""
    return dict(_properties(_toml_table(value, _CONFIG_EXPECTED)))


def _toml_table(value: object, expected: str) -> dict[str, Any]:
    """A table, or what the environment holds as the TOML text of one."""
    if isinstance(value, str):
        try:
            value = tomllib.loads(f"table = {value}")["table"]
        except tomllib.TOMLDecodeError:
            raise ValueError(expected) from None
    if not isinstance(value, dict):
        raise ValueError(expected)  # noqa: TRY004  # what the settings take for a fault of theirs
    return value


def _properties(written: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Names and values; TOML makes tables of names whose dots are not quoted."""
    for name, value in written.items():
        if isinstance(value, dict):
            yield from _properties(value, f"{prefix}{name}.")
        elif isinstance(value, str | int | float):
            yield f"{prefix}{name}", str(value).lower() if isinstance(value, bool) else str(value)
        else:
            raise ValueError(_CONFIG_EXPECTED)  # noqa: TRY004  # as above


_SECRET = re.compile(
    r"secret|passw|pwd|passphrase|token|key|credential|authorization|signature|connection-?string|\bsas\b",
    re.IGNORECASE,
)


def hide_secrets(config: Mapping[str, str] | str) -> dict[str, str] | str:
    """Hide values of properties that sound like secrets, logins in others, and all of what is no table."""
    if isinstance(config, str):
        return HIDDEN
    return {name: HIDDEN if _SECRET.search(name) else hide_logins(value) for name, value in config.items()}


def web_address(value: str) -> None:
    """Check that an address begins as one of the web does, and has a host."""
    if not re.match(r"https?://[^\s/@:]", value):
        raise ValueError("expected an address that starts with https:// or http://")


def check_overrides(value: object) -> dict[str, CheckOverride]:
    """Read the table ``quality.checks``; the environment holds it as TOML text."""
    from clogs.checks.suites import CHECKS  # imports Polars, which most settings do without

    overrides: dict[str, CheckOverride] = {}
    problems: dict[str, str] = {}
    for name, written in _by_check(value):
        if name not in CHECKS:
            problems[name] = f"unknown check{did_you_mean(name, CHECKS)}"
            continue
        try:
            tolerated = {"tolerated": share(written["tolerated"])} if "tolerated" in written else {}
            overrides[name] = msgspec.convert(written | tolerated, CheckOverride)
        except (msgspec.ValidationError, TypeError):
            problems[name] = (
                'expected severity = "error" or "warning", '
                'and tolerated from 0 to 1, or a percentage like "1%"'
            )
        except ValueError as exc:
            problems[name] = str(exc)
    if problems:
        raise EntriesError(problems)
    return overrides


def _by_check(value: object) -> Iterator[tuple[str, Any]]:
    # TOML makes two tables of a name whose dot is not quoted.
    for name, written in _toml_table(value, _CHECKS_EXPECTED).items():
        if "." not in name and isinstance(written, dict):
            yield from ((f"{name}.{check}", each) for check, each in written.items())
        else:
            yield name, written
