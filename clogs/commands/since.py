"""Moments as people name them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Annotated

from cyclopts import Parameter, Token

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1)}


def read_moment(text: str, now: datetime) -> datetime:
    """Read ``yesterday``, a weekday (the last one before today), ``7d``, ``12h`` or ISO; days begin in UTC.

    Raises:
        ValueError: It is none of these.
    """
    word = text.strip().lower()
    today = datetime.combine(now.astimezone(UTC), time(), UTC)
    if word == "yesterday":
        return today - timedelta(days=1)
    if word in WEEKDAYS:
        return today - timedelta(days=(today.weekday() - WEEKDAYS.index(word) - 1) % 7 + 1)
    if ago := re.fullmatch(r"([0-9]{1,5}) ?([dh])", word):
        return now - int(ago[1]) * UNITS[ago[2]]
    return datetime.fromisoformat(text.strip())


def _convert(_type: object, tokens: Sequence[Token]) -> datetime:
    try:
        return read_moment(tokens[0].value, datetime.now(UTC))
    except ValueError:
        raise ValueError(
            f'"{tokens[0].value}" is not yesterday, a weekday, 7d, 12h,'
            " nor a date or time such as 2026-11-01 or 2026-11-01T08:00."
        ) from None


Since = Annotated[datetime | None, Parameter(converter=_convert, show_default=False)]
