"""The columns of ``raw.conversations``: the one description that landing, loading and checks share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "instant", "boolean", "date"]

SQL_TYPES: dict[Kind, str] = {
    "text": "VARCHAR",
    "instant": "TIMESTAMPTZ",  # microseconds since the epoch, UTC
    "boolean": "BOOLEAN",
    "date": "DATE",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of ``raw.conversations``.

    Attributes:
        name: Its name in landing files and in the warehouse.
        kind: Its type, in words that Polars' and DuckDB's types are looked up by.
        field: The document's top-level field it is filled from; None where it is computed.
    """

    name: str
    kind: Kind
    field: str | None = None


COLUMNS: tuple[Column, ...] = (
    Column("_id", "text"),
    Column("type", "text", "type"),
    Column("session_id", "text", "sessionId"),
    Column("project_id", "text", "projectId"),
    Column("timestamp", "instant", "timestamp"),
    Column("ingested_at", "instant", "ingestedAt"),
    Column("extracted_at", "instant"),
    Column("message_role", "text"),
    Column("message_content", "text"),
    Column("message_raw", "text"),
    Column("source_file", "text", "sourceFile"),
    Column("date", "date"),
    Column("uuid", "text", "uuid"),
    Column("parent_uuid", "text", "parentUuid"),
    Column("request_id", "text", "requestId"),
    Column("agent_id", "text", "agentId"),
    Column("is_sidechain", "boolean", "isSidechain"),
    Column("is_meta", "boolean", "isMeta"),
    Column("cwd", "text", "cwd"),
    Column("git_branch", "text", "gitBranch"),
    Column("claude_version", "text", "version"),
    Column("entry_raw", "text"),
)
"""In the order of the table. ``date`` stands in a landing file's path, not in the file."""
