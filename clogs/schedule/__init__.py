"""Scheduled runs: entries in the user's crontab, or timers of the user's systemd.

``cron`` reads expressions, ``entries`` says what runs, ``crontab`` and ``systemd`` install it, ``schedulers``
picks one of the two, and ``rehearsal`` tries the command in the scheduler's bare environment.
"""

from clogs.schedule.schedulers import Schedule, installed, next_scheduled

__all__ = ["Schedule", "installed", "next_scheduled"]
