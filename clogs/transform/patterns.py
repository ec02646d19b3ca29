"""Regular expressions of RE2, which DuckDB reads, as Java's, which Spark reads."""

from __future__ import annotations

import re

_PARTS = re.compile(r"\\.|\(\?[a-z]+\)|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|.", re.DOTALL)
_SPACE = r"\t\n\f\r "
_WORD = "[0-9A-Za-z_]"
_EDGE = rf"(?:(?<={_WORD})(?!{_WORD})|(?<!{_WORD})(?={_WORD}))"


def java_pattern(pattern: str) -> str:
    """Return a pattern that matches in Java what the given one matches in RE2.

    Java ends a text before its last newline, too, lets more than a newline end a line, takes letters of all
    alphabets for parts of words, takes more for space, and knows the case of ASCII alone.
    """
    any_character = "." if pattern.startswith("(?s") else r"[^\n]"
    parts = {
        "$": r"\z",
        ".": any_character,
        r"\s": f"[{_SPACE}]",
        r"\S": f"[^{_SPACE}]",
        r"\b": _EDGE,
        "(?i)": "(?iu)",
    }
    return "".join(
        part.replace(r"\s", _SPACE) if part.startswith("[") else parts.get(part, part)
        for part in _PARTS.findall(pattern)
    )


def java_replacement(replacement: str) -> str:
    r"""Return a replacement whose groups are `$1`, not `\1`."""
    return re.sub(r"\\(\d)", r"$\1", replacement.replace("$", r"\$"))
