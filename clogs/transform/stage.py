"""The stage: what the pipeline calls to build the models, and what it gets back."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from clogs import warehouse as duckdb_file
from clogs.errors import WarehouseError
from clogs.files import make_private_dir
from clogs.transform.publish import View, publish
from clogs.transform.selection import select_models
from clogs.warehouse import Connection


@dataclass(frozen=True, slots=True)
class ModelRun:
    """One model that was built.

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
        models: The models that were built, each after those it is built from.
        seconds: Wall time.
    """

    models: tuple[ModelRun, ...]
    seconds: float


def transform(
    warehouse: Path,
    *,
    models_dir: Path,
    cache_dir: Path,
    timezone: str,
    threads: int,
    memory_limit: str | None,
    patience: timedelta = timedelta(0),
    select: Sequence[str] = (),
    full_refresh: bool = False,
    on_model: Callable[[str, int, int], None] | None = None,
) -> TransformResult:
    """Build bronze, silver and gold from ``raw.conversations``.

    A model whose definition has changed is built with all that hang on it, selected or not; so is
    everything the first time.

    Args:
        warehouse: The DuckDB file; this process must not have it open.
        models_dir: The folder of models and seeds. Nothing is written there.
        cache_dir: Where SQLMesh keeps what it parsed, and where DuckDB spills to.
        timezone: IANA name; decides hours, days and ``date_key``.
        threads: DuckDB's threads.
        memory_limit: As DuckDB writes it, ``4GB``; None for DuckDB's own.
        patience: How long to wait for another process that has the warehouse open.
        select: As ``--models`` takes it, ``fct_messages`` or ``+gold.fct_messages``; empty for all.
        full_refresh: Rebuild by force even where SQLMesh believes that nothing has changed.
        on_model: Called after each model with its name, how many have ended and how many are due.

    Raises:
        UsageError: A selection matches no model.
        DataError: A model's audit failed; the models that hang on it were not built.
        WarehouseError: The file cannot be opened.
        ClogsError: There is nothing to transform, or a model could not be built.
    """
    started = time.perf_counter()
    _require_conversations(warehouse, patience)
    cache_dir = _cache_of(models_dir, cache_dir)
    _quiet_sqlmesh(cache_dir)
    from clogs.transform.console import RecordingConsole
    from clogs.transform.engine import EngineSettings, build, open_context, parents, views
    from clogs.transform.failures import explain

    settings = EngineSettings(warehouse, models_dir, cache_dir, timezone, threads, memory_limit)
    console = RecordingConsole(on_model or _silent)
    with open_context(settings, console) as context:
        graph = parents(context)
        build(context, console, select_models(select, graph), full_refresh=full_refresh)
        built = {name: console.seconds[name] for name in graph if name in console.seconds}
        failure = explain(context, console.failures[0]) if console.failures else None
        standing = views(context)
    with duckdb_file.connect(
        warehouse, threads=threads, memory_limit=memory_limit, patience=patience
    ) as connection:
        # after a failure too: what was built before it is there to be read
        publish(connection, standing)
        runs = _runs(connection, built, standing)
    if failure:
        raise failure
    return TransformResult(models=runs, seconds=time.perf_counter() - started)


def _require_conversations(warehouse: Path, patience: timedelta) -> None:
    """Open the file once ourselves: DuckDB then says plainly what SQLMesh would misreport."""
    hint = "Load it first: clogs pipeline"
    if not warehouse.exists():
        raise WarehouseError(f"There is no warehouse at {warehouse} yet.", hint=hint)
    with duckdb_file.connect(warehouse, patience=patience) as connection:
        if not duckdb_file.has_tables(connection):
            raise WarehouseError(f"The warehouse {warehouse} has no table raw.conversations yet.", hint=hint)


def _cache_of(models_dir: Path, cache_dir: Path) -> Path:
    """A cache folder for just these models and seeds.

    SQLMesh knows a file it has parsed by its modification time, and an upgrade can leave that as it was.
    """
    digest = hashlib.sha256()
    for path in sorted(models_dir.rglob("*.*")):
        digest.update(f"{path.relative_to(models_dir)}\0".encode())
        digest.update(path.read_bytes())
    return make_private_dir(cache_dir / digest.hexdigest()[:16])


def _quiet_sqlmesh(home: Path) -> None:
    """Set what SQLMesh reads from the environment while it is imported."""
    os.environ.update(
        SQLMESH_HOME=str(home), SQLMESH__DISABLE_ANONYMIZED_ANALYTICS="true", MAX_FORK_WORKERS="1"
    )


def _runs(
    connection: Connection, built: Mapping[str, float], standing: Sequence[View]
) -> tuple[ModelRun, ...]:
    tables = {view.name for view in standing if view.is_table}
    return tuple(
        ModelRun(name, _rows(connection, name) if name in tables else None, seconds)
        for name, seconds in built.items()
    )


def _rows(connection: Connection, name: str) -> int:
    (rows,) = connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0]
    return int(rows)


def _silent(_name: str, _done: int, _due: int) -> None:
    """Report no progress."""
