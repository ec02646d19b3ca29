"""Which documents changed, for the models to follow.

A log of changes is a table in schema ``changes`` with the columns ``number`` (that of a transaction; it
grows), ``everything`` and whatever tells what changed. A row with ``everything`` says that all there was may
have changed. Readers keep the number up to which they have read: what they missed is above it.
"""

from __future__ import annotations

from clogs.warehouse.connection import Connection

CREATE_CHANGES = """
    CREATE SCHEMA IF NOT EXISTS changes;
    CREATE SEQUENCE IF NOT EXISTS changes.numbers;
    CREATE TABLE IF NOT EXISTS changes.conversations (
        number BIGINT NOT NULL,
        everything BOOLEAN NOT NULL,
        _id VARCHAR
    );
    COMMENT ON TABLE changes.conversations IS 'Documents that were loaded or pruned, until the models know.';
    COMMENT ON COLUMN changes.conversations.number IS 'Grows with every transaction.';
    COMMENT ON COLUMN changes.conversations.everything IS 'Any document may have changed.';
"""

MOST_LISTED = 100_000
"""So many documents are always listed; of more, at most a quarter of the table."""

_EVERYTHING = """
    DELETE FROM changes.conversations;
    INSERT INTO changes.conversations VALUES (nextval('changes.numbers'), true, NULL)
"""
_LISTED = """
    INSERT INTO changes.conversations
    SELECT numbered.number, false, listed._id
    FROM ({query}) AS listed, (SELECT nextval('changes.numbers') AS number) AS numbered
"""


def note_changed(connection: Connection, query: str, *, count: int) -> None:
    """Note that documents change, in the transaction that changes them.

    Args:
        connection: The warehouse, in that transaction.
        query: Selects their ``_id``.
        count: How many they are.
    """
    counts = "SELECT (SELECT count(*) FROM changes.conversations), (SELECT count(*) FROM raw.conversations)"
    listed, total = connection.execute(counts).fetchall()[0]
    if count and listed + count > max(MOST_LISTED, total // 4):
        note_everything(connection)
    elif count:
        connection.execute(_LISTED.format(query=query))


def note_everything(connection: Connection) -> None:
    """Note that any document may have changed, in the transaction that changes them."""
    connection.execute(_EVERYTHING)
