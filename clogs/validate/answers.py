"""What DuckDB and Polars answer: for each row of a suite, whether each check holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import polars as pl

from clogs.checks.check import Check, Suite
from clogs.checks.results import CheckResult
from clogs.warehouse import Connection

BATCH_ROWS = 100_000
EXAMPLES = 5


def answers(connection: Connection, suite: Suite, checks: Mapping[str, Check]) -> Iterator[pl.DataFrame]:
    """The ``key`` of each row as text, and a column of true and false for each check; in batches."""
    columns = [
        (pl.col(name) if isinstance(check.holds, str) else check.holds.fill_null(value=False)).alias(name)
        for name, check in checks.items()
    ]
    for batch in connection.execute(_query(suite, checks)).to_arrow_reader(BATCH_ROWS):
        frame = pl.from_arrow(batch)
        assert isinstance(frame, pl.DataFrame)  # noqa: S101  # a record batch is never a single column
        yield frame.select("key", *columns)


def count_failing(
    connection: Connection, suite: Suite, checks: Mapping[str, Check]
) -> tuple[int, Counter[str]]:
    """Count the rows, and those that fail by the names of checks."""
    rows = 0
    failing: Counter[str] = Counter()
    for batch in answers(connection, suite, checks):
        rows += batch.height
        failing.update(batch.select((~pl.col(name)).sum() for name in checks).row(0, named=True))
    return rows, failing


def result_of(
    suite: Suite, name: str, check: Check, *, rows: int, failing: int = 0, examples: tuple[str, ...] = ()
) -> CheckResult:
    """How a check of a suite ended."""
    return CheckResult(
        check=name,
        layer=suite.layer,
        table=suite.table,
        description=check.description,
        severity=check.severity,
        tolerated=check.tolerated,
        rows=rows,
        failing=failing,
        examples=examples,
    )


def _query(suite: Suite, checks: Mapping[str, Check]) -> str:
    """The rows with their key as text, the columns that expressions read, and what DuckDB has to answer."""
    parts = ", ".join(f"coalesce(CAST({column} AS VARCHAR), '(none)')" for column in suite.key)
    inputs = {
        column: None
        for check in checks.values()
        if isinstance(check.holds, pl.Expr)
        for column in check.holds.meta.root_names()
    }
    own = (
        f'coalesce(({check.holds}), false) AS "{name}"'
        for name, check in checks.items()
        if isinstance(check.holds, str)
    )
    columns = ", ".join((f"concat_ws(' ', {parts}) AS key", *inputs, *own))
    return f"SELECT {columns} FROM {suite.source}"
