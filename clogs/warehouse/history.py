"""The history of runs, for questions in SQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from clogs.warehouse.connection import Connection, transaction

CREATE_RUNS = """
    CREATE TABLE IF NOT EXISTS raw.runs (
        run VARCHAR NOT NULL,
        trigger VARCHAR NOT NULL,
        started_at TIMESTAMPTZ NOT NULL,
        seconds DOUBLE,
        status VARCHAR NOT NULL,
        exit_code INTEGER NOT NULL,
        message VARCHAR,
        clogs VARCHAR,
        steps JSON NOT NULL
    );
    COMMENT ON TABLE raw.runs IS 'One row per run of the pipeline; the next run adds what is missing.';
    COMMENT ON COLUMN raw.runs.trigger IS 'Who started it: cron, systemd or hand.';
    COMMENT ON COLUMN raw.runs.seconds IS 'Wall time; NULL if it was killed.';
    COMMENT ON COLUMN raw.runs.status IS 'done, failed, stopped or killed.';
    COMMENT ON COLUMN raw.runs.message IS 'Why it failed.';
    COMMENT ON COLUMN raw.runs.clogs IS 'The version of clogs.';
    COMMENT ON COLUMN raw.runs.steps IS 'Its steps, each with name, status, seconds, counts and failure.';
"""


def unknown_runs(connection: Connection, runs: Collection[str]) -> set[str]:
    """Those of these runs that the table does not hold."""
    known = connection.execute("SELECT run FROM raw.runs").fetchall()
    return set(runs) - {run for (run,) in known}


def add_runs(connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
    """Add runs, all at once; the values in the order of the columns."""
    if rows:
        with transaction(connection):
            connection.executemany("INSERT INTO raw.runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
