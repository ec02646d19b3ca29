"""SQLMesh, without its configuration files.

Nothing here asks a question, prints, calls home or writes outside the warehouse and the cache folder.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
from sqlmesh.core.model.seed import Seed
from sqlmesh.core.snapshot import Intervals, Snapshot, SnapshotEvaluator
from sqlmesh.utils.concurrency import NodeExecutionFailedError
from sqlmesh.utils.errors import SQLMeshError

import clogs.transform.by_change  # noqa: F401  # SQLMesh finds it among the subclasses
from clogs import warehouse
from clogs.errors import ModelsError
from clogs.runs.signals import was_stopped
from clogs.terminal.progress import Progress, no_progress
from clogs.terminal.text import first_line
from clogs.transform.audits import audit
from clogs.transform.compile import compile_audits, compile_snapshot, is_by_change, is_plain, table_of
from clogs.transform.compiled import CompiledModel
from clogs.transform.config import TransformConfig
from clogs.transform.follow import MEMORY, update
from clogs.transform.logs import Logs

CATALOG = "clogs"
"""What SQLMesh attaches the file as: part of every model's identity, so not the name of the file."""

_PRICES = "bronze.seed_model_prices"

_BEGINNING = "2020-01-01"
"""Before the first transcript; a model of kind FULL only needs some beginning."""


class BuildConsole(NoopConsole):
    """SQLMesh's console: prints nothing, and records the models in the order they ended.

    Seeds are left out: they are read when their files change, and not again by a full refresh.

    Args:
        on_progress: Called at the start and after each model with how many have ended, and how many are due
            as far as known.

    Attributes:
        seconds: Wall time of each model that was built and passed its audits, by name.
        failures: What stopped the others.
    """

    def __init__(self, on_progress: Progress = no_progress) -> None:
        super().__init__()
        self.seconds: dict[str, float] = {}
        self.failures: list[NodeExecutionFailedError[Any]] = []
        self._on_progress = on_progress
        self._done = 0
        self._due = 0

    def start_evaluation_progress(
        self, batched_intervals: dict[Snapshot, Intervals], *args: object, **kwargs: object
    ) -> None:
        """Count the models that are due."""
        del args, kwargs
        self._due += sum(not snapshot.is_seed for snapshot in batched_intervals)
        self._on_progress(self._done, self._due)

    def update_snapshot_evaluation_progress(
        self,
        snapshot: Snapshot,
        interval: object,
        batch_idx: int,
        duration_ms: int | None,
        *args: object,
        **kwargs: object,
    ) -> None:
        """Record a model; SQLMesh reports no duration for one that failed."""
        del interval, batch_idx, args, kwargs
        if snapshot.is_seed:
            return
        self._done += 1
        if duration_ms is not None:
            self.seconds[snapshot.model.name] = duration_ms / 1000
        self._on_progress(self._done, self._due)

    def log_failed_models(self, errors: list[NodeExecutionFailedError[Any]]) -> None:
        """Record what stopped each model."""
        self.failures.extend(errors)

    def log_warning(self, short_message: str, long_message: str | None = None) -> None:
        """Drop it: what matters ends as a failure."""


@contextmanager
def open_context(config: TransformConfig, console: BuildConsole | None = None) -> Iterator[OwnContext]:
    """Open SQLMesh on the warehouse; afterwards the file is free again, whatever happened.

    Raises:
        ModelsError: SQLMesh does not understand the models.
    """
    for name in ("sqlmesh", "sqlglot"):
        logging.getLogger(name).disabled = True
    set_console(console or BuildConsole())
    try:
        with warehouse.mapped(config.warehouse):
            context = warehouse.while_held(config.lock_timeout)(_opened, config)
            if config.prices:
                # another list is another definition, by which what is built from it is built anew
                context.upsert_model(_PRICES, seed=Seed(content=config.price_list), column_hashes_=None)
            if config.memory_limit is None:
                warehouse.limit_memory(context.engine_adapter.cursor, MEMORY)
            yield context
    except (SQLMeshError, SqlglotError) as exc:
        folders = " and ".join(map(str, config.folders))
        raise ModelsError(
            f"SQLMesh cannot use the models in {folders}: {first_line(exc)}",
            hint="Correct the model it names; the tables keep what they held.",
        ) from exc
    finally:
        set_console(NoopConsole())
        _close()


def _opened(config: TransformConfig) -> OwnContext:
    """SQLMesh with the warehouse open; another process may have opened it since it was closed here."""
    try:
        with warehouse.mapped(config.warehouse):
            context = OwnContext(paths=config.folders, config=_sqlmesh_config(config))
            context.engine_adapter.cursor.execute("SELECT 1")  # by which SQLMesh opens the file
            return context
    except BaseException:
        _close()  # or it would take the connection that it has, without the file
        raise


def _close() -> None:
    """Close SQLMesh's connections, which it keeps for the life of the process, and with them the lock."""
    for adapter in BaseDuckDBConnectionConfig._data_file_to_adapter.values():  # noqa: SLF001
        adapter.close()
    BaseDuckDBConnectionConfig._data_file_to_adapter.clear()  # noqa: SLF001


class _Evaluator(SnapshotEvaluator):
    """SQLMesh's, but a model is built and audited in one transaction, and views are left to `publish`.

    Attributes:
        compiled: The plain models that were built, by their full names.
    """

    compiled: dict[str, CompiledModel]

    def evaluate(self, snapshot: Snapshot, **options: Any) -> str | None:  # noqa: ANN401
        """Build a model, and show it only if it passes its audits."""
        try:
            with warehouse.transaction(self.adapter.cursor):
                if is_by_change(snapshot.model) and is_plain(snapshot.model):
                    # as SQLMesh would by our materialization, but rendered once
                    model = compile_snapshot(self.adapter, snapshot, options["snapshots"])
                    update(Logs(self.adapter.cursor), model, is_new=not snapshot.intervals)
                    self.compiled[snapshot.name] = model
                    return None
                built = super().evaluate(snapshot, **options)
                if not is_by_change(snapshot.model):  # which has audited what changed
                    audits = compile_audits(self.adapter, snapshot.model, options)
                    rows = f"FROM {table_of(snapshot).sql('duckdb', identify=True)}"
                    audit(self.adapter.cursor, snapshot.model.name, audits, rows)
                return built
        except Exception as exc:
            # SQLMesh would take an interrupted query for one model's failure, and build the next
            if was_stopped():
                raise KeyboardInterrupt from exc
            raise

    def audit(self, snapshot: Snapshot, **options: Any) -> list[Any]:  # noqa: ANN401
        """Do nothing: a model that was built has passed its audits."""
        del snapshot, options
        return []

    def promote(self, target_snapshots: Iterable[Snapshot], *args: Any, **options: Any) -> None:  # noqa: ANN401
        """Leave readers the views they have: until all is built, and without the catalog's name."""

    def demote(self, target_snapshots: Iterable[Snapshot], *args: Any, **options: Any) -> None:  # noqa: ANN401
        """Leave readers the views they have."""

    def set_correlation_id(self, correlation_id: Any) -> SnapshotEvaluator:  # noqa: ANN401
        """Begin a plan."""
        return _own(super().set_correlation_id(correlation_id), self.compiled)


def _own(evaluator: SnapshotEvaluator, compiled: dict[str, CompiledModel]) -> SnapshotEvaluator:
    own = _Evaluator(evaluator.adapters, evaluator.ddl_concurrent_tasks, evaluator.selected_gateway)
    own.compiled = compiled
    return own


class OwnContext(Context):
    """SQLMesh's, whose models are built by our evaluator.

    Attributes:
        compiled: The plain models that were built, by their full names.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        self.compiled: dict[str, CompiledModel] = {}
        super().__init__(**options)

    @property
    def snapshot_evaluator(self) -> SnapshotEvaluator:
        """What builds and audits."""
        return _own(super().snapshot_evaluator, self.compiled)


def _sqlmesh_config(config: TransformConfig) -> Config:
    connection = DuckDBConnectionConfig(
        catalogs={CATALOG: _escaped(config.warehouse)},
        connector_config={
            "TimeZone": "UTC",
            "threads": str(config.threads),
            # keeping it would take more memory, and no table has an order
            "preserve_insertion_order": "false",
            # SQLMesh attaches the file to a database in memory, so DuckDB would spill into the current folder
            "temp_directory": _escaped(config.cache / "spill"),
            **({"memory_limit": config.memory_limit} if config.memory_limit else {}),
        },
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
        snapshot_ttl="in 1 day",
        variables={"timezone": config.timezone},
        cache_dir=str(config.cache),
        disable_anonymized_analytics=True,
    )


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")
