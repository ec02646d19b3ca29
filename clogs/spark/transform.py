"""The models as tables of Iceberg, each brought up to date with what its parents say has changed.

Iceberg's changelog gives the keys that were touched, the SELECT on these keys the rows as they ought to be,
and one MERGE replaces those that differ. Rows that fail an audit are never committed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from clogs.errors import ClogsError, ModelsError, UnavailableError, WarehouseError
from clogs.spark.catalog import DEFINITION, drop, is_table, properties_of, write_table
from clogs.spark.faults import naming
from clogs.spark.lens import RAW, Lens
from clogs.spark.table import ModelTable
from clogs.terminal.progress import Progress, no_progress
from clogs.transform import (
    ModelRun,
    PlanResult,
    TransformConfig,
    TransformResult,
    select_models,
    translate,
)
from clogs.transform.logs import SOURCE
from clogs.transform.portable import PortableModel, Seed
from clogs.transform.results import Change, PlannedModel
from clogs.warehouse.connection import LOAD_FIRST

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)


def transform(
    spark: SparkSession,
    lens: Lens,
    config: TransformConfig,
    *,
    select: Sequence[str] = (),
    full_refresh: bool = False,
    on_progress: Progress = no_progress,
) -> TransformResult:
    """Bring bronze, silver and gold up to date with ``raw.conversations``.

    A model whose definition has changed is built with all that are built from it, selected or not; so is
    everything the first time. If the extra models cannot be read, all others are built, selected or not.

    Raises:
        UsageError: A selection matches no model.
        DataError: A model's audit failed; it and the models built from it were left as they were.
        UnavailableError: The catalog does not answer.
        ModelsError: SQLMesh does not understand the models, or Spark cannot give what one asks for.
    """
    started = time.perf_counter()
    _require_documents(spark)
    models, seeds, failures = _translated(config)
    names = frozenset(model.name for model in models)
    graph = {model.name: names & model.reads for model in models}
    wanted = select_models(() if failures else select, graph)
    for schema in sorted({name.partition(".")[0] for name in names}):
        spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {schema}")
    for seed in seeds:
        _keep_seed(spark, seed)
    keep = lens.names() if failures else set()  # what it has of the models that could not be read
    runs, failed, left = _update_all(spark, models, wanted, on_progress, full_refresh=full_refresh)
    _publish(spark, lens, [model for model in models if model.name not in left], seeds, keep=keep | left)
    if failures := failures + failed:
        raise failures[0]
    seconds = time.perf_counter() - started
    return TransformResult(models=tuple(runs), seconds=seconds, unchanged=not runs)


def _translated(config: TransformConfig) -> tuple[list[PortableModel], list[Seed], list[ClogsError]]:
    """All models and seeds; without the extra models, and with the error, if there is one with these."""
    config = replace(config, warehouse=config.cache / "models.duckdb")
    try:
        return *translate(config), []
    except ModelsError as error:
        if not config.extra_models:
            raise
        return *translate(replace(config, extra_models=None)), [error]


def _update_all(
    spark: SparkSession,
    models: Sequence[PortableModel],
    wanted: Collection[str],
    on_progress: Progress,
    *,
    full_refresh: bool,
) -> tuple[list[ModelRun], list[ClogsError], set[str]]:
    """Bring the wanted models up to date, and those that are built from one whose definition has changed.

    Returns:
        What was done; what failed; and the names of the models that failed, or are built from one that did.
    """
    runs: list[ModelRun] = []
    stale: set[str] = set()  # built from one that is new, whether selected or not
    failures: list[ClogsError] = []
    left: set[str] = set()
    for done, model in enumerate(models):
        on_progress(done, len(models))
        table = ModelTable(spark, model)
        if model.reads & left:
            left.add(model.name)
            continue
        if model.parents.keys() & stale or not table.is_of_definition():
            stale.add(model.name)
        if model.name not in {*wanted, *stale}:
            continue
        try:
            runs += _update(table, full_refresh=full_refresh)
        except UnavailableError:  # as every other model would fail
            raise
        except ClogsError as error:
            failures.append(error)
            left.add(model.name)
    on_progress(len(models), len(models))
    return runs, failures, left


def _update(table: ModelTable, *, full_refresh: bool) -> list[ModelRun]:
    """Bring one model up to date; nothing is returned where there was nothing to do."""
    name, began = table.model.name, time.perf_counter()
    with naming(f"The model {name} could not be built"):
        if not table.update(full_refresh=full_refresh):
            return []
        run = ModelRun(name, table.spark.table(name).count(), time.perf_counter() - began)
    logger.debug("%s: up to date in %.2f s", name, run.seconds)
    return [run]


def plan(spark: SparkSession, lens: Lens, config: TransformConfig) -> PlanResult:
    """Find out what a transform would do; nothing is built."""
    _require_documents(spark)
    models, seeds, failures = _translated(config)
    if failures:
        raise failures[0]
    published = lens.names()
    changes: dict[str, Change] = {}
    for model in models:
        table = ModelTable(spark, model)
        if model.kind == "view" and model.name in published and not table.exists():
            continue  # the catalog has no views
        if not table.is_of_definition():
            changes[model.name] = "changed" if table.exists() else "new"
        elif model.parents.keys() & changes.keys():
            changes[model.name] = "follows a changed model"
    changes |= dict.fromkeys(sorted(published - _names(models, seeds)), "removed")
    documents = next(
        ModelTable(spark, model).touched_keys() for model in models if f"raw.{SOURCE}" in model.parents
    )
    return PlanResult(tuple(PlannedModel(*each) for each in changes.items()), documents)


def _require_documents(spark: SparkSession) -> None:
    if not is_table(spark, f"raw.{SOURCE}"):
        raise WarehouseError("Nothing is loaded yet.", hint=LOAD_FIRST)


def _publish(
    spark: SparkSession,
    lens: Lens,
    models: Sequence[PortableModel],
    seeds: Sequence[Seed],
    *,
    keep: set[str],
) -> None:
    """Show what was built, and remove what has no model any more."""
    tables = {model.name for model in models if model.kind != "view"} | {seed.name for seed in seeds}
    gone = lens.names() - _names(models, seeds) - keep
    for name in gone:
        drop(spark, name)
    lens.publish(spark, sorted(tables), models=models, gone=gone)


def _names(models: Sequence[PortableModel], seeds: Sequence[Seed]) -> set[str]:
    """All that the lens has of these, and the tables of raw."""
    return {*RAW, *(model.name for model in models), *(seed.name for seed in seeds)}


def _keep_seed(spark: SparkSession, seed: Seed) -> None:
    """Write a seed unless it is as it was."""
    if is_table(spark, seed.name) and properties_of(spark, seed.name).get(DEFINITION) == seed.definition:
        return
    casts = [f"CAST(`{name}` AS {kind}) AS `{name}`" for name, kind in seed.types.items()]
    rows = spark.createDataFrame(
        seed.rows.rows(), ", ".join(f"`{name}` STRING" for name in seed.rows.columns)
    )
    write_table(rows.selectExpr(*casts), seed.name, {DEFINITION: seed.definition})
