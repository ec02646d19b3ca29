"""Parquet → ``raw.conversations``: the newest version of each document, and a ledger of what was loaded."""

from clogs.load.quarantine import discard, quarantined_file, restore
from clogs.load.stage import LoadResult, load
from clogs.load.stats import Stats, stats

__all__ = ["LoadResult", "Stats", "discard", "load", "quarantined_file", "restore", "stats"]
