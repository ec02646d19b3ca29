"""The models of SQLMesh as Spark needs them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlglot import exp, parse_one
from sqlmesh.core.model import SeedModel

from clogs.errors import ModelsError
from clogs.transform.compile import compile_audits, grain_of, is_built, is_by_change, is_plain, properties_of
from clogs.transform.portable import PortableModel, Seed, source
from clogs.transform.spark import to_spark
from clogs.warehouse.batches import GIVEN

if TYPE_CHECKING:
    from sqlmesh.core.context import Context
    from sqlmesh.core.model import Model

_OF_MANY_ROWS = (
    *(exp.Join, exp.Group, exp.Window, exp.AggFunc, exp.Distinct, exp.SetOperation),
    *(exp.Limit, exp.Offset, exp.TableSample),
)
"""What makes a row depend on others, besides a second mention of a table, or of a SELECT in WITH."""


def portable_models(context: Context) -> Iterator[PortableModel]:
    """Translate all models but seeds, each after its parents.

    Raises:
        ModelsError: One asks for something that Spark cannot give.
    """
    mapping = {fqn: fqn for fqn in context.models}
    views = [fqn for fqn, model in context.models.items() if model.kind.is_view]
    for fqn in context.dag.sorted:
        model = context.models.get(fqn)
        if model and is_built(model):
            if not is_plain(model):
                raise ModelsError(
                    f"Spark cannot build {model.name}: it is more than a SELECT, or depends on the time.",
                    hint="Make it one SELECT, of kind FULL, VIEW or by_change.",
                )
            options: dict[str, Any] = {"snapshots": context.snapshots, "table_mapping": mapping}
            named = model.render_query_or_raise(**options)
            query = model.render_query_or_raise(**options, expand=views)
            try:
                portable = _portable(context, model, query, reads=frozenset(_names(named)))
            except ModelsError as error:
                raise ModelsError(f"Spark cannot build {model.name}: {error.message}") from error
            yield portable


def seeds(context: Context) -> Iterator[Seed]:
    """Read the seeds."""
    for model in context.models.values():
        if isinstance(model, SeedModel):
            types = {name: kind.sql("spark") for name, kind in (model.columns_to_types or {}).items()}
            content = model.seed.content
            rows = pl.read_csv(content.encode(), infer_schema=False)
            yield Seed(model.name, rows, types, _digest(content, types))


def _portable(context: Context, model: Model, query: exp.Query, *, reads: frozenset[str]) -> PortableModel:
    seed_contents = {
        each.name: each.seed.content for each in context.models.values() if isinstance(each, SeedModel)
    }
    tables = [table for table in query.find_all(exp.Table) if table.db]
    for table in tables:
        table.set("catalog", None)
    names = _names(query)
    parents = [name for name in names if name not in seed_contents]
    plain = query.sql("duckdb", comments=False)
    is_by_row = not model.kind.is_view and len(tables) == len(parents) == 1 and _is_of_one_row(query)
    if not model.kind.is_view:
        for table in tables:
            if (name := f"{table.db}.{table.name}") in parents:
                _rename(table, GIVEN if is_by_row else source(name))
    sql = query.sql("duckdb", comments=False) if is_by_row else to_spark(query)
    of_seeds = "".join(seed_contents[name] for name in names if name in seed_contents)
    columns = properties_of(model)
    audits = list(_audits(context, model))
    follows = is_by_change(model) and reads == {*names}  # a view may give a parent's name to another column
    return PortableModel(
        name=model.name,
        kind="view" if model.kind.is_view else "by_change" if follows else "full",
        query=sql,
        plain=plain,
        is_by_row=is_by_row,
        key=columns.get("key"),
        grain=grain_of(model),
        parents={name: columns.get(name.rpartition(".")[2], columns.get("key")) for name in parents},
        reads=reads,
        audits=audits,
        definition=_digest(sql, of_seeds, audits),
        description=model.description or "",
        columns=model.column_descriptions or {},
    )


def _names(query: exp.Query) -> list[str]:
    """Schema and name of each table that a SELECT reads, once, in its order."""
    return list(dict.fromkeys(f"{table.db}.{table.name}" for table in query.find_all(exp.Table) if table.db))


def _is_of_one_row(query: exp.Query) -> bool:
    """Whether each row that it gives depends on one row of its only table."""
    mentions = [table.name for table in query.find_all(exp.Table)]
    return len(mentions) == len(set(mentions)) and not query.find(*_OF_MANY_ROWS)


def _digest(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


def _rename(table: exp.Table, name: str) -> None:
    """Read another table under the name of this one."""
    table.set("alias", table.args.get("alias") or exp.TableAlias(this=table.this))
    table.set("db", None)
    table.set("this", exp.to_identifier(name))


def _audits(context: Context, model: Model) -> Iterator[tuple[str, str]]:
    for audit in compile_audits(context.engine_adapter, model, {"snapshots": context.snapshots}):
        yield audit.name, to_spark(parse_one(audit.query, dialect="duckdb", into=exp.Select))
