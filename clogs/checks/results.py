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
        check: Its full name, such as ``fct_messages.key_is_unique``.
        table: The table, with its schema.
        description: What must hold.
        tolerated: The share of rows, 0 to 1, that may fail and still pass.
        rows: Rows checked.
        failing: Rows that fail.
        examples: Keys of some of them, never their contents. For unknown types of entries: the types, with
            how many there are and since which version.
        share: The share of rows that fail, 0 to 1; worked out.
        outcome: Worked out from share, tolerance and severity.
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
        """Work out share and outcome."""
        share = self.failing / self.rows if self.rows else 0.0
        unless_tolerated: Outcome = "failed" if self.severity == "error" else "warned"
        object.__setattr__(self, "share", share)
        object.__setattr__(self, "outcome", "passed" if share <= self.tolerated else unless_tolerated)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastResult:
    """How one check ended in an earlier validation, at a time in UTC."""

    at: datetime
    rows: int
    failing: int
    outcome: Outcome

    @property
    def share(self) -> float:
        """The share of rows that failed, 0 to 1."""
        return self.failing / self.rows if self.rows else 0.0
