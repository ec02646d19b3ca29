"""What rooms share about tables: the columns of ``raw.conversations``, and what a SQLMesh model is."""

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
    """A column of landing files and of ``raw.conversations``."""

    name: str
    kind: Kind  # Polars' and DuckDB's types are looked up by it
    field: str | None = None  # the document's top-level field that fills it; None where it is computed
    description: str = ""


COLUMNS: tuple[Column, ...] = (
    Column("_id", "text", description="Identity of the document in MongoDB."),
    Column("type", "text", "type", "What kind of entry it is: user, assistant, progress, system and others."),
    Column("session_id", "text", "sessionId", "Session it belongs to; NULL where the entry names none."),
    Column("project_id", "text", "projectId", "Folder of the project whose transcript it stands in."),
    Column("timestamp", "instant", "timestamp", "When the entry was written; NULL where it does not say."),
    Column("ingested_at", "instant", "ingestedAt", "When the document was put into MongoDB."),
    Column("extracted_at", "instant", description="When this version of the document was read from MongoDB."),
    Column("message_role", "text", description="Who speaks; NULL where the entry is no message."),
    Column(
        "message_content", "text", description="Text of the message; tool calls and results as placeholders."
    ),
    Column(
        "message_raw", "text", description="The whole message as JSON; NULL where it is absent or a text."
    ),
    Column("source_file", "text", "sourceFile", "Transcript file that the entry stands in."),
    Column("date", "date", description="UTC day of timestamp, else of ingested_at, else of extracted_at."),
    Column("uuid", "text", "uuid", "Identity of the entry, which copies of it share."),
    Column("parent_uuid", "text", "parentUuid", "Entry that this one follows."),
    Column("request_id", "text", "requestId", "API request that the entry is part of the response to."),
    Column("agent_id", "text", "agentId", "Sub-agent that the entry belongs to."),
    Column("is_sidechain", "boolean", "isSidechain", "Whether a sub-agent wrote the entry."),
    Column("is_meta", "boolean", "isMeta", "Whether Claude Code wrote the entry in the user's place."),
    Column("cwd", "text", "cwd", "Working directory at the time."),
    Column("git_branch", "text", "gitBranch", "Git branch checked out at the time."),
    Column("claude_version", "text", "version", "Version of Claude Code that wrote the entry."),
    Column("entry_raw", "text", description="Every other field that is not excluded, as JSON."),
)
"""In the order of the table. ``date`` is in a landing file's path, not in the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model of SQLMesh, as the documentation shows it.

    Attributes:
        name: Schema and table, such as ``gold.fct_messages``.
        description: What one row is.
        key: The columns that identify a row; none where the model declares no grain.
        parents: The names of what it reads, sorted, with ``raw.conversations``.
        is_table: Whether the warehouse has a table or view of it; else its readers embed it.
    """

    name: str
    description: str
    key: tuple[str, ...]
    parents: tuple[str, ...]
    is_table: bool
