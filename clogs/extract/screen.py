"""What documents must be like to be landed: they fit their columns, and pass the checks of bronze.

The checks run where a document is still at hand for the dead letters, a few hundred rows at a time. Pandera
would take 17 ms for each of these frames, so their expressions are evaluated without it, and only where a row
is not typical.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache, partial

import polars as pl

from clogs.checks.bronze import CONVERSATIONS, FIRST_DAY, WITHOUT_SESSION
from clogs.extract.flatten import Flattened, flatten
from clogs.mongo import Document

TYPICAL_PASS = {
    f"{CONVERSATIONS.name}.{check}"
    for check in ("session_is_present", "role_is_known", "timestamp_is_believable")
}
"""The checks that rows pass that are typical."""

_SESSIONLESS = set(WITHOUT_SESSION)
_ROLES = {None, "user", "assistant"}


def take(
    documents: Sequence[Document], *, exclude: Sequence[str], blocking_checks: tuple[str, ...]
) -> Flattened:
    """Turn documents into rows, but for those that cannot be taken.

    Args:
        documents: As for `flatten`.
        exclude: As for `flatten`.
        blocking_checks: The names of the checks that a document must pass. Those that need
            the whole table are skipped.

    Returns:
        As `flatten` does; the reasons of those that fail checks name each of them.
    """
    return flatten(documents, exclude=exclude, check=partial(_failures, blocking_checks))


def _failures(blocking_checks: tuple[str, ...], rows: pl.DataFrame) -> dict[int, list[str]]:
    """The rows that fail, by their places, with every check that they fail."""
    holds = _expressions(blocking_checks)
    if not holds or (holds.keys() <= TYPICAL_PASS and are_typical(rows)):
        return {}
    failed = (
        rows.lazy()
        .with_columns(extracted_at=pl.lit(datetime.now(UTC)))
        .select(~each.fill_null(value=False).alias(name) for name, each in holds.items())
        .with_row_index("place")
        .filter(pl.any_horizontal(*holds))
        .collect()
    )
    return {
        row["place"]: [
            f"{name} does not hold: {CONVERSATIONS.checks[name].description}" for name in holds if row[name]
        ]
        for row in failed.iter_rows(named=True)
    }


def are_typical(rows: pl.DataFrame) -> bool:
    """Tell of most rows at once that nothing is wrong with them, in a tenth of the time of expressions."""
    typed = zip(rows["type"].to_list(), rows["session_id"].to_list(), strict=True)
    first, last = rows["timestamp"].min(), rows["timestamp"].max()
    return (
        set(rows["message_role"].to_list()) <= _ROLES
        and {type_ for type_, session in typed if session is None} <= _SESSIONLESS
        and (not isinstance(first, datetime) or first >= FIRST_DAY)
        and (not isinstance(last, datetime) or last <= datetime.now(UTC))
    )


@cache
def _expressions(blocking_checks: tuple[str, ...]) -> dict[str, pl.Expr]:
    checks = ((name, CONVERSATIONS.checks[name].holds) for name in blocking_checks)
    return {name: holds for name, holds in checks if isinstance(holds, pl.Expr)}
