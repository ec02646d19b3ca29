"""clogs: Claude Code's conversation logs, from MongoDB into a DuckDB warehouse.

The stages are modules of their own, named after what they do: ``importer``, ``extract``, ``load``,
``transform``, ``validate``. ``pipeline`` gives them the settings; ``commands`` shows their results.
"""

__version__ = "0.1.0"
