"""Numbers and texts as people read them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
KIB = 1024
THOUSAND = 1000
LEAST_SHARE = 0.001
BARS = "▁▂▃▄▅▆▇█"


def count(number: int, noun: str) -> str:
    """``1 file``, ``14,109 files``."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def join_limited(things: Sequence[str], most: int = 5) -> str:
    """The first of them: ``a, b``, ``a, b, c, d, e and 12 more``."""
    more = f" and {len(things) - most:,} more" if len(things) > most else ""
    return ", ".join(things[:most]) + more


def size(count_of_bytes: float) -> str:
    """Bytes in binary units: ``812 B``, ``8.0 MiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if round(count_of_bytes, 1) < KIB:
            return f"{count_of_bytes:,.0f} B" if unit == "B" else f"{count_of_bytes:,.1f} {unit}"
        count_of_bytes /= KIB
    return f"{count_of_bytes:,.1f} TiB"


def duration(seconds: float) -> str:
    """Seconds as ``0.4 s``, ``3 min 20 s``, ``2 h 05 min``, ``3 d 4 h``."""
    if round(seconds, 1) < MINUTE:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE:02} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def si_number(number: float) -> str:
    """A large number in four characters or so: ``999``, ``12.1 k``, ``237.9 M``."""
    for unit in ("", " k", " M"):
        if round(number, 1) < THOUSAND:
            return f"{number:,.0f}" if not unit else f"{number:,.1f}{unit}"
        number /= THOUSAND
    return f"{number:,.1f} G"


def percent(share: float) -> str:
    """A share, 0 to 1: ``0%``, ``<0.1%``, ``12.5%``, ``100%``; neither end unless it is just that."""
    if 0 < share < LEAST_SHARE:
        return "<0.1%"
    if 1 - LEAST_SHARE < share < 1:
        return ">99.9%"
    return f"{share:.1%}".replace(".0%", "%")


def sparkline(values: Sequence[float]) -> str:
    """A bar of eight heights for each value, none of which is negative; the highest is the largest."""
    most = max(values, default=0) or 1
    return "".join(BARS[math.ceil(value / most * (len(BARS) - 1))] for value in values)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Find the known word most like ``word``, whatever the case; None where none is close."""
    by_lower = {each.lower(): each for each in known}
    found = get_close_matches(word.lower(), by_lower, n=1)
    return by_lower[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """End a sentence with the known word most like ``word``; empty where none is close."""
    found = nearest(word, known)
    return f", the nearest is {found}" if found else ""


def money(usd: float | None) -> str:
    """US dollars: ``$214.31``, ``-$0.05``; a dash for None."""
    return "–" if usd is None else f"{'-' if round(usd, 2) < 0 else ''}${abs(usd):,.2f}"


def instant(moment: datetime | None) -> str:
    """A moment in UTC, to the second."""
    return "none yet" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def first_line(exc: BaseException) -> str:
    """What an error says, without the lines below the first: drivers add plans, stacks and whole queries."""
    return str(exc).partition("\n")[0]


def printable(text: object) -> str:
    """``text`` on one line, without characters that a terminal may obey: transcripts are hostile input."""
    if (known := str(text)).isprintable():
        return known
    return "".join(char if char.isprintable() else " " if char.isspace() else "�" for char in known)


def shortened(text: str, most: int = 100) -> str:
    """The beginning of a key, on one line: what names a row may be anything, and of any length."""
    plain = printable(text[: most + 1])
    return plain if len(plain) <= most else f"{plain[:most]}…"


def unicode(text: str) -> str:
    """``text`` with a ``?`` for each byte that is no character: a path may hold any bytes, JSON may not."""
    return text.encode(errors="replace").decode()
