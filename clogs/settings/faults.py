"""What is wrong with settings, in words: one line for each fault, without any secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, time

from msgspec.structs import FieldInfo

from clogs.redact import HIDDEN, hide_addresses
from clogs.schema import COLUMNS
from clogs.settings.model import Settings, known_keys, marks, section_names
from clogs.settings.sources import SettingsFile
from clogs.settings.values import Secret
from clogs.terminal.text import did_you_mean, nearest, unicode

NEEDED_FIELDS = {column.field for column in COLUMNS if column.field} | {
    "_id",
    "message",
    # A sub-agent's entry is unwrapped out of these.
    "data.type",
    "data.agentId",
    "data.message",
    # Kinds of messages and titles of sessions are told by these.
    "aiTitle",
    "customTitle",
    "isCompactSummary",
    "leafUuid",
    "summary",
}
"""What the tables are made of: no such field, nor one above or below it, can be excluded."""

_LONGEST_SHOWN = 80
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "str | null": "text",
    "array": "a list",
    "object": "a table",
    "bool": "true or false",
    "date": "a date",
    "datetime": "a moment",
    "time": "a time of day",
}


def unknown_keys(file: SettingsFile) -> Iterator[str]:
    """Tell each section and key of the file that clogs does not know, with the nearest one it does."""
    for section, content in file.document.items():
        place = file.place(section)
        if not isinstance(content, dict):
            yield f"{section} ({place}): {_outside(section)}"
        elif section not in section_names():
            yield f"[{section}] ({place}): unknown section{did_you_mean(section, section_names())}"
        else:
            unknown = (f"{section}.{name}" for name in content if f"{section}.{name}" not in known_keys())
            yield from (f"{key} ({file.place(key)}): unknown key{_or_nearest_key(key)}" for key in unknown)


def excluded_needs(settings: Settings, place: str) -> Iterator[str]:
    """Tell each field that is excluded though clogs needs it, a part of it, or what it is a part of."""
    watermark = settings.pipeline.watermark_field
    for excluded in settings.mongo.exclude:
        needed = sorted(need for need in (*NEEDED_FIELDS, watermark) if _overlap(need, excluded))
        if needed:
            reason = "it is the watermark field" if needed == [watermark] else f"clogs needs {needed[0]}"
            yield f"mongo.exclude ({place}): {excluded} cannot be left out, {reason}"


def unwritable_warehouse(settings: Settings) -> Iterator[str]:
    """Tell that DuckDB could not keep its log beside the warehouse: a ``?`` ends a name for it.

    Bytes of a path that are no UTF-8 become a ``?``, too.
    """
    path = unicode(str(settings.duckdb.path))
    if "?" in path:
        yield f"duckdb.path is {path}: no folder or file of it may have a ? in its name"


def quoted(declared: FieldInfo, value: object) -> str:
    """Quote a faulty value, or as much of it as is no secret."""
    for secret in marks(declared, Secret):
        return secret.hide(value) if isinstance(value, str) else HIDDEN
    text = hide_addresses(_as_toml(value))
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def in_words(refusal: str) -> str:
    """Say what msgspec says of a type or a limit in the words of people who do not write Python."""
    problem = refusal.partition(" - at ")[0].replace("Expected", "expected")
    return re.sub(r"`([^`]+)`", lambda match: _WORDS.get(match[1], match[1]), problem)


def _as_toml(value: object) -> str:
    """A value about as somebody wrote it."""
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _outside(name: str) -> str:
    if name in section_names():
        return f"expected a section, which begins with [{name}] on its own line"
    return f"unknown key outside sections{_or_nearest_key(name)}"


def _or_nearest_key(key: str) -> str:
    """Name the key most like this one; it may just stand in the wrong section."""
    section, _, name = key.rpartition(".")
    by_name = {known.partition(".")[2]: known for known in known_keys()}
    found = nearest(name, by_name)
    if found:
        return f", the nearest is {by_name[found]}"
    siblings = [known for known in by_name if by_name[known].startswith(f"{section}.")]
    return f", [{section}] has {', '.join(siblings)}" if siblings else ""


def _overlap(one: str, other: str) -> bool:
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")
