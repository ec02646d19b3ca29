"""Documents through scan, flatten and screen, without a server."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import polars as pl

from clogs.extract.flatten import flatten
from clogs.extract.rows import rows_of
from clogs.extract.screen import screen
from clogs.mongo import Reply
from clogs.schema import COLUMNS

Document = dict[str, Any]


def screened(
    documents: Sequence[Document],
    *,
    exclude: Sequence[str] = (),
    blocking_checks: tuple[str, ...] = (),
    at: datetime | None = None,
) -> tuple[pl.DataFrame, dict[int, list[str]]]:
    """The rows that are landed, and the reasons of the others by their places."""
    reply = Reply([b""] * len(documents), deepcopy([*documents]))
    scanned = rows_of(reply, exclude=exclude, watermark_field="ingestedAt")
    rows = screen(
        flatten(scanned.lazy().with_columns(extracted_at=pl.lit(at or datetime.now(UTC)))), blocking_checks
    ).collect()
    reasons = {row: found.splitlines() for row, found in enumerate(rows["reasons"]) if found}
    return rows.filter(pl.col("reasons").is_null()).select(column.name for column in COLUMNS), reasons
