"""Regular expressions of RE2, which DuckDB reads, as Java's, which Spark reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from clogs.errors import ModelsError

_FLAGS = re.compile(r"\(\?([is]+)\)")
_PARTS = re.compile(r"\\.|\(\?[a-zA-Z-]+[:)]|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|.", re.DOTALL)
_SPACE = r"\t\n\f\r "
_WORD = "[0-9A-Za-z_]"
_EDGE = rf"(?:(?<={_WORD})(?!{_WORD})|(?<!{_WORD})(?={_WORD}))"


def java_pattern(pattern: str) -> str:
    """Return a pattern that matches in Java what the given one matches in RE2.

    Java ends a text before its last newline, too, lets more than a newline end a line, takes letters of all
    alphabets for parts of words, takes more for space, and knows the case of ASCII alone.

    Raises:
        ModelsError: It has flags of other kinds than ``(?i)`` and ``(?s)``, or in other places than the
            beginning, or a class with a name.
    """
    found = _FLAGS.match(pattern)
    flags, rest = (found[1], pattern[found.end() :]) if found else ("", pattern)
    parts = {
        "$": r"\z",
        ".": r"[\s\S]" if "s" in flags else r"[^\n]",
        r"\s": f"[{_SPACE}]",
        r"\S": f"[^{_SPACE}]",
        r"\b": _EDGE,
    }
    return ("(?iu)" if "i" in flags else "") + "".join(map(partial(_java_part, parts), _PARTS.findall(rest)))


def _java_part(parts: Mapping[str, str], part: str) -> str:
    is_class = part.startswith("[")
    if part.startswith("(?") or (is_class and "[:" in part):
        raise ModelsError(f"Spark reads {part} of a pattern as something else.")
    return part.replace(r"\s", _SPACE) if is_class else parts.get(part, part)


def java_replacement(replacement: str, *, groups_before: int = 0) -> str:
    r"""Return a replacement whose groups are `$1`, not `\1`, where others stand before the pattern's."""
    return re.sub(
        r"\\(\d)", lambda found: f"${int(found[1]) + groups_before}", replacement.replace("$", r"\$")
    )
