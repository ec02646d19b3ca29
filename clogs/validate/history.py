"""The results of validations, kept in the warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from clogs import warehouse
from clogs.checks.bronze import CONVERSATIONS
from clogs.checks.results import CheckResult, PastResult
from clogs.validate.changed import ChangeLogs
from clogs.warehouse import Connection, literal

SHOWN = 60
"""Validations that a check's history goes back, at most."""

_COLUMNS = ("layer", "table", "severity", "tolerated", "rows", "failing", "outcome")
_PARTITIONS = """
    DELETE FROM quality.partitions;
    INSERT INTO quality.partitions SELECT date, count(*) FROM raw.conversations GROUP BY date;
"""
_HISTORY = f"""
    SELECT check_name, validated_at, rows, failing, outcome FROM quality.results
    QUALIFY row_number() OVER (PARTITION BY check_name ORDER BY validated_at DESC) <= {SHOWN}
    ORDER BY validated_at
"""


def keep(
    connection: Connection,
    results: Sequence[CheckResult],
    *,
    run: str,
    at: datetime,
    changes: ChangeLogs | None,
) -> None:
    """Keep the results of a validation, and how far it has read the logs of changes, all at once."""
    rows = [(run, str(at), each.check, *(getattr(each, column) for column in _COLUMNS)) for each in results]
    values = ", ".join(f"({', '.join(literal(str(value)) for value in row)})" for row in rows)
    with warehouse.transaction(connection):
        connection.execute(f"INSERT INTO quality.results VALUES {values}")
        if any(each.table == CONVERSATIONS.table for each in results):
            connection.execute(_PARTITIONS)
        if changes:
            changes.mark_seen()


def failed_last(connection: Connection) -> set[str]:
    """The names of the checks that rows failed the last time."""
    failed = "SELECT check_name FROM quality.results GROUP BY ALL HAVING arg_max(failing, rowid) > 0"
    return {name for (name,) in connection.execute(failed).fetchall()}


def check_history(connection: Connection) -> dict[str, list[PastResult]]:
    """Read how each check ended in its last validations, the oldest first, by its name."""
    if not warehouse.has_tables(connection):
        return {}
    history: dict[str, list[PastResult]] = {}
    for check, at, rows, failing, outcome in connection.execute(_HISTORY).fetchall():
        past = PastResult(at=at, rows=rows, failing=failing, outcome=outcome)
        history.setdefault(check, []).append(past)
    return history
