"""Moments as people name them, and the time that a report is about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from clogs.errors import UsageError

ALL = "all"
_LENGTH = re.compile(r"(\d{1,4})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From a moment on, up to another and without it; None where it has no beginning."""

    since: datetime | None
    until: datetime

    @property
    def before(self) -> Period | None:
        """The period of the same length that ends where this one begins."""
        if self.since is None:
            return None
        try:
            return Period(self.since - (self.until - self.since), self.since)
        except OverflowError:
            return None

    def __str__(self) -> str:
        """The first and the last day, or moments where it does not begin and end with a day."""
        if self.since is None:
            return f"until {_text(self.until, is_end=True)}"
        first, last = _text(self.since), _text(self.until, is_end=True)
        return first if first == last else f"{first} to {last}"


def period(
    *, last: str | None, since: str | None, until: str | None, timezone: str, now: datetime | None = None
) -> Period:
    """Read the options of a report.

    Args:
        last: ``30d``, ``12h``, ``4w`` or ``all``; days are whole, today among them. The default is 30 days.
        since: As `moment` reads it.
        until: Likewise; a whole day is part of the period.
        timezone: Decides when a day begins.
        now: For tests.

    Raises:
        UsageError: They cannot be read, contradict each other, or leave no time.
    """
    here = (now or datetime.now(UTC)).astimezone(ZoneInfo(timezone))
    tomorrow = _midnight(here.date() + _DAY, here)
    if last and (since or until):
        raise UsageError("--last and --since or --until contradict each other.", hint="Give one of them.")
    if since or until:
        end = moment(until, here, is_end=True) if until else tomorrow
        found = Period(moment(since, here) if since else None, end)
    elif last == ALL:
        found = Period(None, tomorrow)
    else:
        found = _last(last or "30d", here, tomorrow)
    if found.since and found.since >= found.until:
        raise UsageError(f"The period would end before it begins: {found}.", hint="Exchange them.")
    return found


def moment(text: str, here: datetime, *, is_end: bool = False) -> datetime:
    """Read ``today``, ``yesterday``, a weekday, ``7d``, ``12h``, ``4w``, a date or a time in ISO 8601.

    Args:
        text: What was written. A weekday is the last one, today among them; a length is so long ago.
        here: The present, in the time zone that decides when a day begins, and of times without one.
        is_end: A day stands for its end, not for its beginning.

    Raises:
        UsageError: It is none of these, or too far away.
    """
    word = text.strip().lower()
    try:
        if length := _LENGTH.fullmatch(word):
            return (here.astimezone(UTC) - int(length[1]) * _UNITS[length[2]]).astimezone(here.tzinfo)
        if day := _day(word, here.date()):
            found = _midnight(day + is_end * _DAY, here)
        else:
            found = datetime.fromisoformat(text.strip())
        found = found if found.tzinfo else found.replace(tzinfo=here.tzinfo)
        return found.astimezone(UTC).astimezone(here.tzinfo)
    except OverflowError:
        raise UsageError(f"{text} is too far away.", hint="Give a year from 1 to 9999, in UTC.") from None
    except ValueError:
        hint = "Such as yesterday, monday, 7d, 12h, 2026-11-01 or 2026-11-01T08:00."
        raise UsageError(f'"{text}" is no date or time.', hint=hint) from None


def _day(word: str, today: date) -> date | None:
    """The day that a word or a date in ISO 8601 names; None for anything else."""
    if word in {"today", "yesterday"}:
        return today - (word == "yesterday") * _DAY
    if word in _WEEKDAYS:
        return today - (today.weekday() - _WEEKDAYS.index(word)) % 7 * _DAY
    try:
        return date.fromisoformat(word)
    except ValueError:
        return None


def _last(text: str, here: datetime, tomorrow: datetime) -> Period:
    match = _LENGTH.fullmatch(text)
    if not match or not int(match[1]):
        raise UsageError(f"--last {text} is no length of time.", hint="Such as 30d, 12h, 4w or all.")
    length = int(match[1]) * _UNITS[match[2]]
    if match[2] == "h":
        return Period(moment(text, here), here)
    return Period(_midnight(tomorrow.date() - length, here), tomorrow)


def _midnight(day: date, here: datetime) -> datetime:
    return datetime.combine(day, time(), here.tzinfo)


def _text(moment: datetime, *, is_end: bool = False) -> str:
    if moment.time() == time():
        return (moment.date() - is_end * _DAY).isoformat()
    return f"{moment:%Y-%m-%d %H:%M}"
