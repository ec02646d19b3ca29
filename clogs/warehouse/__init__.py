"""The DuckDB file: the one package that imports duckdb, opens the warehouse and maps its errors to ours."""

from clogs.warehouse.changes import note_changed, note_everything
from clogs.warehouse.connection import Connection, bounded, connect, quarantine, require_file, transaction
from clogs.warehouse.faults import fault_of, mapped
from clogs.warehouse.layout import create_conversations, create_tables, has_tables, require_tables
from clogs.warehouse.query import has_views, query

__all__ = [
    "Connection",
    "bounded",
    "connect",
    "create_conversations",
    "create_tables",
    "fault_of",
    "has_tables",
    "has_views",
    "mapped",
    "note_changed",
    "note_everything",
    "quarantine",
    "query",
    "require_file",
    "require_tables",
    "transaction",
]
