"""All suites, and their checks by name."""

from __future__ import annotations

from dataclasses import replace

from clogs.checks.bronze import BRONZE, Conversations
from clogs.checks.check import Check, Suite
from clogs.checks.gold import GOLD
from clogs.checks.overrides import CheckOverrides
from clogs.checks.silver import SILVER
from clogs.checks.sums import SUMS

SUITES: tuple[type[Suite], ...] = (*BRONZE, *SILVER, *GOLD, *SUMS)
CHECKS: dict[str, Check] = {name: check for suite in SUITES for name, check in suite.checks.items()}


def apply_overrides(suite: type[Suite], overrides: CheckOverrides) -> dict[str, Check]:
    """A suite's checks by name, as the settings will have them."""
    return {name: _overridden(check, name, overrides) for name, check in suite.checks.items()}


def _overridden(check: Check, name: str, overrides: CheckOverrides) -> Check:
    override = overrides.get(name)
    if override is None:
        return check
    return replace(
        check,
        severity=override.severity or check.severity,
        tolerated=check.tolerated if override.tolerated is None else override.tolerated,
    )


def blocking_checks(overrides: CheckOverrides) -> tuple[str, ...]:
    """The names of the checks that documents must pass before they are landed: those that are errors."""
    checks = apply_overrides(Conversations, overrides)
    return tuple(name for name, check in checks.items() if check.severity == "error")
