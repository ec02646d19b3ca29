"""All suites, and their checks by name."""

from __future__ import annotations

from dataclasses import replace

from clogs.checks.bronze import BRONZE, Conversations
from clogs.checks.check import Check, Suite
from clogs.checks.gold import GOLD
from clogs.checks.overrides import Rules
from clogs.checks.silver import SILVER
from clogs.checks.sums import SUMS

SUITES: tuple[type[Suite], ...] = (*BRONZE, *SILVER, *GOLD, *SUMS)
CHECKS: dict[str, Check] = {name: check for suite in SUITES for name, check in suite.checks.items()}


def ruled(suite: type[Suite], rules: Rules) -> dict[str, Check]:
    """A suite's checks by name, as the settings will have them."""
    return {name: _ruled(check, name, rules) for name, check in suite.checks.items()}


def _ruled(check: Check, name: str, rules: Rules) -> Check:
    rule = rules.get(name)
    if rule is None:
        return check
    return replace(
        check,
        severity=rule.severity or check.severity,
        tolerated=check.tolerated if rule.tolerated is None else rule.tolerated,
    )


def refused(rules: Rules) -> tuple[str, ...]:
    """The names of the checks that documents must pass before they are landed: those that are errors."""
    checks = ruled(Conversations, rules)
    return tuple(name for name, check in checks.items() if check.severity == "error")
