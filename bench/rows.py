"""The lines of the tables, and where their figures are made."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass

NO_BOUND = "–"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table.

    Attributes:
        measure: What was measured.
        figures: What it is made of.
        value: The result.
        bound: What to reach, and whether it is at least or at most; or that there is none.
    """

    measure: str
    figures: str
    value: float
    bound: str = NO_BOUND

    @property
    def mark(self) -> str:
        """Whether the result is within the bound."""
        if self.bound == NO_BOUND:
            return " "
        relation, _, limit = self.bound.partition(" ")
        reached = self.value >= float(limit) if relation == "≥" else self.value <= float(limit)
        return "✓" if reached else "✗"


def folder() -> tempfile.TemporaryDirectory[str]:
    """A folder that is gone in the end."""
    return tempfile.TemporaryDirectory(prefix="clogs-bench-")
