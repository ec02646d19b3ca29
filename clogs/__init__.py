"""clogs: Claude Code's conversation logs, from MongoDB into a DuckDB warehouse.

Each stage is a package: ``extract``, ``load``, ``transform``, ``validate``. ``pipeline`` gives them the
settings, and ``commands`` shows their results.
"""

__version__ = "0.1.0"
