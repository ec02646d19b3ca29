"""The history of runs in the warehouse, as far as the state folder remembers what is missing there."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from clogs.errors import ClogsError
from clogs.pipeline.wiring import open_warehouse
from clogs.runs import records

if TYPE_CHECKING:
    from clogs.runs.records import Run
    from clogs.settings import Settings

logger = logging.getLogger(__name__)


def remember(settings: Settings) -> None:
    """Add to the warehouse the runs that it does not hold. The caller holds the run lock.

    Where it cannot be opened just now, the next run does it.
    """
    from clogs import warehouse

    if not settings.duckdb.path.exists():
        return
    try:
        known = {run.run: run for run in records.readable(settings.data.state_dir)}
        with open_warehouse(settings, lock_timeout=timedelta(0)) as connection:
            if warehouse.is_current(connection):
                missing = sorted(warehouse.unknown_runs(connection, known))
                warehouse.add_runs(connection, [_row(known[run]) for run in missing])
    except ClogsError as error:
        logger.debug("The history of runs in the warehouse is left to the next run: %s", error.message)


def _row(run: Run) -> tuple[object, ...]:
    failure = run.failure
    return (
        run.run,
        run.trigger,
        run.started_at,
        run.seconds,
        "killed" if run.status == "running" else run.status,
        failure.exit_code if failure else 0,
        failure.message if failure else None,
        run.versions.get("clogs"),
        msgspec.json.encode(run.steps).decode(),
    )
