"""What each stage last passed on, so that it can be skipped while nothing has changed."""

from __future__ import annotations

from clogs.warehouse.connection import Connection, transaction
from clogs.warehouse.layout import has_tables


def loaded(connection: Connection) -> str:
    """A text that is another one after each load or prune that changed a row, not after a compaction."""
    found = connection.execute("""
        SELECT sum(inserted), sum(updated), max(loaded_at) FILTER (inserted + updated > 0),
            (SELECT max(number) FROM changes.conversations)
        FROM raw.ledger
    """).fetchall()
    inserted, updated, at, unread = found[0]
    return f"{inserted} inserted, {updated} updated, the last at {at}, {unread or 'none'} unread"


def mark_passed(connection: Connection, stage: str, fingerprint: str) -> None:
    """Note what a stage passed on, in place of what it passed on before."""
    with transaction(connection):
        connection.execute("DELETE FROM raw.checkpoints WHERE stage = ?", [stage])
        connection.execute("INSERT INTO raw.checkpoints VALUES (?, ?, now())", [stage, fingerprint])


def forget_passed(connection: Connection) -> None:
    """Let every stage that can be skipped run again."""
    if has_tables(connection):
        connection.execute("DELETE FROM raw.checkpoints")


def has_passed(connection: Connection, stage: str, fingerprint: str) -> bool:
    """Tell whether a stage has passed on just this."""
    passed = connection.execute("SELECT stage, fingerprint FROM raw.checkpoints")
    return (stage, fingerprint) in passed.fetchall()
