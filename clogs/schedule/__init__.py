"""When clogs runs by itself: two entries in the user's crontab, or two timers of the user's systemd.

``cron`` reads expressions, ``entries`` says what is run, ``crontab`` and ``systemd`` put it in place,
``look`` finds it again, and ``rehearsal`` tries it in cron's bare environment.
"""

from clogs.schedule.cron import local_zone, next_run, read_expression
from clogs.schedule.crontab import variables as crontab_variables
from clogs.schedule.entries import DAILY_REFRESH, Entry, Scheduler, clogs_words, default_hourly, plan
from clogs.schedule.rehearsal import rehearse
from clogs.schedule.schedule import Schedule, install, installed, next_scheduled, remove, written

__all__ = [
    "DAILY_REFRESH",
    "Entry",
    "Schedule",
    "Scheduler",
    "clogs_words",
    "crontab_variables",
    "default_hourly",
    "install",
    "installed",
    "local_zone",
    "next_run",
    "next_scheduled",
    "plan",
    "read_expression",
    "rehearse",
    "remove",
    "written",
]
