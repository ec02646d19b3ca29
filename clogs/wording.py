"""Numbers as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
KIB = 1024
THOUSAND = 1000


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``1 file``, ``14,109 files``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def few(things: Sequence[str], most: int = 5) -> str:
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


def short(number: float) -> str:
    """A large number in four characters or so: ``999``, ``12.1 k``, ``237.9 M``."""
    for unit in ("", " k", " M"):
        if round(number, 1) < THOUSAND:
            return f"{number:,.0f}" if not unit else f"{number:,.1f}{unit}"
        number /= THOUSAND
    return f"{number:,.1f} G"


def money(usd: float | None) -> str:
    """US dollars: ``$214.31``; a dash where nothing is known."""
    return "–" if usd is None else f"${usd:,.2f}"


def instant(moment: datetime | None) -> str:
    """A moment in UTC, to the second."""
    return "none yet" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
