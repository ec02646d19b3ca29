"""The stage: what the pipeline calls to build the models, and what it gets back."""

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
from clogs.transform.publish import View, publish
from clogs.transform.selection import select_models
from clogs.transform.settings import TransformSettings
from clogs.warehouse import Connection

if TYPE_CHECKING:
    from clogs.transform.engine import PlannedModel

_OBJECTS = 100_000
"""So many new ones make Python look for garbage; SQLMesh makes millions that stay."""

OnModel = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class ModelRun:
    """One model that was brought up to date.

    Attributes:
        name: Schema and model, ``gold.fct_messages``.
        rows: Rows it has now; None for a view.
        seconds: Wall time of building and auditing it.
    """

    name: str
    rows: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class TransformResult:
    """What a transform did.

    Attributes:
        models: The models that were brought up to date, each after those it is built from.
        seconds: Wall time.
    """

    models: tuple[ModelRun, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class PlanResult:
    """What a transform would do.

    Attributes:
        models: The models that would be built or removed because their definition is another one now, in
            dependency order.
        documents: Documents that were loaded, changed or pruned since the last transform; None where it
            cannot be told, and all models are built from nothing.
    """

    models: tuple[PlannedModel, ...]
    documents: int | None


@dataclass(frozen=True, slots=True)
class _Built:
    seconds: dict[str, float]
    standing: Sequence[View]
    failure: ClogsError | None


def transform(
    settings: TransformSettings,
    *,
    select: Sequence[str] = (),
    full_refresh: bool = False,
    on_model: OnModel = lambda _name, _done, _due: None,
) -> TransformResult:
    """Bring bronze, silver and gold up to date with ``raw.conversations``.

    A model whose definition has changed is built with all that hang on it, selected or not; so is
    everything the first time. Extra models come after the others, which their failures leave alone.

    Args:
        settings: The settings.
        select: As ``--models`` takes it, ``fct_messages`` or ``+gold.fct_messages``; empty for all.
        full_refresh: Build from nothing, whatever changed.
        on_model: Called after each model with its name, how many have ended and how many are due.

    Raises:
        UsageError: A selection matches no model.
        DataError: A model's audit failed; it and the models that hang on it were left as they were.
        WarehouseError: The file cannot be opened.
        ModelsError: SQLMesh does not understand the models.
        ClogsError: There is nothing to transform, or a model could not be built.
    """
    started = time.perf_counter()
    require_conversations(settings)
    prepare_sqlmesh(settings)
    built = _build_all(settings, select, on_model, full_refresh=full_refresh)
    with _opened(settings) as connection:
        # after a failure too: what was built before it is there to be read
        publish(connection, built.standing)
        runs = _runs(connection, built)
    if built.failure:
        raise built.failure
    return TransformResult(models=runs, seconds=time.perf_counter() - started)


def plan(settings: TransformSettings) -> PlanResult:
    """Tell what a transform would do; nothing is built.

    Raises:
        WarehouseError: The file cannot be opened, does not exist, or nothing is loaded yet.
        ModelsError: SQLMesh does not understand the models.
    """
    require_conversations(settings)
    prepare_sqlmesh(settings)
    from clogs.transform.console import RecordingConsole
    from clogs.transform.context import open_context
    from clogs.transform.engine import planned
    from clogs.transform.logs import unread

    with open_context(settings, RecordingConsole(lambda _name, _done, _due: None)) as context:
        return PlanResult(models=tuple(planned(context)), documents=unread(context.engine_adapter))


def _build_all(
    settings: TransformSettings, select: Sequence[str], on_model: OnModel, *, full_refresh: bool
) -> _Built:
    """Build all models; the extra ones must not hold up the others."""
    try:
        built = _build(settings, select, on_model, full_refresh=full_refresh)
    except ModelsError as error:
        if not settings.extra_models:
            raise
        built = _Built({}, (), error)
    if not (built.failure and settings.extra_models):
        return built
    alone = replace(settings, extra_models=None)
    ours = _build(alone, (), on_model, full_refresh=full_refresh, is_whole=False)
    return _Built(built.seconds | ours.seconds, ours.standing, built.failure)


def _build(
    settings: TransformSettings,
    select: Sequence[str],
    on_model: OnModel,
    *,
    full_refresh: bool,
    is_whole: bool = True,
) -> _Built:
    """Build models, and leave those alone that are in place but not known here, unless these are all."""
    from clogs.transform.console import RecordingConsole
    from clogs.transform.context import open_context
    from clogs.transform.engine import build, clean, in_place, parents, views
    from clogs.transform.failures import explain

    console = RecordingConsole(on_model)
    with open_context(settings, console) as context:
        graph = parents(context)
        wanted = select_models(select, graph)
        build(context, console, wanted, full_refresh=full_refresh, is_whole=is_whole)
        failure = explain(context, console.failures[0], settings.warehouse) if console.failures else None
        standing = in_place(context)
        clean(context, standing)
        seconds = {name: console.seconds[name] for name in graph if name in console.seconds}
        return _Built(seconds, views(context, standing), failure)


def _opened(settings: TransformSettings) -> AbstractContextManager[Connection]:
    return warehouse.connect(
        settings.warehouse,
        threads=settings.threads,
        memory_limit=settings.memory_limit,
        lock_timeout=settings.lock_timeout,
    )


def require_conversations(settings: TransformSettings) -> None:
    """Open the file once ourselves: DuckDB then says plainly what SQLMesh would misreport."""
    warehouse.require_file(settings.warehouse)
    with _opened(settings) as connection:
        warehouse.require_tables(connection)


def prepare_sqlmesh(settings: TransformSettings) -> None:
    """Set what SQLMesh reads from the environment while it is imported, and look for garbage less often."""
    gc.set_threshold(_OBJECTS)
    # the name under which SQLMesh would call home, which it may not: it falls over a damaged one
    with suppress(OSError):
        (settings.cache / "user.yaml").unlink()
    os.environ.update(
        SQLMESH_HOME=str(settings.cache), SQLMESH__DISABLE_ANONYMIZED_ANALYTICS="true", MAX_FORK_WORKERS="1"
    )


def _runs(connection: Connection, built: _Built) -> tuple[ModelRun, ...]:
    tables = {view.name for view in built.standing if view.is_table}
    return tuple(
        ModelRun(name, _rows(connection, name) if name in tables else None, seconds)
        for name, seconds in built.seconds.items()
    )


def _rows(connection: Connection, name: str) -> int:
    (rows,) = connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0]
    return int(rows)
