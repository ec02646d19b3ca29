"""What the settings change about single checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from clogs.checks.results import Severity


class CheckOverride(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What replaces a check's own severity and tolerated share; None leaves them.

    Attributes:
        tolerated: The share of rows, 0 to 1, that may fail and still pass.
    """

    severity: Severity | None = None
    tolerated: Annotated[float, Meta(ge=0, le=1)] | None = None


CheckOverrides = Mapping[str, CheckOverride]
"""By the full names of checks, such as ``fct_messages.key_is_unique``."""
