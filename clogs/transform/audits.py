"""Audits of what has just been built, before anybody can see it."""

from __future__ import annotations

from collections.abc import Sequence

from clogs.errors import DataError
from clogs.transform.compiled import CompiledAudit
from clogs.warehouse import Connection

EXAMPLES = 5


def audit(connection: Connection, model: str, audits: Sequence[CompiledAudit], rows: str) -> None:
    """Run a model's audits on the rows of a query.

    Raises:
        DataError: Some of them fail an audit: how many, of which, and the keys of some of them.
    """
    if not audits:
        return
    this_model = f"WITH this_model AS NOT MATERIALIZED ({rows})"
    counts = ", ".join(f"(SELECT count(*) FROM ({each.query}))" for each in audits)
    (failing,) = connection.execute(f"{this_model} SELECT {counts}").fetchall()
    for each, count in zip(audits, failing, strict=True):
        if not count:
            continue
        some = connection.execute(f"{this_model} FROM ({each.query}) LIMIT {EXAMPLES}").fetchall()
        raise failure(model, each.name, count, some)


def failure(model: str, audit: str, count: int, some: Sequence[Sequence[object]]) -> DataError:
    """The error of rows that fail an audit, with some of them."""
    fail = "row fails" if count == 1 else "rows fail"
    # the first column is the key, in our models and in audits of uniqueness
    keys = ", ".join(str(row[0]) for row in some)
    return DataError(
        f"{count:,} {fail} the audit {audit} of {model}: {keys}.",
        hint=f"{model} and what is built from it were left as they were."
        " Look for the cause with: clogs query",
    )
