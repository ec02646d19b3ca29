"""Checkpoints: the state of the warehouse that transform and validate last succeeded on.

While nothing has changed since then, the pipeline skips them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from clogs import __version__
from clogs.pipeline.wiring import models_of

if TYPE_CHECKING:
    from clogs.settings import Settings
    from clogs.warehouse import Connection

Stage = Literal["transform", "validate"]


def clear(connection: Connection) -> None:
    """Make every stage run again. Call it before any model changes: a killed transform is not done."""
    connection.execute("DELETE FROM raw.checkpoints")


def mark(settings: Settings, connection: Connection, stage: Stage) -> None:
    """Record that a stage succeeded on what the warehouse holds now."""
    from clogs.warehouse import literal, transaction

    fingerprint = _fingerprints(settings, connection)[stage]
    with transaction(connection):
        connection.execute(f"DELETE FROM raw.checkpoints WHERE stage = '{stage}'")
        connection.execute(f"INSERT INTO raw.checkpoints VALUES ('{stage}', {literal(fingerprint)}, now())")


def current(settings: Settings, connection: Connection) -> set[Stage]:
    """Return the stages that have nothing to do: they succeeded on what the warehouse holds now."""
    from clogs.warehouse import has_tables

    if not has_tables(connection):
        return set()
    marked = connection.execute("SELECT stage, fingerprint FROM raw.checkpoints").fetchall()
    fingerprints = _fingerprints(settings, connection)
    stages = {stage for stage, fingerprint in fingerprints.items() if (stage, fingerprint) in marked}
    # where transform was skipped, validate has checked models older than what is loaded
    return stages if "transform" in stages else set()


def _fingerprints(settings: Settings, connection: Connection) -> dict[Stage, str]:
    """What each stage's outcome depends on: the loads, the models, the settings and the version of clogs."""
    models = models_of(settings).digest
    built = " | ".join([__version__, settings.transform.timezone, models, loads(connection)])
    return {"transform": built, "validate": f"{built} | {settings.quality}"}


def loads(connection: Connection) -> str:
    """Return a text that changes with each load or prune that changes a row, and with no compaction."""
    from clogs.warehouse import UNREAD

    found = connection.execute(f"""
        SELECT sum(inserted), sum(updated), max(loaded_at) FILTER (inserted + updated > 0),
            (SELECT max(number) {UNREAD})
        FROM raw.ledger
    """).fetchall()
    inserted, updated, at, unread = found[0]
    return f"{inserted} inserted, {updated} updated, the last at {at}, {unread or 'none'} unread"
