"""All suites, and their checks by name."""

from __future__ import annotations

from dataclasses import replace

from clogs.checks.bronze import BRONZE, CONVERSATIONS
from clogs.checks.check import Check, Suite
from clogs.checks.gold import GOLD
from clogs.checks.overrides import CheckOverride, CheckOverrides
from clogs.checks.silver import SILVER
from clogs.checks.sums import SUMS

SUITES: tuple[Suite, ...] = (*BRONZE, *SILVER, *GOLD, *SUMS)
CHECKS: dict[str, Check] = {name: check for suite in SUITES for name, check in suite.checks.items()}

_UNCHANGED = CheckOverride()


def apply_overrides(suite: Suite, overrides: CheckOverrides) -> dict[str, Check]:
    """A suite's checks by name, as the settings change them."""
    return {
        name: replace(
            check,
            severity=override.severity or check.severity,
            tolerated=check.tolerated if override.tolerated is None else override.tolerated,
        )
        for name, check in suite.checks.items()
        for override in [overrides.get(name, _UNCHANGED)]
    }


def blocking_checks(overrides: CheckOverrides) -> tuple[str, ...]:
    """The names of the checks that documents must pass before they are landed: those that are errors."""
    checks = apply_overrides(CONVERSATIONS, overrides)
    return tuple(name for name, check in checks.items() if check.severity == "error")
