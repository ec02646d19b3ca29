"""clogs: Claude Code's conversation logs, from MongoDB into a DuckDB warehouse.

Each stage is a package: ``extract``, ``load``, ``transform``, ``validate``. ``pipeline`` gives them the
settings, and ``commands`` shows their results.
"""

import os

# Each thread of Polars reads a batch ahead of those that are landed.
os.environ.setdefault("POLARS_MAX_THREADS", "2")

__version__ = "0.1.0"
