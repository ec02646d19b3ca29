"""What is wrong with settings: one line for each fault, none with a secret in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import FieldInfo

from clogs.prices import price_faults
from clogs.redact import HIDDEN, hide_addresses
from clogs.schema import COLUMNS
from clogs.settings.model import Settings, key_of, known_keys
from clogs.settings.sources import SettingsFile
from clogs.terminal.text import did_you_mean, nearest, unicode

NEEDED_FIELDS = {column.field for column in COLUMNS if column.field} | {
    "_id",
    "message",
    # Sub-agents' entries are unwrapped from these.
    "data.type",
    "data.agentId",
    "data.message",
    # Kinds of messages and titles of sessions follow from these.
    "aiTitle",
    "customTitle",
    "isCompactSummary",
    "leafUuid",
    "summary",
}
"""What the tables are made of; neither they nor a field above or below them can be excluded."""

_MAX_SHOWN = 80
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
    """Report each section and key of the file that does not exist, with the nearest one that does."""
    sections = Settings.__struct_fields__
    for section, content in file.document.items():
        location = file.location(section)
        if isinstance(content, dict) and section in sections:
            unknown = (f"{section}.{name}" for name in content if f"{section}.{name}" not in known_keys())
            yield from (f"{key} ({file.location(key)}): unknown key{_or_nearest_key(key)}" for key in unknown)
        elif isinstance(content, dict):
            yield f"[{section}] ({location}): unknown section{did_you_mean(section, sections)}"
        elif section in sections:
            yield f"{section} ({location}): expected a section, which begins with [{section}] on its own line"
        else:
            yield f"{section} ({location}): unknown key outside sections{_or_nearest_key(section)}"


def excluded_needs(settings: Settings, location: str) -> Iterator[str]:
    """Report each field that is excluded though clogs needs it, a part of it, or what it is a part of."""
    watermark = settings.pipeline.watermark_field
    for excluded in settings.mongo.exclude:
        needed = sorted(
            need
            for need in (*NEEDED_FIELDS, watermark)
            if f"{need}.".startswith(f"{excluded}.") or f"{excluded}.".startswith(f"{need}.")
        )
        if needed:
            reason = "it is the watermark field" if needed == [watermark] else f"clogs needs {needed[0]}"
            yield f"mongo.exclude ({location}): {excluded} cannot be left out, {reason}"


def unwritable_warehouse(settings: Settings) -> Iterator[str]:
    """Report a path where DuckDB could not keep its log: it cuts the log's name at a ``?``."""
    path = unicode(str(settings.duckdb.path))  # bytes that are no UTF-8 become a ?, too
    if "?" in path:
        yield f"duckdb.path is {path}: no folder or file of it may have a ? in its name"


def faulty_prices(settings: Settings, location: str) -> Iterator[str]:
    """Report each fault of the user's own list of prices."""
    own = settings.transform.prices
    yield from (f"transform.prices ({location}): {fault}" for fault in (price_faults(own) if own else ()))


def quoted(declared: FieldInfo, value: object) -> str:
    """Quote a faulty value about as it was written, without what is secret in it."""
    if hide := key_of(declared).hide:
        return str(hide(value)) if isinstance(value, str) else HIDDEN
    text = hide_addresses(repr(value) if isinstance(value, str) else str(value))
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def in_words(message: str) -> str:
    """Rephrase msgspec's message about a type or a limit for people who do not write Python."""
    problem = message.partition(" - at ")[0].replace("Expected", "expected")
    return re.sub(r"`([^`]+)`", lambda match: _WORDS.get(match[1], match[1]), problem)


def _or_nearest_key(key: str) -> str:
    """Name the key most like this one; it may just be in the wrong section."""
    section, _, name = key.rpartition(".")
    by_name = {known.partition(".")[2]: known for known in known_keys()}
    found = nearest(name, by_name)
    if found:
        return f", the nearest is {by_name[found]}"
    siblings = [known for known in by_name if by_name[known].startswith(f"{section}.")]
    return f", [{section}] has {', '.join(siblings)}" if siblings else ""
