"""The stage that checks the warehouse."""

from clogs.validate.history import check_history
from clogs.validate.stage import ValidateResult, validate

__all__ = ["ValidateResult", "check_history", "validate"]
