"""SQLMesh's models as plain SQL. See `clogs.transform.compiled`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlglot import exp
from sqlmesh.core.audit import Audit
from sqlmesh.core.audit.builtin import BUILT_IN_AUDITS
from sqlmesh.core.context import Context
from sqlmesh.core.dialect import Jinja, MacroFunc, MacroVar
from sqlmesh.core.engine_adapter.base import EngineAdapter
from sqlmesh.core.macros import RuntimeStage
from sqlmesh.core.model import Model, SqlModel
from sqlmesh.core.model.kind import CustomKind
from sqlmesh.core.snapshot import Snapshot
from sqlmesh.core.state_sync.common import ExpiredBatchRange

from clogs.transform.compiled import CompiledAudit, CompiledModel, Parent
from clogs.transform.logs import SOURCE, columns_of

BY_CHANGE = "by_change"

_SOME_TIME = "2001-02-03"
"""Another time than that which SQLMesh renders at by itself."""

_OF_THE_RUN = ("start_", "end_", "execution_", "latest_", "runtime_stage", "eval", "sql")
"""How macros begin that differ from run to run, or can hide others that do."""


def is_by_change(model: Model) -> bool:
    """Return whether a model is kept up to date by our materialization."""
    return isinstance(model.kind, CustomKind) and model.kind.materialization == BY_CHANGE


def compile_all(context: Context, compiled: Mapping[str, CompiledModel]) -> list[CompiledModel] | None:
    """Compile all models that runs bring up to date, each after its parents.

    Args:
        context: SQLMesh.
        compiled: Plain ones that have been compiled, by their full names.

    Returns:
        None if SQLMesh has to run one of them: one of a kind of its own, or that depends on the time of the
        run, on Python, or on more statements than its SELECT.
    """
    snapshots = [context.snapshots[fqn] for fqn in context.dag.sorted if fqn in context.models]
    if not all(each.name in compiled or is_plain(each.model) for each in snapshots):
        return None
    return [
        compiled.get(each.name) or compile_snapshot(context.engine_adapter, each, context.snapshots)
        for each in snapshots
        if is_built(each.model)
    ]


def compile_snapshot(
    adapter: EngineAdapter, snapshot: Snapshot, snapshots: dict[str, Snapshot]
) -> CompiledModel:
    """Compile a plain model. The snapshots, by name, are at least those that it is built from."""
    model = snapshot.model
    query = expanded = model.render_query_or_raise(snapshots=snapshots)
    views = {each.name: table_of(each).name for each in snapshots.values() if each.is_model and each.is_view}
    # SQLMesh's views name the catalog, so they are read as what they select
    if any(table.name in views.values() for table in query.find_all(exp.Table)):
        expanded = model.render_query_or_raise(snapshots=snapshots, expand=views)
    options = {"snapshots": snapshots}
    return compile_model(adapter, model, snapshot.table_name(), query, options=options, expanded=expanded)


def table_of(snapshot: Snapshot) -> exp.Table:
    """SQLMesh's own table of a model, which the view of its name reads."""
    return exp.to_table(snapshot.table_name(), dialect="duckdb")


def grain_of(model: Model) -> tuple[str, ...]:
    """The columns that identify a row."""
    return tuple(column.name for grain in model.grains for column in grain.find_all(exp.Column))


def is_built(model: Model) -> bool:
    """Return whether runs build a model: a seed changes with its file only, an embedded one never."""
    return not (model.kind.is_seed or model.kind.is_symbolic)


def is_plain(model: Model) -> bool:
    """Return whether a model is the same SELECT in every run, with nothing before and after it."""
    kind = model.kind
    if kind.is_seed or kind.is_external:
        return True
    if not (model.is_sql and (is_by_change(model) or kind.is_full or kind.is_view or kind.is_embedded)):
        return False
    if any(each.is_definition or each.is_import for each in model.python_env.values()):
        return False
    if model.render_pre_statements() or model.render_post_statements() or model.on_virtual_update:
        return False
    return not (_varies(model) or any(_may_vary(each, given) for each, given in model.audits_with_args))


def _varies(model: Model) -> bool:
    """Return whether a model's SELECT may depend on the time of the run."""
    if not isinstance(model, SqlModel):
        return False
    parts = [*model.pre_statements, model.query]
    if any(part.find(Jinja) for part in parts):
        other: dict[str, Any] = dict.fromkeys(("start", "end", "execution_time"), _SOME_TIME)
        return model.render_query() != model.render_query(**other, runtime_stage=RuntimeStage.EVALUATING)
    names = {macro.name.lower() for part in parts for macro in part.find_all(MacroVar, MacroFunc)}
    return any(name.startswith(_OF_THE_RUN) for name in names)


def _may_vary(audit: Audit, given: Mapping[str, Any]) -> bool:
    """Return whether an audit of somebody's own reads anything but the model and its arguments."""
    if audit.name in BUILT_IN_AUDITS:
        return False
    variables = {variable.name for variable in audit.query.find_all(MacroVar)}
    return bool(audit.query.find(Jinja) or variables - {"this_model", *given, *audit.defaults})


def compile_model(
    adapter: EngineAdapter,
    model: Model,
    table_name: str,
    query: exp.Query,
    *,
    options: Mapping[str, Any],
    expanded: exp.Query | None = None,
) -> CompiledModel:
    """Compile a model.

    Args:
        adapter: SQLMesh's connection.
        model: The model.
        table_name: Its table.
        query: Its SELECT, rendered.
        options: What its audits are rendered with; ``snapshots`` are at least those of its parents, by name.
        expanded: The SELECT without views, to compile in place of `query`.
    """
    table = exp.to_table(table_name, dialect="duckdb")
    parents = _parents(adapter, model, query, options["snapshots"]) if is_by_change(model) else None
    followed = {parent.table: parent for parent in parents or ()}

    def renamed(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Table) and node.db:
            node.set("catalog", None)
            if parent := followed.get(node.name):
                node.set("alias", node.args.get("alias") or exp.TableAlias(this=node.this))
                node.set("db", None)
                node.set("this", exp.to_identifier(parent.name, quoted=True))
        return node

    sql = (expanded or query).transform(renamed).sql("duckdb", comments=False)
    if model.kind.is_full:
        sql = _cast(adapter, table, sql)
    return CompiledModel(
        name=model.name,
        kind="by_change" if is_by_change(model) else "view" if model.kind.is_view else "full",
        table=table.name,
        identifier=_identifier(table),
        query=sql,
        key=properties_of(model).get("key"),
        grain=grain_of(model),
        parents=parents,
        audits=compile_audits(adapter, model, options),
    )


def compile_audits(
    adapter: EngineAdapter, model: Model, options: Mapping[str, Any]
) -> tuple[CompiledAudit, ...]:
    """Compile a model's audits that block, from a table ``this_model``."""
    rows = exp.to_table("this_model")
    options = {**options, "engine_adapter": adapter, "runtime_stage": RuntimeStage.AUDITING}
    compiled = []
    for each, given in model.audits_with_args:
        arguments = dict(given)
        blocking = arguments.pop("blocking", None)
        if each.skip or not (blocking == exp.true() if blocking else each.blocking):
            continue
        query = model.render_audit_query(each, **{**options, **arguments, "this_model": rows})
        for table in query.find_all(exp.Table):
            table.set("catalog", None)
        compiled.append(CompiledAudit(each.name, query.sql("duckdb", comments=False, identify=True)))
    return tuple(compiled)


def cleaned_until(context: Context) -> datetime | None:
    """When SQLMesh will have tables of older models to remove; None if there are none."""
    batch = ExpiredBatchRange.init_batch_range(batch_size=1)
    pending = context.state_reader.get_expired_snapshots(batch_range=batch, ignore_ttl=True)
    return datetime.now(UTC) + timedelta(days=1) if pending else None


def _parents(
    adapter: EngineAdapter, model: Model, query: exp.Query, snapshots: Mapping[str, Snapshot]
) -> tuple[Parent, ...] | None:
    """The tables that a model follows: those it reads, except seeds, which never change.

    None if one of them keeps no log.
    """
    models = {
        table_of(snapshot).name: snapshot.model
        for snapshot in snapshots.values()
        if snapshot.is_model and snapshot.version
    }
    properties = properties_of(model)
    parents = []
    for name, table in {table.name: table for table in query.find_all(exp.Table) if table.db}.items():
        read = models.get(name)
        if read and read.kind.is_seed:
            continue
        if not (is_by_change(read) if read else (table.db, name) == ("raw", SOURCE)):
            return None
        source = _identifier(table)
        column = properties.get(read.name.rpartition(".")[2] if read else SOURCE, properties.get("key"))
        # documents come and go by their ids only
        known = columns_of(adapter.cursor, source) if read else ["_id"]
        parents.append(Parent(name, source, column if column in known else None))
    return tuple(parents)


def properties_of(model: Model) -> dict[str, str]:
    """What a model gives its materialization: its key, and the columns of parents that differ from it."""
    given = model.kind.materialization_properties if isinstance(model.kind, CustomKind) else {}
    return {name: str(value) for name, value in given.items()}


def _identifier(table: exp.Table) -> str:
    """A table as SQL names it, without its catalog and an alias."""
    return exp.table_(table.name, table.db, quoted=True).sql("duckdb")


def _cast(adapter: EngineAdapter, table: exp.Table, query: str) -> str:
    """A SELECT with the types that SQLMesh has given the table."""
    described = adapter.cursor.execute(f"DESCRIBE {_identifier(table)}").fetchall()
    names = ((exp.to_identifier(name, quoted=True).sql("duckdb"), kind) for name, kind, *_ in described)
    return f"SELECT {', '.join(f'{name}::{kind} AS {name}' for name, kind in names)} FROM ({query})"
