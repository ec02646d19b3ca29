"""The stage that checks the warehouse."""

from clogs.validate.history import courses
from clogs.validate.stage import ValidateResult, validate

__all__ = ["ValidateResult", "courses", "validate"]
