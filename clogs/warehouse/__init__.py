"""The DuckDB file: the one package that imports duckdb, opens the warehouse and maps its errors to ours."""

from clogs.warehouse.changes import CHECKS, MOST_LISTED, UNREAD, note_changed, note_everything
from clogs.warehouse.connection import (
    Connection,
    Error,
    bounded,
    connect,
    limit_memory,
    quarantine,
    require_file,
    transaction,
    while_held,
)
from clogs.warehouse.faults import fault_of, mapped
from clogs.warehouse.layout import create_conversations, create_tables, has_tables, require_tables
from clogs.warehouse.query import (
    has_views,
    identifier,
    instant,
    literal,
    nullable,
    query,
    query_to_parquet,
    search_in,
)
from clogs.warehouse.stretches import create_temporary, fetch, some_of
from clogs.warehouse.tables import ColumnInfo, TableInfo, describe_table, list_tables, table_names

__all__ = [
    "CHECKS",
    "MOST_LISTED",
    "UNREAD",
    "ColumnInfo",
    "Connection",
    "Error",
    "TableInfo",
    "bounded",
    "connect",
    "create_conversations",
    "create_tables",
    "create_temporary",
    "describe_table",
    "fault_of",
    "fetch",
    "has_tables",
    "has_views",
    "identifier",
    "instant",
    "limit_memory",
    "list_tables",
    "literal",
    "mapped",
    "note_changed",
    "note_everything",
    "nullable",
    "quarantine",
    "query",
    "query_to_parquet",
    "require_file",
    "require_tables",
    "search_in",
    "some_of",
    "table_names",
    "transaction",
    "while_held",
]
