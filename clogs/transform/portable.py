"""The models for Spark.

What reads JSON and text makes rows of one row each: DuckDB itself runs that in Spark's tasks, so that odd
documents mean the same everywhere. All other models are Spark's SQL.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import polars as pl
from sqlglot import exp, parse_one
from sqlmesh.core.model import SeedModel

from clogs.errors import ModelsError
from clogs.transform.compile import compile_audits, is_by_change, is_plain, properties_of
from clogs.transform.spark import to_spark
from clogs.warehouse.batches import GIVEN

if TYPE_CHECKING:
    from sqlmesh.core.context import Context
    from sqlmesh.core.model import Model

_TYPES = {"UUID": "TEXT", "UINT": "BIGINT"}
"""DuckDB's types that other engines lack."""

_OF_MANY_ROWS = (
    *(exp.Join, exp.Group, exp.Window, exp.AggFunc, exp.Distinct, exp.SetOperation),
    *(exp.Limit, exp.Offset, exp.TableSample),
)
"""What makes a row depend on others, besides a second mention of a table, or of a SELECT in WITH."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortableModel:
    """A model.

    Attributes:
        name: Schema and table, ``gold.fct_messages``.
        kind: A view, or a table that follows changes, or one that is built as a whole by every run.
        query: A SELECT of Spark's, from `source` of each parent where it is a table; of DuckDB's, from
            `clogs.warehouse.batches.GIVEN`, if ``is_by_row`` is set.
        plain: The same of DuckDB's, from the parents themselves.
        is_by_row: Whether DuckDB reads the rows of the only parent one by one.
        key: The column whose values are followed; None to compare all rows.
        grain: The columns that no two rows have in common; none for all.
        parents: What it reads, seeds left out, each with the column whose values are followed.
        audits: Names, and queries of the rows that must not be, among those of ``this_model``.
        definition: A digest of all that the rows depend on but the parents' rows, in hex digits.
        description: What one row is.
        columns: Descriptions by column.
    """

    name: str
    kind: Literal["by_change", "full", "view"]
    query: str
    plain: str
    is_by_row: bool
    key: str | None
    grain: Sequence[str]
    parents: Mapping[str, str | None]
    audits: Sequence[tuple[str, str]]
    definition: str
    description: str
    columns: Mapping[str, str]


class Seed(NamedTuple):
    """A seed: its rows as texts, its columns' types in Spark's words, and a digest of both in hex digits."""

    name: str
    rows: pl.DataFrame
    types: Mapping[str, str]
    definition: str


def source(parent: str) -> str:
    """What a table's SELECT calls the rows to read of a parent, ``silver.int_entries``."""
    return f"parent_{parent.replace('.', '_')}"


def portable_models(context: Context) -> Iterator[PortableModel]:
    """Translate all models but seeds, each after its parents.

    Raises:
        ModelsError: One asks for something that Spark cannot give.
    """
    views = {fqn: fqn for fqn in context.models}
    for fqn in context.dag.sorted:
        model = context.models.get(fqn)
        if model and not (model.kind.is_seed or model.kind.is_symbolic):
            if not is_plain(model):
                raise ModelsError(
                    f"Spark cannot build {model.name}: it is more than a SELECT, or depends on the time.",
                    hint="Make it one SELECT, of kind FULL, VIEW or by_change.",
                )
            query = model.render_query_or_raise(snapshots=context.snapshots, table_mapping=views)
            yield _portable(context, model, query)


def seeds(context: Context) -> Iterator[Seed]:
    """Read the seeds."""
    for model in context.models.values():
        if isinstance(model, SeedModel):
            types = {name: kind.sql("spark") for name, kind in (model.columns_to_types or {}).items()}
            content = model.seed.content
            rows = pl.read_csv(content.encode(), infer_schema=False)
            yield Seed(model.name, rows, types, _digest(content, types))


def _portable(context: Context, model: Model, query: exp.Query) -> PortableModel:
    seed_contents = {
        each.name: each.seed.content for each in context.models.values() if isinstance(each, SeedModel)
    }
    tables = [table for table in query.find_all(exp.Table) if table.db]
    for table in tables:
        table.set("catalog", None)
    names = list(dict.fromkeys(f"{table.db}.{table.name}" for table in tables))
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
    return PortableModel(
        name=model.name,
        kind="view" if model.kind.is_view else "by_change" if is_by_change(model) else "full",
        query=sql,
        plain=plain,
        is_by_row=is_by_row,
        key=columns.get("key"),
        grain=[column.name for grain in model.grains for column in grain.find_all(exp.Column)],
        parents={name: columns.get(name.rpartition(".")[2], columns.get("key")) for name in parents},
        audits=audits,
        definition=_digest(sql, of_seeds, audits),
        description=model.description or "",
        columns=model.column_descriptions or {},
    )


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


def portable_type(kind: str) -> str:
    """A type of DuckDB as one that other engines have, too: ``UINTEGER[]`` is ``BIGINT[]``."""
    found = exp.DataType.build(kind, dialect="duckdb")
    for each in found.find_all(exp.DataType):
        if other := _TYPES.get(each.this.name):
            each.set("this", exp.DataType.build(other).this)
    return found.sql("duckdb")


def spark_type(kind: str) -> str:
    """A type of DuckDB in Spark's words."""
    return exp.DataType.build(portable_type(kind), dialect="duckdb").sql("spark")


def duckdb_type(kind: str) -> str:
    """A type of Spark in DuckDB's words."""
    return exp.DataType.build(kind, dialect="spark").sql("duckdb")
