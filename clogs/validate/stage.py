"""The stage: which suites run, what is reported about them, and what is kept."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from clogs import warehouse
from clogs.checks.bronze import CONVERSATIONS, KNOWN_TYPES
from clogs.checks.check import Suite
from clogs.checks.overrides import CheckOverrides
from clogs.checks.results import LAYERS, CheckResult
from clogs.checks.suites import SUITES, apply_overrides
from clogs.errors import DataError, UsageError, WarehouseError
from clogs.terminal.progress import Progress, no_progress
from clogs.terminal.text import count, join_limited, percent, shortened
from clogs.validate.history import keep
from clogs.validate.suite import EXAMPLES, examine
from clogs.warehouse import Connection

_UNKNOWN_TYPES = f"""
    SELECT coalesce(type, '(none)'), count(*), arg_min(claude_version, coalesce(timestamp, ingested_at))
    FROM raw.conversations WHERE type IS NULL OR NOT list_contains(?, type)
    GROUP BY type ORDER BY 2 DESC, 1 LIMIT {EXAMPLES}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateResult:
    """How a validation ended."""

    run: str
    at: datetime  # when it began, in UTC
    checks: tuple[CheckResult, ...]
    rows: int  # of the tables, each counted once
    seconds: float

    def ended(self, outcome: str) -> list[CheckResult]:
        """The checks with an outcome."""
        return [check for check in self.checks if check.outcome == outcome]

    def raise_for_failures(self) -> None:
        """Raise if a check failed; one that is a warning does not.

        Raises:
            DataError: Names the failing checks with shares and keys.
        """
        failed = self.ended("failed")
        if failed:
            faults = "\n  ".join(map(_fault, failed))
            raise DataError(
                f"{len(failed)} of {count(len(self.checks), 'check')} failed:\n  {faults}",
                hint="See all: clogs validate. A check's severity and tolerated share: [quality.checks]",
            )


def validate(
    connection: Connection,
    *,
    run: str,
    overrides: CheckOverrides,
    max_age: timedelta,
    layers: Sequence[str] = (),
    on_progress: Progress = no_progress,
) -> ValidateResult:
    """Run the suites, and keep their results.

    Raises:
        UsageError: A layer does not exist.
        WarehouseError: Its tables have not been built.
    """
    at, started = datetime.now(UTC), time.perf_counter()
    if unknown := set(layers) - set(LAYERS):
        raise UsageError(
            f"The layer {', '.join(sorted(unknown))} does not exist.", hint=f"Layers: {', '.join(LAYERS)}."
        )
    suites = [suite for suite in SUITES if not layers or suite.layer in layers]
    _require_built(connection, suites)
    connection.execute(f"SET VARIABLE now = TIMESTAMPTZ '{at.isoformat()}'")
    connection.execute(f"SET VARIABLE max_age = to_seconds({max_age.total_seconds()})")
    checks: list[CheckResult] = []
    with warehouse.bounded(connection):
        for done, suite in enumerate(suites):
            on_progress(done, len(suites))
            checks += examine(connection, suite, apply_overrides(suite, overrides))
        checks = [_with_types(connection, check) for check in checks]
        keep(connection, checks, run=run, at=at, partitions=CONVERSATIONS in suites)
    # the first suite of a table reads all its rows; others compare it, grouped, with another
    tables = {check.table: check.rows for check in reversed(checks)}
    seconds = time.perf_counter() - started
    return ValidateResult(run=run, at=at, checks=tuple(checks), rows=sum(tables.values()), seconds=seconds)


def _require_built(connection: Connection, suites: Iterable[Suite]) -> None:
    warehouse.require_tables(connection)
    built = connection.execute(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables"
        " WHERE table_catalog = current_database()"
    )
    missing = {suite.table for suite in suites} - {name for (name,) in built.fetchall()}
    if missing:
        raise WarehouseError(
            f"{join_limited(sorted(missing))} have not been built yet.",
            hint="Build them with: clogs transform",
        )


def _with_types(connection: Connection, result: CheckResult) -> CheckResult:
    """Give the check on types of entries the types as examples, instead of some documents that have them."""
    if result.check != f"{CONVERSATIONS.name}.type_is_known" or not result.failing:
        return result
    found = connection.execute(_UNKNOWN_TYPES, [KNOWN_TYPES]).fetchall()
    examples = (
        f"{shortened(name)} ({number:,} since {shortened(version or 'an unknown version')})"
        for name, number, version in found
    )
    return replace(result, examples=tuple(examples))


def _fault(check: CheckResult) -> str:
    failing = f"{check.failing:,} of {count(check.rows, 'row')} ({percent(check.share)})"
    examples = f", such as {', '.join(check.examples)}" if check.examples else ""
    return f"{check.check} ({check.layer}): {check.description}, but not in {failing}{examples}"
