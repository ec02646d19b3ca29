"""What SQLMesh does with the models: builds them, says what it would build, and names what is built."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp
from sqlmesh.core.context import Context
from sqlmesh.core.model import Model as SQLMeshModel
from sqlmesh.core.snapshot import Snapshot
from sqlmesh.utils.errors import PlanError

from clogs.schema import Model
from clogs.terminal.progress import Progress
from clogs.transform.compile import cleaned_until, compile_all, grain_of, is_built, is_by_change, table_of
from clogs.transform.compiled import Compiled, CompiledModel, plan_of
from clogs.transform.context import BuildConsole, OwnContext
from clogs.transform.follow import follow
from clogs.transform.logs import Logs
from clogs.transform.publish import View
from clogs.transform.results import Change, PlannedModel

_ENVIRONMENT = "prod"


@dataclass(frozen=True, slots=True)
class Built:
    """What a build did.

    Attributes:
        seconds: Those of each model that was built.
        failures: Names and errors of those that failed; the models built from them were not built.
        models: All models, compiled; None if SQLMesh has to run one of them.
    """

    seconds: Mapping[str, float]
    failures: Sequence[tuple[str, BaseException]]
    models: Sequence[CompiledModel] | None


def build(
    context: OwnContext,
    console: BuildConsole,
    wanted: Collection[str],
    on_progress: Progress,
    *,
    full_refresh: bool,
    keep_missing: bool,
) -> Built:
    """Bring the wanted models up to date, and any that changed with all that are built from it."""
    try:
        # applies changed definitions, and finishes a plan that was killed
        planned = [model.name for model in context.models.values()] if keep_missing else None
        context.plan(_ENVIRONMENT, skip_tests=True, select_models=planned)
        models = None if keep_missing else compile_all(context, context.compiled)
        due = _due(context, console, wanted)
        if due and models and not full_refresh:
            cursor = context.engine_adapter.cursor
            seconds, failed = follow(cursor, models, parents(context), due, on_progress)
            return Built(console.seconds | seconds, failed, models)
        if due and not full_refresh:
            context.run(_ENVIRONMENT, ignore_cron=True, select_models=due, no_auto_upstream=True)
            due = [] if console.failures else _due(context, console, wanted)
        # all of a full refresh; also all when the clock was set back, for SQLMesh then believes that
        # everything is built for a time to come
        if due:
            context.plan(_ENVIRONMENT, restate_models=due, skip_tests=True, select_models=planned)
    except PlanError:
        if not console.failures:
            raise
        models = None
    names = {fqn: model.name for fqn, model in context.models.items()}
    failures = [(names[each.node.snapshot_name], each.__cause__ or each) for each in console.failures]
    return Built(console.seconds, failures, models)


def _due(context: Context, console: BuildConsole, wanted: Collection[str]) -> list[str]:
    """The wanted models that were not built yet."""
    return [
        model.name
        for model in context.models.values()
        if model.name in wanted and model.name not in console.seconds and is_built(model)
    ]


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
    removed = sorted(_without_catalog(snapshot_id.name) for snapshot_id in diff.removed_snapshots)
    return found + [PlannedModel(name, "removed") for name in removed]


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


def models(context: Context) -> tuple[Model, ...]:
    """What the models are, and what each is built from, by name."""
    return tuple(sorted(map(_model, context.models.values()), key=lambda model: model.name))


def _model(model: SQLMeshModel) -> Model:
    return Model(
        name=model.name,
        description=model.description or "",
        key=grain_of(model),
        parents=tuple(sorted(map(_without_catalog, model.depends_on or ()))),
        is_table=not model.kind.is_embedded,
    )


def _without_catalog(fqn: str) -> str:
    table = exp.to_table(fqn, dialect="duckdb")
    return f"{table.db}.{table.name}"


def current(context: Context) -> Collection[Snapshot]:
    """The models as the last plan that succeeded has built them; none before the first one."""
    environment = context.state_reader.get_environment(_ENVIRONMENT)
    return context.state_reader.get_snapshots(environment.snapshots).values() if environment else ()


def clean(context: Context, snapshots: Collection[Snapshot]) -> None:
    """Remove tables and logs of other definitions than these, and what all tables have followed."""
    context.run_janitor(ignore_ttl=False)
    tables = {
        table_of(snapshot).name
        for snapshot in snapshots
        if snapshot.is_model and is_by_change(snapshot.model)
    }
    Logs(context.engine_adapter.cursor).trim(tables)


def compiled(context: Context, models: Sequence[CompiledModel], views: Sequence[View]) -> Compiled | None:
    """What later runs need to follow changes without SQLMesh; None if its plan did not come to its end."""
    plan = plan_of(context.engine_adapter.cursor)
    if plan is None:
        return None
    return Compiled(
        plan=plan, until=cleaned_until(context), models=models, parents=parents(context), views=views
    )


def views(context: Context, snapshots: Collection[Snapshot]) -> list[View]:
    """The views to stand for the models, each after those it reads."""
    order = {fqn: index for index, fqn in enumerate(context.dag.sorted)}
    return [
        _view(snapshot)
        for snapshot in sorted(snapshots, key=lambda each: order.get(each.name, len(order)))
        # what was dropped by hand has failed to build, and that is the error to report
        if snapshot.is_model and context.engine_adapter.table_exists(snapshot.table_name())
    ]


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
        description=model.description,
        columns=model.column_descriptions or {},
    )
