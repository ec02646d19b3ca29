"""Cron's expressions, as in crontab(5): which are valid, and when they come next."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from clogs.errors import UsageError

LOCAL_TIME = Path("/etc/localtime")
"""The system's time zone: cron and systemd use it, whatever TZ is in a shell."""

SHORTHANDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS = ("minute", "hour", "day of month", "month", "day of week")
_VALUE = r"(?:\d{1,2}|[a-z]{3})"
_TERM = rf"(?:(?:\*|{_VALUE}-{_VALUE})(?:/\d{{1,2}})?|{_VALUE})"
# CronSim judges the values; but it also takes L, # and 5/10, which cron does not.
_FIELD = re.compile(rf"{_TERM}(?:,{_TERM})*", re.IGNORECASE | re.ASCII)


def read_expression(text: str, *, option: str) -> str:
    """Check five fields or a shorthand such as ``@daily``, and return them as the crontab will have them.

    Raises:
        UsageError: Cron would not take it, or would never run it.
    """
    expression = " ".join(text.split())
    fault = _fault(expression)
    if fault:
        raise UsageError(
            f"{option}: {text!r} is not a cron expression: {fault}.",
            hint="Minute, hour, day of month, month, day of week; every day at two: 0 2 * * *",
        )
    return expression


def occurrences(expression: str, after: datetime) -> CronSim:
    """Iterate over the moments after ``after``; raises a `CronSimError` if a value is out of range."""
    return CronSim(SHORTHANDS.get(expression.lower(), expression), after)


def next_run(expression: str, after: datetime, zone: ZoneInfo) -> datetime | None:
    """Find an expression's first moment after ``after``, in ``zone``; None if it never comes or is invalid.

    Clock changes are handled as Debian's cron does: what falls into a skipped hour runs right after it, and
    what falls into a repeated one runs once.
    """
    try:
        return next(occurrences(expression, after.astimezone(zone)), None)
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
        return None if expression.lower() in SHORTHANDS else f"the shorthands are {', '.join(SHORTHANDS)}"
    fields = expression.split(" ")
    if len(fields) != len(_FIELDS):
        return f"it needs {len(_FIELDS)} fields"
    for name, field in zip(_FIELDS, fields, strict=True):
        if not _FIELD.fullmatch(field):
            return f"bad {name} {field}"
    try:
        return None if next(occurrences(expression, datetime.now(UTC)), None) else "it never comes"
    except CronSimError as exc:
        return str(exc).lower().replace("-", " ")
