"""The stage: what the pipeline calls to build the models."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from clogs import warehouse
from clogs.errors import ClogsError, ModelsError
from clogs.terminal.progress import Progress, no_progress
from clogs.transform import compiled as compiled_file
from clogs.transform.config import TransformConfig
from clogs.transform.follow import MEMORY, explain, follow
from clogs.transform.logs import Logs
from clogs.transform.publish import View, are_published, publish
from clogs.transform.results import ModelRun, PlanResult, TransformResult
from clogs.transform.selection import select_models
from clogs.warehouse import Connection

if TYPE_CHECKING:
    from clogs.schema import Model
    from clogs.transform.compiled import Compiled
    from clogs.transform.portable import PortableModel, Seed

_GARBAGE_AFTER = 100_000
"""New objects after which Python collects garbage; SQLMesh makes millions that stay."""


@dataclass(frozen=True, slots=True)
class _Build:
    """What a build did.

    Attributes:
        seconds: Those of each model.
        views: The views for all models as they are built now; none where they stay.
        failure: What failed.
        compiled: What the next run needs to do without SQLMesh.
    """

    seconds: dict[str, float]
    views: Sequence[View]
    failure: ClogsError | None
    compiled: Compiled | None = None


def transform(
    config: TransformConfig,
    *,
    select: Sequence[str] = (),
    full_refresh: bool = False,
    on_open: Callable[[Connection], None] = lambda _: None,
    on_end: Callable[[Connection], None] = lambda _: None,
    on_progress: Progress = no_progress,
) -> TransformResult:
    """Bring bronze, silver and gold up to date with ``raw.conversations``.

    The warehouse is opened once where no model has changed, so callers write to it by `on_open`, before
    anything is built, and by `on_end`, after everything was.

    A model whose definition has changed is built with all that are built from it, selected or not; so is
    everything the first time. Extra models come after the others, which their failures leave alone.

    Raises:
        UsageError: A selection matches no model.
        DataError: A model's audit failed; it and the models built from it were left as they were.
        WarehouseError: The file cannot be opened, or nothing is loaded yet.
        ModelsError: SQLMesh does not understand the models.
        ClogsError: A model could not be built.
    """
    started = time.perf_counter()
    warehouse.require_file(config.warehouse)
    with _connect(config) as connection:
        warehouse.require_tables(connection)
        on_open(connection)
        compiled = None if full_refresh else compiled_file.read(config, connection)
        if compiled:
            build = _follow(connection, compiled, config, select, on_progress)
            return _finish(connection, build, started, on_end)
    # killed from here on, the next run goes through SQLMesh again, which ends what this one has begun
    compiled_file.remove(config)
    _set_up_sqlmesh(config)
    build = _build_all(config, select, on_progress, full_refresh=full_refresh)
    with _connect(config) as connection:
        # after a failure too: what was built before it can be read
        publish(connection, build.views)
        result = _finish(connection, build, started, on_end)
    if build.compiled:
        compiled_file.write(build.compiled, config)
    return result


def _finish(
    connection: Connection, build: _Build, started: float, on_end: Callable[[Connection], None]
) -> TransformResult:
    if build.failure:
        raise build.failure
    on_end(connection)
    built = [view for view in build.views if view.name in build.seconds]
    counts = ", ".join(f"(SELECT count(*) FROM {view.identifier})" for view in built)
    (rows,) = connection.execute(f"SELECT {counts}").fetchall() if built else [()]
    models = tuple(
        ModelRun(view.name, count, build.seconds[view.name]) for view, count in zip(built, rows, strict=True)
    )
    return TransformResult(models=models, seconds=time.perf_counter() - started)


def plan(config: TransformConfig) -> PlanResult:
    """Find out what a transform would do; nothing is built.

    Raises:
        WarehouseError: The file cannot be opened, or nothing is loaded yet.
        ModelsError: SQLMesh does not understand the models.
    """
    _prepare(config)
    from clogs.transform.context import open_context
    from clogs.transform.engine import planned
    from clogs.transform.logs import unread

    with open_context(config) as context:
        return PlanResult(models=tuple(planned(context)), documents=unread(context.engine_adapter.cursor))


def lineage(config: TransformConfig) -> tuple[Model, ...]:
    """Read all models, by name; nothing is built.

    Extra models that SQLMesh does not understand are left out, all of them: a mistake in one of them must
    not hide the others.

    Raises:
        WarehouseError: The file cannot be opened, or nothing is loaded yet.
        ModelsError: SQLMesh does not understand our models.
    """
    _prepare(config)
    from clogs.transform.context import open_context
    from clogs.transform.engine import models

    try:
        with open_context(config) as context:
            return models(context)
    except ModelsError:
        if not config.extra_models:
            raise
        return lineage(replace(config, extra_models=None))


def translate(config: TransformConfig) -> tuple[list[PortableModel], list[Seed]]:
    """Translate all models for Spark; the warehouse of the settings is only a place for SQLMesh to be.

    Raises:
        ModelsError: SQLMesh does not understand the models, or one asks for something that Spark cannot give.
    """
    _set_up_sqlmesh(config)
    from clogs.transform.context import open_context
    from clogs.transform.translation import portable_models, seeds

    with open_context(config) as context:
        return list(portable_models(context)), list(seeds(context))


def _follow(
    connection: Connection,
    compiled: Compiled,
    config: TransformConfig,
    select: Sequence[str],
    on_progress: Progress,
) -> _Build:
    """Bring the models up to date without SQLMesh."""
    wanted = select_models(select, compiled.parents)
    connection.execute("SET preserve_insertion_order = false")  # no table has an order
    if config.memory_limit is None:
        warehouse.limit_memory(connection, MEMORY)
    seconds, failures = follow(connection, compiled.models, compiled.parents, wanted, on_progress)
    with warehouse.transaction(connection):
        Logs(connection).trim({model.table for model in compiled.models if model.kind == "by_change"})
    if not are_published(connection, compiled.views):
        publish(connection, compiled.views)
    if failures:
        compiled_file.remove(config)
    failure = explain(config.warehouse, *failures[0]) if failures else None
    return _Build(seconds, compiled.views, failure)


def _build_all(
    config: TransformConfig, select: Sequence[str], on_progress: Progress, *, full_refresh: bool
) -> _Build:
    """Build all models; the extra ones must not hold up the others."""
    try:
        build = _build(config, select, on_progress, full_refresh=full_refresh)
    except ModelsError as error:
        if not config.extra_models:
            raise
        build = _Build({}, (), error)
    if not (build.failure and config.extra_models):
        return build
    alone = replace(config, extra_models=None)
    ours = _build(alone, (), on_progress, full_refresh=full_refresh, keep_missing=True)
    return _Build(build.seconds | ours.seconds, ours.views, build.failure)


def _build(
    config: TransformConfig,
    select: Sequence[str],
    on_progress: Progress,
    *,
    full_refresh: bool,
    keep_missing: bool = False,
) -> _Build:
    from clogs.transform import engine
    from clogs.transform.context import BuildConsole, open_context

    console = BuildConsole(on_progress)
    with open_context(config, console) as context:
        graph = engine.parents(context)
        wanted = select_models(select, graph)
        built = engine.build(
            context, console, wanted, on_progress, full_refresh=full_refresh, keep_missing=keep_missing
        )
        failure = explain(config.warehouse, *built.failures[0]) if built.failures else None
        snapshots = engine.current(context)
        engine.clean(context, snapshots)
        seconds = {name: built.seconds[name] for name in graph if name in built.seconds}
        views = engine.views(context, snapshots)
        compiled = None if failure or not built.models else engine.compiled(context, built.models, views)
        return _Build(seconds, views, failure, compiled)


def _connect(config: TransformConfig) -> AbstractContextManager[Connection]:
    return warehouse.connect(
        config.warehouse,
        threads=config.threads,
        memory_limit=config.memory_limit,
        lock_timeout=config.lock_timeout,
    )


def _prepare(config: TransformConfig) -> None:
    """Require something to transform, and get ready for SQLMesh."""
    warehouse.require_file(config.warehouse)
    # opened once by ourselves: DuckDB then says plainly what SQLMesh would misreport
    with _connect(config) as connection:
        warehouse.require_tables(connection)
    _set_up_sqlmesh(config)


def _set_up_sqlmesh(config: TransformConfig) -> None:
    """Set what SQLMesh reads from the environment when it is imported, and what makes it slow."""
    gc.set_threshold(_GARBAGE_AFTER)
    # the name under which SQLMesh would call home, which it may not: it fails on a damaged one
    with suppress(OSError):
        (config.cache / "user.yaml").unlink()
    os.environ.update(
        SQLMESH_HOME=str(config.cache), SQLMESH__DISABLE_ANONYMIZED_ANALYTICS="true", MAX_FORK_WORKERS="1"
    )
