"""Pandera on the rows of a table: the one module that imports it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import pandera.polars as pa
import polars as pl
from pandera.config import ValidationDepth, config_context
from pandera.errors import SchemaErrors

from clogs.checks.check import Check, Suite
from clogs.checks.results import CheckResult
from clogs.terminal.text import shortened
from clogs.validate.answers import EXAMPLES, answers, result_of
from clogs.warehouse import Connection


def examine(connection: Connection, suite: Suite, checks: Mapping[str, Check]) -> list[CheckResult]:
    """Check every row of a suite's table, in batches."""
    # Pandera sees answers and no values, since Python has no counterpart for some of DuckDB's
    schema = pa.DataFrameSchema(
        checks=[
            pa.Check(lambda data, name=name: data.lazyframe.select(pl.col(name)), name=name)
            for name in checks
        ]
    )
    rows = 0
    failing: Counter[str] = Counter()
    examples: dict[str, list[str]] = {name: [] for name in checks}
    for batch in answers(connection, suite, checks):
        rows += batch.height
        for name, keys in _failures(schema, batch):
            failing[name] += len(keys)
            seen = [*examples[name], *map(shortened, keys.unique(maintain_order=True).head(EXAMPLES))]
            examples[name] = list(dict.fromkeys(seen))[:EXAMPLES]
    return [
        result_of(suite, name, check, rows=rows, failing=failing[name], examples=tuple(examples[name]))
        for name, check in checks.items()
    ]


def _failures(schema: pa.DataFrameSchema, batch: pl.DataFrame) -> Iterator[tuple[str, pl.Series]]:
    """The names of checks that rows fail, each with the keys of these rows."""
    # Pandera's environment variables can reduce a validation to the columns' types, or to nothing
    with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
        try:
            schema.validate(batch, lazy=True)
        except SchemaErrors as exc:
            cases = exc.failure_cases.select("check", "index")
        else:
            return
    if cases["index"].null_count():
        raise TypeError(
            f"Checks that do not answer row by row: {cases.filter(index=None)['check'].to_list()}"
        )
    for (name,), rows in cases.group_by("check", maintain_order=True):
        yield str(name), batch["key"].gather(rows["index"].sort())
