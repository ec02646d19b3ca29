"""All suites, and their checks by name."""

from __future__ import annotations

from dataclasses import replace

from msgspec.structs import asdict

from clogs.checks.bronze import BRONZE, CONVERSATIONS
from clogs.checks.check import Check, Suite
from clogs.checks.gold import GOLD
from clogs.checks.overrides import CheckOverrides
from clogs.checks.silver import SILVER
from clogs.checks.sums import SUMS

SUITES: tuple[Suite, ...] = (*BRONZE, *SILVER, *GOLD, *SUMS)
CHECKS: dict[str, Check] = {name: check for suite in SUITES for name, check in suite.checks.items()}


def apply_overrides(suite: Suite, overrides: CheckOverrides) -> dict[str, Check]:
    """A suite's checks by name, as the settings change them."""
    checks = dict(suite.checks)
    for name in checks.keys() & overrides.keys():
        given = {field: value for field, value in asdict(overrides[name]).items() if value is not None}
        checks[name] = replace(checks[name], **given)
    return checks


def blocking_checks(overrides: CheckOverrides) -> tuple[str, ...]:
    """The names of the checks that documents must pass before they are landed: those that are errors."""
    checks = apply_overrides(CONVERSATIONS, overrides)
    return tuple(name for name, check in checks.items() if check.severity == "error")
