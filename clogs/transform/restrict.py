"""A SELECT restricted to what changed: of each parent, to the rows that have a touched key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlglot import exp, parse_one
from sqlmesh.core.engine_adapter.base import EngineAdapter

from clogs.transform.logs import SOURCE, quoted, without_alias
from clogs.transform.stretches import fetch

_FEW = 100_000
"""So many touched keys are looked up, and their rows copied; for more, the parents are read as they stand."""


class Parent(NamedTuple):
    """A table that a model reads.

    Attributes:
        table: Its name, without schema.
        column: What its rows are told apart by; None if it counts as a whole.
        seen: Up to which number of its log the model has followed it; None if it has not.
        latest: The number of the last change in its log.
    """

    table: str
    column: str | None
    seen: int | None
    latest: int


def restrict(
    adapter: EngineAdapter, query: exp.Expr, parents: Iterable[Parent], *, touched: str, count: int
) -> exp.Expr:
    """Restrict a SELECT.

    Args:
        adapter: SQLMesh's connection.
        query: The SELECT.
        parents: Those whose rows can be told apart.
        touched: A table with the touched keys in its column ``key``.
        count: How many they are.
    """
    tables = {table.name: without_alias(table) for table in query.find_all(exp.Table) if table.db}
    parts = {}
    for parent in parents:
        wanted = f"SEMI JOIN {touched} ON {touched}.key = kept.{quoted(parent.column or '')}"
        source = tables[parent.table].sql("duckdb")
        if count > _FEW:
            parts[parent.table] = f"{source} AS kept {wanted}"
        else:
            parts[parent.table] = _copy(adapter, parent, source, wanted)

    def replaced(node: exp.Expr) -> exp.Expr:
        if not (isinstance(node, exp.Table) and node.db and node.name in parts):
            return node
        part = parse_one(f"FROM {parts[node.name]}", dialect="duckdb", into=exp.Select)
        return part.subquery(node.alias or node.name)

    return query.transform(replaced)


def _copy(adapter: EngineAdapter, parent: Parent, source: str, wanted: str) -> str:
    """Copy a parent's touched rows into a temporary table."""
    if parent.table != SOURCE:
        return fetch(adapter, f"part_{parent.table}", source, wanted)
    # all models that read documents want the same ones: their long texts are copied once in a transform
    name = f"documents_since_{parent.seen}"
    asked = f"SELECT count(*) FROM duckdb_tables() WHERE temporary AND table_name = '{name}'"
    is_copied = adapter.fetchall(asked)[0][0]
    return quoted(name) if is_copied else fetch(adapter, name, source, wanted)
