"""The models for another engine than DuckDB.

What reads JSON and text makes rows of one row each: DuckDB itself runs that in the engine's tasks, so that
odd documents mean the same everywhere. All other models are SQL of the engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from clogs.transform.spark import to_spark
from clogs.warehouse.batches import GIVEN

if TYPE_CHECKING:
    from sqlmesh.core.context import Context

_TYPES = {"UUID": "TEXT", "UINT": "BIGINT"}
"""DuckDB's types that other engines lack."""

_OF_MANY_ROWS = (exp.Join, exp.Group, exp.Window, exp.AggFunc, exp.Distinct, exp.SetOperation)


@dataclass(frozen=True, slots=True)
class PortableModel:
    """A model.

    Attributes:
        name: Schema and view, ``gold.fct_messages``.
        query: A SELECT of Spark's; of DuckDB's, from `clogs.warehouse.batches.GIVEN`, if ``rows_of`` is set.
        rows_of: The table whose rows DuckDB reads one by one.
    """

    name: str
    query: str
    rows_of: str | None


def portable_models(context: Context) -> Iterator[PortableModel]:
    """Translate all models but seeds, each after its parents.

    Raises:
        ModelsError: One asks for something that Spark cannot give.
    """
    views = {fqn: fqn for fqn in context.models}
    for fqn in context.dag.sorted:
        model = context.models.get(fqn)
        if model and not (model.kind.is_seed or model.kind.is_symbolic):
            query = model.render_query_or_raise(snapshots=context.snapshots, table_mapping=views)
            yield _portable(model.name, query)


def _portable(name: str, query: exp.Query) -> PortableModel:
    tables = [table for table in query.find_all(exp.Table) if table.db]
    for table in tables:
        table.set("catalog", None)
    if len(tables) > 1 or query.find(*_OF_MANY_ROWS):
        return PortableModel(name, to_spark(query), None)
    (table,) = tables
    rows_of = f"{table.db}.{table.name}"
    table.set("db", None)
    table.set("this", exp.to_identifier(GIVEN))
    return PortableModel(name, query.sql("duckdb", comments=False), rows_of)


def portable_type(kind: str) -> str:
    """A type of DuckDB as one that other engines have, too: ``UINTEGER[]`` is ``BIGINT[]``."""
    found = exp.DataType.build(kind, dialect="duckdb")
    for each in found.find_all(exp.DataType):
        if other := _TYPES.get(each.this.name):
            each.set("this", exp.DataType.build(other).this)
    return found.sql("duckdb")
