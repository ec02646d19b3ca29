"""How checks ended: now, and in earlier validations."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Layer = Literal["bronze", "silver", "gold"]
Severity = Literal["error", "warning"]
Outcome = Literal["passed", "warned", "failed"]

LAYERS: tuple[Layer, ...] = ("bronze", "silver", "gold")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """How one check ended.

    Attributes:
        check: Its name, such as ``fct_messages.key_is_unique``.
        layer: Its layer.
        table: The table it looks at, with its schema.
        description: What must hold.
        severity: What it is if it does not: an error fails the validation, a warning does not.
        tolerated: The share of rows, 0 to 1, that may fail without being told.
        rows: Rows looked at.
        failing: Rows that fail.
        examples: Keys of some of them, never their contents; for a type of entries that is not known, what
            it is called, how many there are and since which version.
        share: The share of rows that fail, 0 to 1; worked out.
        outcome: What is to be said of it; worked out.
    """

    check: str
    layer: Layer
    table: str
    description: str
    severity: Severity
    tolerated: float
    rows: int
    failing: int
    examples: tuple[str, ...]
    share: float = field(init=False)
    outcome: Outcome = field(init=False)

    def __post_init__(self) -> None:
        """Work out what follows from the rest."""
        share = self.failing / self.rows if self.rows else 0.0
        unless_tolerated: Outcome = "failed" if self.severity == "error" else "warned"
        object.__setattr__(self, "share", share)
        object.__setattr__(self, "outcome", "passed" if share <= self.tolerated else unless_tolerated)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastResult:
    """How one check ended in an earlier validation.

    Attributes:
        at: When, in UTC.
        rows: Rows looked at.
        failing: Rows that failed.
        outcome: What was said of it.
    """

    at: datetime
    rows: int
    failing: int
    outcome: Outcome

    @property
    def share(self) -> float:
        """The share of rows that failed, 0 to 1."""
        return self.failing / self.rows if self.rows else 0.0
