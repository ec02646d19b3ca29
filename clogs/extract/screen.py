"""Documents that cannot be landed are rejected: they do not fit their columns, or fail a check of bronze.

The checks run while a document is still at hand for the dead letters, a few hundred rows at a time. Pandera
would take 17 ms for each of these frames, so their expressions are evaluated without it, and only where a row
is not typical.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

import polars as pl

from clogs.checks.bronze import CONVERSATIONS, FIRST_DAY, WITHOUT_SESSION
from clogs.extract.flatten import Rejected, flatten
from clogs.mongo import Document

TYPICAL_PASS = {
    f"{CONVERSATIONS.name}.{check}"
    for check in ("session_is_present", "role_is_known", "timestamp_is_believable")
}
"""The checks that typical rows pass."""

_SESSIONLESS = set(WITHOUT_SESSION)
_ROLES = {None, "user", "assistant"}


def screen(
    documents: Sequence[Document], *, exclude: Sequence[str], blocking_checks: tuple[str, ...]
) -> tuple[pl.DataFrame, Rejected]:
    """Turn documents into rows, without those that are rejected.

    Returns:
        The rows of the documents that are not rejected, in their order; and those that are. The reasons
        name every check that failed.
    """
    rows, rejected = flatten(documents, exclude=exclude)
    for place, reasons in _failures(rows, blocking_checks).items():
        rejected.setdefault(place, []).extend(reasons)
    if rejected:
        rows = rows.with_row_index("place").filter(~pl.col("place").is_in(list(rejected))).drop("place")
    return rows, rejected


def _failures(rows: pl.DataFrame, blocking_checks: tuple[str, ...]) -> Rejected:
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
    """Return whether all rows plainly pass `TYPICAL_PASS`: most do, and this takes a tenth of the time."""
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
