"""The DuckDB file: the one package that imports duckdb, opens the warehouse and maps its errors to ours."""

from clogs.warehouse.changes import note_changed, note_everything
from clogs.warehouse.checkpoints import forget_passed, has_passed, loaded, mark_passed
from clogs.warehouse.connection import Connection, bounded, transaction
from clogs.warehouse.faults import fault_of, mapped
from clogs.warehouse.history import add_runs, unknown_runs
from clogs.warehouse.layout import create_conversations, create_tables, has_tables, is_current, require_tables
from clogs.warehouse.opening import connect, require_file, set_aside
from clogs.warehouse.query import count_nulls, has_views, query

__all__ = [
    "Connection",
    "add_runs",
    "bounded",
    "connect",
    "count_nulls",
    "create_conversations",
    "create_tables",
    "fault_of",
    "forget_passed",
    "has_passed",
    "has_tables",
    "has_views",
    "is_current",
    "loaded",
    "mapped",
    "mark_passed",
    "note_changed",
    "note_everything",
    "query",
    "require_file",
    "require_tables",
    "set_aside",
    "transaction",
    "unknown_runs",
]
