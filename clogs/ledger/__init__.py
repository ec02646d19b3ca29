"""The ledger: which landing files were loaded, and whether they are still what they were."""

from clogs.ledger.comparison import Look, look, record, remove
from clogs.ledger.entries import Fate, Known, LandingFile, enter_merged, ledger_name, read_ledger, set_fate
from clogs.ledger.soundness import DamagedError, check

__all__ = [
    "DamagedError",
    "Fate",
    "Known",
    "LandingFile",
    "Look",
    "check",
    "enter_merged",
    "ledger_name",
    "look",
    "read_ledger",
    "record",
    "remove",
    "set_fate",
]
