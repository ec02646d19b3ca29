"""What documents must be like to be landed: they fit their columns, and pass the checks of bronze.

The checks run where a document is still at hand for the dead letters, a few hundred rows at a time. Pandera
would take 17 ms for each of these frames, so their expressions are evaluated without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache, partial

import polars as pl

from clogs.flatten import Flattened, flatten
from clogs.mongo import Document
from clogs.quality.bronze import Conversations


def take(documents: Sequence[Document], *, exclude: Sequence[str], refused: tuple[str, ...]) -> Flattened:
    """Turn documents into rows, but for those that cannot be taken.

    Args:
        documents: As for `flatten`.
        exclude: As for `flatten`.
        refused: The names of the checks that a document must pass. Of those of `Conversations`, what takes
            the whole table is passed over.

    Returns:
        As `flatten` does; the reasons of those that fail checks name each of them.
    """
    return flatten(documents, exclude=exclude, check=partial(_failures, refused))


def _failures(refused: tuple[str, ...], rows: pl.DataFrame) -> dict[int, list[str]]:
    """The rows that fail, by their places, with every check that they fail."""
    holds = _expressions(refused)
    if not holds:
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
        row["place"]: [f"{name}: {Conversations.checks[name].description}" for name in holds if row[name]]
        for row in failed.iter_rows(named=True)
    }


@cache
def _expressions(refused: tuple[str, ...]) -> dict[str, pl.Expr]:
    checks = ((name, Conversations.checks[name].holds) for name in refused)
    return {name: holds for name, holds in checks if isinstance(holds, pl.Expr)}
