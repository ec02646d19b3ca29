"""The stage: which suites run, what is reported about them, and what is kept."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
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
from clogs.validate.answers import EXAMPLES, count_failing, result_of
from clogs.validate.changed import read_changes
from clogs.validate.history import failed_last, keep
from clogs.warehouse import Connection

_KNOWN = ", ".join(map(warehouse.literal, KNOWN_TYPES))
_UNKNOWN_TYPES = f"""
    SELECT coalesce(type, '(none)'), count(*), arg_min(claude_version, coalesce(timestamp, ingested_at))
    FROM raw.conversations WHERE type IS NULL OR type NOT IN ({_KNOWN})
    GROUP BY type ORDER BY 2 DESC, 1 LIMIT {EXAMPLES}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateResult:
    """How a validation ended."""

    run: str
    at: datetime  # when it began, in UTC
    checks: tuple[CheckResult, ...]
    rows: int  # that were checked, of all tables, each counted once
    total: int  # rows of these tables
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
    only_changed: bool = False,
    on_progress: Progress = no_progress,
) -> ValidateResult:
    """Run the suites, and keep their results.

    With `only_changed` they check the rows that changed since the last validation of all layers, and what
    hangs on them. All rows are checked where the logs of changes do not reach back to it, if the definition
    of any check has changed since, and by each check that fails or failed the last time.

    Raises:
        UsageError: A layer does not exist.
        WarehouseError: Its tables have not been built.
    """
    at, started = datetime.now(UTC), time.perf_counter()
    suites = _suites_of(layers)
    warehouse.require_tables(connection)
    changes, failed = read_changes(connection), failed_last(connection)
    if missing := {suite.table for suite in suites} - changes.columns.keys():
        raise WarehouseError(
            f"{join_limited(sorted(missing))} have not been built yet.",
            hint="Build them with: clogs transform",
        )
    connection.execute(f"SET VARIABLE now = {warehouse.instant(at)}")
    connection.execute(f"SET VARIABLE max_age = to_seconds({max_age.total_seconds()})")
    checks: list[CheckResult] = []
    with warehouse.bounded(connection):
        for done, suite in enumerate(suites):
            on_progress(done, len(suites))
            part = changes.touched(suite) if only_changed else None
            checks += _check(connection, suite, overrides, part=part, failed=failed)
        checks = [_with_types(connection, check) for check in checks]
        keep(connection, checks, run=run, at=at, changes=None if layers else changes)
    rows, total = _rows(connection, checks)
    seconds = time.perf_counter() - started
    return ValidateResult(run=run, at=at, checks=tuple(checks), rows=rows, total=total, seconds=seconds)


def _suites_of(layers: Sequence[str]) -> list[Suite]:
    if unknown := set(layers) - set(LAYERS):
        raise UsageError(
            f"The layer {', '.join(sorted(unknown))} does not exist.", hint=f"Layers: {', '.join(LAYERS)}."
        )
    return [suite for suite in SUITES if not layers or suite.layer in layers]


def _check(
    connection: Connection,
    suite: Suite,
    overrides: CheckOverrides,
    *,
    part: Suite | None,
    failed: Collection[str],
) -> Iterator[CheckResult]:
    """Run the checks of a suite on `part` of its rows, but those that fail, or have failed, on all."""
    checks = apply_overrides(suite, overrides)
    few = {name: check for name, check in part.checks.items() if name not in failed} if part else {}
    rows, failing = count_failing(connection, part, few) if part and few else (0, {})
    passed = {name for name in few if not failing[name]}
    found = {}
    if left := {name: check for name, check in checks.items() if name not in passed}:
        from clogs.validate.suite import examine  # Pandera takes a second to import

        found = {each.check: each for each in examine(connection, suite, left)}
    for name, check in checks.items():
        yield found.get(name) or result_of(suite, name, check, rows=rows)


def _rows(connection: Connection, checks: Iterable[CheckResult]) -> tuple[int, int]:
    """The rows that were checked, and those of all tables, each table counted once."""
    checked: dict[str, int] = {}
    for check in checks:
        checked[check.table] = max(check.rows, checked.get(check.table, 0))
    counts = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in checked)
    totals = dict(connection.execute(counts).fetchall())
    # suites that compare tables may have more rows than one of them
    return sum(min(rows, totals[table]) for table, rows in checked.items()), sum(totals.values())


def _with_types(connection: Connection, result: CheckResult) -> CheckResult:
    """Give the check on types of entries the types as examples, instead of some documents that have them."""
    if result.check != f"{CONVERSATIONS.name}.type_is_known" or not result.failing:
        return result
    found = connection.execute(_UNKNOWN_TYPES).fetchall()
    examples = (
        f"{shortened(name)} ({number:,} since {shortened(version or 'an unknown version')})"
        for name, number, version in found
    )
    return replace(result, examples=tuple(examples))


def _fault(check: CheckResult) -> str:
    failing = f"{check.failing:,} of {count(check.rows, 'row')} ({percent(check.share)})"
    examples = f", such as {', '.join(check.examples)}" if check.examples else ""
    return f"{check.check} ({check.layer}): {check.description}, but not in {failing}{examples}"
