"""SQLMesh, opened without its configuration files, and what is asked of it.

Nothing here asks a question, prints, calls home or writes outside the warehouse and the cache folder.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlmesh.core.config import (
    CategorizerConfig,
    Config,
    DuckDBConnectionConfig,
    GatewayConfig,
    ModelDefaultsConfig,
    PlanConfig,
    RunConfig,
)
from sqlmesh.core.config.connection import BaseDuckDBConnectionConfig
from sqlmesh.core.console import NoopConsole, set_console
from sqlmesh.core.context import Context
from sqlmesh.core.snapshot import Snapshot, SnapshotEvaluator
from sqlmesh.core.snapshot.evaluator import AuditResult, CorrelationId
from sqlmesh.utils.errors import PlanError, SQLMeshError

from clogs import warehouse
from clogs.errors import ClogsError
from clogs.transform.by_change import is_by_change
from clogs.transform.console import RecordingConsole
from clogs.transform.publish import View

CATALOG = "clogs"
"""What SQLMesh knows the file as: part of every model's identity, so it must not follow the file's name."""

_ENVIRONMENT = "prod"
_BEGINNING = "2020-01-01"
"""Before the first transcript; a model of kind FULL only needs some beginning."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What SQLMesh is opened with.

    Attributes:
        warehouse: The DuckDB file, open nowhere else.
        models_dir: The folder of models and seeds; only read.
        cache_dir: Where SQLMesh keeps what it parsed, and where DuckDB spills to.
        timezone: IANA name; decides hours and days.
        threads: DuckDB's threads.
        memory_limit: As DuckDB writes it; None for DuckDB's own.
    """

    warehouse: Path
    models_dir: Path
    cache_dir: Path
    timezone: str
    threads: int
    memory_limit: str | None


@contextmanager
def open_context(settings: EngineSettings, console: RecordingConsole) -> Iterator[Context]:
    """Open SQLMesh on the warehouse; afterwards the file is free again, whatever happened."""
    for name in ("sqlmesh", "sqlglot"):
        logging.getLogger(name).disabled = True
    set_console(console)
    try:
        with warehouse.mapped(settings.warehouse):
            yield _Context(paths=settings.models_dir, config=_config(settings))
    except (SQLMeshError, SqlglotError) as exc:
        raise _broken(settings.models_dir, exc) from exc
    finally:
        set_console(NoopConsole())
        for adapter in BaseDuckDBConnectionConfig._data_file_to_adapter.values():  # noqa: SLF001
            adapter.close()
        BaseDuckDBConnectionConfig._data_file_to_adapter.clear()  # noqa: SLF001


class _Evaluator(SnapshotEvaluator):
    """SQLMesh's, but it leaves audits to the materialization that has run them already."""

    def audit(self, snapshot: Snapshot, **options: Any) -> list[AuditResult]:
        """Run a model's audits."""
        return [] if is_by_change(snapshot.model) else super().audit(snapshot, **options)

    def set_correlation_id(self, correlation_id: CorrelationId) -> SnapshotEvaluator:
        """Begin a plan."""
        return _own(super().set_correlation_id(correlation_id))


def _own(evaluator: SnapshotEvaluator) -> SnapshotEvaluator:
    return _Evaluator(evaluator.adapters, evaluator.ddl_concurrent_tasks, evaluator.selected_gateway)


class _Context(Context):
    @property
    def snapshot_evaluator(self) -> SnapshotEvaluator:
        """What builds and audits."""
        return _own(super().snapshot_evaluator)


def build(
    context: Context, console: RecordingConsole, wanted: Collection[str], *, full_refresh: bool
) -> None:
    """Bring the wanted models up to date, and any whose definition changed with all that hang on them.

    Failures are in the console when this returns; the models that hang on a failed one were not built.
    """
    try:
        # applies changed definitions, and finishes a plan that was killed
        context.plan(_ENVIRONMENT, skip_tests=True)
        left = _left(context, console, wanted)
        if left and not full_refresh:
            context.run(_ENVIRONMENT, ignore_cron=True, select_models=left, no_auto_upstream=True)
            left = [] if console.failures else _left(context, console, wanted)
        # all of a full refresh; also all when the clock was set back, for SQLMesh then believes that
        # everything is built for a time to come
        if left:
            context.plan(_ENVIRONMENT, restate_models=left, skip_tests=True)
    except PlanError:
        if not console.failures:
            raise


def _left(context: Context, console: RecordingConsole, wanted: Collection[str]) -> list[str]:
    """The wanted models that were not built yet; a seed changes only with its file, an embedded one is no table."""
    return [
        model.name
        for model in context.models.values()
        if model.name in wanted and model.name not in console.seconds
        if not (model.kind.is_seed or model.kind.is_symbolic)
    ]


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


def views(context: Context) -> list[View]:
    """The views that stand in bronze, silver and gold, each after those it reads; none before the first plan."""
    environment = context.state_reader.get_environment(_ENVIRONMENT)
    if environment is None:
        return []
    standing = context.state_reader.get_snapshots(environment.snapshots).values()
    places = {fqn: place for place, fqn in enumerate(context.dag.sorted)}
    return [
        _view(snapshot)
        for snapshot in sorted(standing, key=lambda snapshot: places.get(snapshot.name, len(places)))
        # what was dropped by hand has failed to build, and that is the error to tell
        if snapshot.is_model and context.engine_adapter.table_exists(snapshot.table_name())
    ]


def _broken(models_dir: Path, exc: Exception) -> ClogsError:
    return ClogsError(
        f"SQLMesh cannot use the models in {models_dir}: {str(exc).partition(chr(10))[0]}",
        hint="Correct the model it names; the tables keep what they held.",
    )


def _view(snapshot: Snapshot) -> View:
    model = snapshot.model
    source = (
        model.render_query_or_raise() if model.kind.is_view else exp.select("*").from_(snapshot.table_name())
    )
    for table in source.find_all(exp.Table):
        table.set("catalog", None)
    return View(
        name=model.name,
        query=source.sql(dialect="duckdb", identify=True),
        is_table=not model.kind.is_view,
        description=model.description,
        columns=model.column_descriptions or {},
    )


def _config(settings: EngineSettings) -> Config:
    connection = DuckDBConnectionConfig(
        catalogs={CATALOG: str(settings.warehouse).replace("'", "''")},
        connector_config=_duckdb_settings(settings),
    )
    return Config(
        gateways={CATALOG: GatewayConfig(connection=connection)},
        default_gateway=CATALOG,
        model_defaults=ModelDefaultsConfig(
            dialect="duckdb", start=_BEGINNING, cron="@daily", allow_partials=True
        ),
        plan=PlanConfig(
            auto_apply=True,
            no_prompts=True,
            no_diff=True,
            auto_categorize_changes=CategorizerConfig.all_full(),
        ),
        # a killed plan leaves the environment unfinished: never wait for it, the next plan finishes it
        run=RunConfig(environment_check_interval=1, environment_check_max_wait=2),
        variables={"timezone": settings.timezone},
        cache_dir=str(settings.cache_dir),
        disable_anonymized_analytics=True,
    )


def _duckdb_settings(settings: EngineSettings) -> dict[str, str]:
    # SQLMesh opens an in-memory database and attaches the file, so DuckDB would spill into the current folder
    chosen = {
        "TimeZone": "UTC",
        "threads": str(settings.threads),
        "temp_directory": str(settings.cache_dir / "spill").replace("'", "''"),
    }
    if settings.memory_limit:
        chosen["memory_limit"] = settings.memory_limit
    return chosen
