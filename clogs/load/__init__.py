"""Parquet → ``raw.conversations``: the newest version of each document, and a ledger of what was loaded."""

from clogs.load.quarantine import discard, quarantined_file, restore
from clogs.load.stage import LoadResult, load, raise_for_files
from clogs.load.stats import Stats, stats
from clogs.load.upsert import LoadCounts

__all__ = [
    "LoadCounts",
    "LoadResult",
    "Stats",
    "discard",
    "load",
    "quarantined_file",
    "raise_for_files",
    "restore",
    "stats",
]
