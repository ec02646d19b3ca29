"""Parquet → ``raw.conversations``: the newest version of each document, and a ledger of what was loaded."""

from clogs.load.quarantine import discard, restore_files, set_aside_file
from clogs.load.stage import LoadResult, load
from clogs.load.stats import Stats, stats

__all__ = ["LoadResult", "Stats", "discard", "load", "restore_files", "set_aside_file", "stats"]
