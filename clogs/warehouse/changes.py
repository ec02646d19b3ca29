"""Which documents changed, for the models to follow.

A log of changes is a table in schema ``changes`` with the columns ``number`` (of a transaction; it grows),
``everything`` and the keys of what changed. A row with ``everything`` says that any row may have changed.
Readers keep in ``changes.seen`` the number up to which they have read: the models, and the checks.
"""

from __future__ import annotations

from clogs.warehouse.connection import Connection

CHECKS = "checks "
"""How the name of the checks begins as a reader; see `clogs.validate.changed`."""

UNREAD = f"""
    FROM changes.conversations WHERE number > (
        SELECT coalesce(min(number), 0) FROM changes.seen
        WHERE parent = 'conversations' AND NOT starts_with(model, '{CHECKS}')
    )
"""
"""What follows SELECT for documents that the models have not followed yet."""

MOST_LISTED = 100_000  # documents that are always listed; of more, at most a quarter of the table


def note_changed(connection: Connection, query: str, *, count: int) -> None:
    """Note that ``count`` documents, whose ``_id`` a query selects, change in this transaction."""
    counts = f"SELECT (SELECT count(*) {UNREAD}), (SELECT count(*) FROM raw.conversations)"
    listed, total = connection.execute(counts).fetchall()[0]
    if count and listed + count > max(MOST_LISTED, total // 4):
        note_everything(connection)
    elif count:
        connection.execute(f"""
            INSERT INTO changes.conversations
            SELECT numbered.number, false, listed._id
            FROM ({query}) AS listed, (SELECT nextval('changes.numbers') AS number) AS numbered
        """)


def note_everything(connection: Connection) -> None:
    """Note that any document may have changed, in the transaction that changes them."""
    connection.execute("""
        DELETE FROM changes.conversations;
        INSERT INTO changes.conversations VALUES (nextval('changes.numbers'), true, NULL)
    """)
