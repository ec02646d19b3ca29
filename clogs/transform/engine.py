"""What is asked of SQLMesh: to build the models, and to tell what it would build."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from sqlglot import exp
from sqlmesh.core.context import Context
from sqlmesh.core.snapshot import Snapshot
from sqlmesh.utils.errors import PlanError

from clogs.transform.by_change import is_by_change
from clogs.transform.console import RecordingConsole
from clogs.transform.context import CATALOG
from clogs.transform.logs import Logs
from clogs.transform.publish import View

_ENVIRONMENT = "prod"

Change = Literal["new", "changed", "follows a changed model", "removed"]


@dataclass(frozen=True, slots=True)
class PlannedModel:
    """A model that a transform would build or remove for its definition's sake.

    Attributes:
        name: Schema and model, ``gold.fct_messages``.
        change: Why.
    """

    name: str
    change: Change


def build(
    context: Context,
    console: RecordingConsole,
    wanted: Collection[str],
    *,
    full_refresh: bool,
    is_whole: bool = True,
) -> None:
    """Bring the wanted models up to date, and any whose definition changed with all that hang on them.

    Failures are in the console when this returns; the models that hang on a failed one were not built.

    Args:
        context: SQLMesh.
        console: What it reports to.
        wanted: Names of models.
        full_refresh: Build them from nothing.
        is_whole: SQLMesh knows all models; if not, those that it does not know are left as they are.
    """
    try:
        # applies changed definitions, and finishes a plan that was killed
        known = None if is_whole else [model.name for model in context.models.values()]
        context.plan(_ENVIRONMENT, skip_tests=True, select_models=known)
        left = _left(context, console, wanted)
        if left and not full_refresh:
            context.run(_ENVIRONMENT, ignore_cron=True, select_models=left, no_auto_upstream=True)
            left = [] if console.failures else _left(context, console, wanted)
        # all of a full refresh; also all when the clock was set back, for SQLMesh then believes that
        # everything is built for a time to come
        if left:
            context.plan(_ENVIRONMENT, restate_models=left, skip_tests=True, select_models=known)
    except PlanError:
        if not console.failures:
            raise


def planned(context: Context) -> list[PlannedModel]:
    """The models whose definitions differ from what is built, in dependency order, removed ones last."""
    diff = context.plan_builder(_ENVIRONMENT, skip_tests=True).build().context_diff
    changes: dict[str, Change] = {snapshot_id.name: "new" for snapshot_id in diff.added}
    for name in diff.modified_snapshots:
        changes[name] = "changed" if diff.directly_modified(name) else "follows a changed model"
    found = [
        PlannedModel(context.models[fqn].name, changes[fqn])
        for fqn in context.dag.sorted
        if fqn in context.models and fqn in changes
    ]
    removed = sorted(_bare_name(snapshot_id.name) for snapshot_id in diff.removed_snapshots)
    return found + [PlannedModel(name, "removed") for name in removed]


def clean(context: Context, standing: Collection[Snapshot]) -> None:
    """Remove tables of definitions that were given up, and what no model will ask the logs of changes for."""
    context.run_janitor(ignore_ttl=False)
    tables = {
        exp.to_table(snapshot.table_name(), dialect="duckdb").name
        for snapshot in standing
        if snapshot.is_model and is_by_change(snapshot.model)
    }
    Logs(context.engine_adapter, CATALOG).trim(tables)


def parents(context: Context) -> dict[str, frozenset[str]]:
    """The models that each model is built from, by name, in dependency order."""
    names = {fqn: model.name for fqn, model in context.models.items()}
    return {
        names[fqn]: frozenset(
            names[parent] for parent in context.models[fqn].depends_on or () if parent in names
        )
        for fqn in context.dag.sorted
        if fqn in names
    }


def views(context: Context, standing: Collection[Snapshot]) -> list[View]:
    """The views to stand for the models, each after those it reads."""
    places = {fqn: place for place, fqn in enumerate(context.dag.sorted)}
    return [
        _view(snapshot)
        for snapshot in sorted(standing, key=lambda each: places.get(each.name, len(places)))
        # what was dropped by hand has failed to build, and that is the error to tell
        if snapshot.is_model and context.engine_adapter.table_exists(snapshot.table_name())
    ]


def _left(context: Context, console: RecordingConsole, wanted: Collection[str]) -> list[str]:
    """The wanted models that were not built yet; seeds change with their files only, embedded ones never."""
    return [
        model.name
        for model in context.models.values()
        if model.name in wanted and model.name not in console.seconds
        if not (model.kind.is_seed or model.kind.is_symbolic)
    ]


def in_place(context: Context) -> Collection[Snapshot]:
    """What the last plan that succeeded has put in place; nothing before the first one."""
    environment = context.state_reader.get_environment(_ENVIRONMENT)
    return context.state_reader.get_snapshots(environment.snapshots).values() if environment else ()


def _bare_name(fqn: str) -> str:
    """The name of a model that is no longer there."""
    table = exp.to_table(fqn, dialect="duckdb")
    return f"{table.db}.{table.name}"


def _view(snapshot: Snapshot) -> View:
    model = snapshot.model
    source = (
        model.render_query_or_raise() if model.kind.is_view else exp.select("*").from_(snapshot.table_name())
    )
    for table in source.find_all(exp.Table):
        table.set("catalog", None)
    table = exp.to_table(model.fqn, dialect="duckdb")
    schema, name = (exp.to_identifier(part, quoted=True).sql("duckdb") for part in (table.db, table.name))
    return View(
        name=model.name,
        identifier=f"{schema}.{name}",
        schema=schema,
        query=source.sql(dialect="duckdb", identify=True),
        is_table=not model.kind.is_view,
        description=model.description,
        columns=model.column_descriptions or {},
    )
