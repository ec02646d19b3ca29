"""A SELECT restricted to what is touched: of each parent, to the rows that have a touched key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp, parse_one
from sqlmesh.core.engine_adapter.base import EngineAdapter

from clogs.transform.logs import SOURCE, bare, quoted
from clogs.transform.places import fetch

_FEW = 100_000
"""So many touched keys are looked up, and their rows copied; for more, the parents are read as they stand."""


@dataclass(frozen=True, slots=True)
class Parent:
    """A table that a model reads.

    Attributes:
        table: Its name, without schema.
        column: What its rows are told apart by; None if it counts as a whole.
    """

    table: str
    column: str | None


@dataclass(frozen=True, slots=True)
class Restriction:
    """What restricts a SELECT.

    Attributes:
        adapter: SQLMesh's connection, whose temporary table ``touched`` has the touched keys.
        parents: The parents whose rows can be told apart.
        touched: How many keys are touched.
        seen: Up to which number of each parent's log they are not.
    """

    adapter: EngineAdapter
    parents: Sequence[Parent]
    touched: int
    seen: Mapping[str, int]

    def of(self, query: exp.Expr) -> exp.Expr:
        """The SELECT, restricted."""
        tables = {table.name: bare(table) for table in query.find_all(exp.Table) if table.db}
        parts = {each.table: self._part(each, tables[each.table]) for each in self.parents}

        def restrict(node: exp.Expr) -> exp.Expr:
            if not (isinstance(node, exp.Table) and node.db and node.name in parts):
                return node
            part = parse_one(f"FROM {parts[node.name]}", dialect="duckdb", into=exp.Select)
            return part.subquery(node.alias or node.name)

        return query.transform(restrict)

    def _part(self, parent: Parent, table: exp.Table) -> str:
        """What to select a parent's touched rows from."""
        source = table.sql("duckdb")
        wanted = f"SEMI JOIN touched ON touched.key = kept.{quoted(parent.column or '')}"
        if self.touched > _FEW:
            return f"{source} AS kept {wanted}"
        # all models that read documents want the same ones, with their long texts
        name = f"documents_since_{self.seen[SOURCE]}" if parent.table == SOURCE else f"part_{parent.table}"
        if parent.table != SOURCE or not self._is_there(name):
            fetch(self.adapter, quoted(name), source, wanted)
        return quoted(name)

    def _is_there(self, name: str) -> bool:
        asked = f"SELECT count(*) FROM duckdb_tables() WHERE temporary AND table_name = '{name}'"
        return bool(self.adapter.fetchall(asked)[0][0])
