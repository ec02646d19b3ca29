"""Cron's expressions as crontab(5) has them: what they may be, and when they come next."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from clogs.errors import UsageError

LOCAL_TIME = Path("/etc/localtime")
"""The system's time zone: cron and systemd go by it, whatever TZ says in somebody's shell."""

SHORTHANDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_NUMBER = r"\d{1,2}"
_MONTH = rf"(?:{_NUMBER}|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_WEEKDAY = rf"(?:{_NUMBER}|sun|mon|tue|wed|thu|fri|sat)"


def _field(value: str) -> re.Pattern[str]:
    term = rf"(?:(?:\*|{value}-{value})(?:/{_NUMBER})?|{value})"
    return re.compile(rf"{term}(?:,{term})*", re.IGNORECASE | re.ASCII)


_FIELDS = {
    "minute": _field(_NUMBER),
    "hour": _field(_NUMBER),
    "day of month": _field(_NUMBER),
    "month": _field(_MONTH),
    "day of week": _field(_WEEKDAY),
}


def read_expression(text: str, *, option: str) -> str:
    """Check an expression, and return it as it will stand in the crontab.

    Args:
        text: Five fields, or a shorthand such as ``@daily``.
        option: What it was given with, for the message.

    Raises:
        UsageError: Cron would not take it, or would never come to it.
    """
    expression = " ".join(text.split())
    fault = _fault(expression)
    if fault:
        raise UsageError(
            f"{option}: {text!r} is no cron expression: {fault}.",
            hint="Minute, hour, day of month, month, day of week; every day at two: 0 2 * * *",
        )
    return expression


def parsed(expression: str, after: datetime) -> CronSim:
    """Read an expression, to ask it for the runs after a moment.

    Raises:
        CronSimError: A value is out of range.
    """
    return CronSim(SHORTHANDS.get(expression.lower(), expression), after)


def next_run(expression: str, after: datetime, zone: ZoneInfo) -> datetime | None:
    """Tell when an expression comes next.

    Clock changes are met as Debian's cron does: what falls into a skipped hour runs right after it, and
    what falls into a repeated one runs once.

    Args:
        expression: As it stands in the crontab; somebody may have edited it.
        after: A moment in any time zone.
        zone: The time zone cron goes by.

    Returns:
        A moment in that zone; None where it never comes, or is no expression.
    """
    try:
        return next(parsed(expression, after.astimezone(zone)), None)
    except CronSimError:
        return None


def local_zone() -> ZoneInfo:
    """The system's time zone, with its name where there is one."""
    _, _, name = str(LOCAL_TIME.resolve()).partition("zoneinfo/")
    try:
        with LOCAL_TIME.open("rb") as file:
            return ZoneInfo.from_file(file, key=name or "local time")
    except (OSError, ValueError):  # a system without one runs on UTC
        return ZoneInfo("UTC")


def _fault(expression: str) -> str | None:
    if expression.startswith("@"):
        return None if expression.lower() in SHORTHANDS else f"there is only {', '.join(SHORTHANDS)}"
    fields = expression.split(" ")
    if len(fields) != len(_FIELDS):
        return f"it needs {len(_FIELDS)} fields"
    for (name, pattern), field in zip(_FIELDS.items(), fields, strict=True):
        if not pattern.fullmatch(field):
            return f"{field} is no {name}"
    now = datetime.now(UTC)
    try:
        return None if next(parsed(expression, now), None) else "there is no such day"
    except CronSimError as exc:
        return str(exc).lower().replace("-", " ")
