"""The checks of bronze, while a document is still at hand for the dead letters.

Pandera would take 17 ms for each batch, so their expressions are evaluated without it.
"""

from __future__ import annotations

import polars as pl

from clogs.checks.bronze import CONVERSATIONS
from clogs.extract.flatten import with_reasons


def screen(rows: pl.LazyFrame, blocking_checks: tuple[str, ...]) -> pl.LazyFrame:
    """Add the checks that a row fails to its ``reasons``; ``raw`` stays only where it has some."""
    checks = {name: CONVERSATIONS.checks[name] for name in blocking_checks}
    failures = (
        # what could not be decoded fails none
        pl.when(~check.holds.fill_null(value=False), pl.col("entry_raw").is_not_null()).then(
            pl.lit(f"{name} does not hold: {check.description}")
        )
        for name, check in checks.items()
        if isinstance(check.holds, pl.Expr)
    )
    return rows.with_columns(reasons=with_reasons(*failures)).with_columns(
        raw=pl.when(pl.col("reasons").is_not_null()).then("raw")
    )
