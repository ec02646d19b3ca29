"""The models as plain SQL: all that a run needs which only follows changes, in a file.

It is made when SQLMesh has applied a plan, and holds for the very same models, settings and versions, and for
the warehouse with that plan. A run that finds no such file goes through SQLMesh.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import msgspec

from clogs import __version__, warehouse
from clogs.files import write_content
from clogs.transform.config import TransformConfig
from clogs.transform.publish import View
from clogs.transform.selection import Parents
from clogs.warehouse import Connection

logger = logging.getLogger(__name__)


class Parent(msgspec.Struct, frozen=True):
    """A table that a model follows.

    Attributes:
        table: Its name, without schema: that of its log.
        source: The same as SQL names it.
        column: What its rows are told apart by; None if it counts as a whole.
    """

    table: str
    source: str
    column: str | None

    @property
    def name(self) -> str:
        """What the model's SELECT calls the rows to read of it."""
        return f"parent_{self.table}"


class CompiledAudit(msgspec.Struct, frozen=True):
    """An audit that blocks: a query of the rows that fail it, among those of a table ``this_model``."""

    name: str
    query: str


class CompiledModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model.

    Attributes:
        name: Schema and view, ``gold.fct_messages``.
        kind: Follows changes, or is built as a whole by every run, or is only a view.
        table: Its table, without schema.
        identifier: The same as SQL names it.
        query: Its SELECT, from the names of its parents.
        key: The column whose values are followed.
        grain: The columns that no two rows have in common; none for all.
        parents: What it follows; None where one of its parents keeps no log.
    """

    name: str
    kind: Literal["by_change", "full", "view"]
    table: str
    identifier: str
    query: str
    key: str | None
    grain: tuple[str, ...]
    parents: tuple[Parent, ...] | None
    audits: tuple[CompiledAudit, ...]


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """All models.

    Attributes:
        plan: SQLMesh's id of the plan that built them.
        until: When SQLMesh has old tables to remove; None if there are none.
        models: Those that runs bring up to date, each after its parents.
        parents: What each model is built from, seeds and embedded ones included.
        views: What readers see.
    """

    plan: str
    until: datetime | None
    models: Sequence[CompiledModel]
    parents: Parents
    views: Sequence[View]


def write(compiled: Compiled, config: TransformConfig) -> None:
    """Keep the models for the next run."""
    body = msgspec.json.encode(compiled)
    write_content(_path(config), _digest(config, body) + body)


def remove(config: TransformConfig) -> None:
    """Have the next run go through SQLMesh."""
    _path(config).unlink(missing_ok=True)


def read(config: TransformConfig, connection: Connection) -> Compiled | None:
    """Read the models; None where SQLMesh has to compile them, which a line at DEBUG explains."""
    found, reason = _read(config, connection)
    if reason:
        logger.debug("SQLMesh compiles the models: %s.", reason)
    return found


def _read(config: TransformConfig, connection: Connection) -> tuple[Compiled | None, str]:
    path = _path(config)
    if not path.exists():
        return None, f"{path} does not exist"
    content = path.read_bytes()
    size = hashlib.sha256().digest_size * 2
    body = content[size:]
    if content[:size] != _digest(config, body):
        return None, f"{path} is damaged, or of other models, settings or versions"
    found = msgspec.json.decode(body, type=Compiled)
    if found.plan != plan_of(connection):
        return None, f"{path} is of another warehouse, or another plan was applied to this one"
    if found.until and found.until < datetime.now(UTC):
        return None, "tables of older models are to be removed"
    return found, ""


def plan_of(connection: Connection) -> str | None:
    """Return SQLMesh's id of the plan that was applied last; None if none is, or not to its end."""
    asked = "SELECT plan_id FROM sqlmesh._environments WHERE name = 'prod' AND finalized_ts IS NOT NULL"
    try:
        found = connection.execute(asked).fetchall()
    except warehouse.Error:  # SQLMesh has never been here
        return None
    return str(found[0][0]) if found else None


def _path(config: TransformConfig) -> Path:
    return config.cache_dir / "compiled"


def _digest(config: TransformConfig, body: bytes) -> bytes:
    """A digest of the content and of all that it is made of, in hex digits."""
    versions = [__version__, *map(version, ("sqlmesh", "sqlglot", "duckdb"))]
    origin = " ".join([config.digest, config.timezone, *versions])
    return hashlib.sha256(origin.encode() + b"\0" + body).hexdigest().encode()
