"""What makes tables of the landing: DuckDB on this machine, or Spark on many.

Everything that only reads does so from DuckDB's file, in which Spark's tables are views of their files.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from clogs.errors import DamagedWarehouseError
from clogs.pipeline import checkpoints
from clogs.pipeline.wiring import address_of, lens_of, models_of, open_warehouse, spark_of
from clogs.terminal.progress import Progress, no_progress

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from clogs.extract.range import ExtractJob, Landed
    from clogs.extract.scan import Read
    from clogs.extract.watermark import ExtractState
    from clogs.health.findings import Finding
    from clogs.landing.compact import CompactResult
    from clogs.landing.prune import PruneResult
    from clogs.load import LoadResult
    from clogs.pipeline.checkpoints import Stage
    from clogs.settings import Settings
    from clogs.transform import PlanResult, TransformResult
    from clogs.warehouse import Connection

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DuckDBEngine:
    """DuckDB."""

    settings: Settings

    def land_ranges(self, ranges: Sequence[Read], job: ExtractJob, before: ExtractState) -> Generator[Landed]:
        """Land ranges of the collection by some processes of this machine."""
        from clogs.extract.workers import land_ranges as stage

        return stage(ranges, job, before)

    def load(
        self,
        *,
        run: str,
        full_refresh: bool = False,
        on_end: Callable[[Connection], None] = lambda _: None,
        on_progress: Progress = no_progress,
    ) -> LoadResult:
        """Load new landing files; a damaged warehouse is put in quarantine, and built again from all of them.

        `on_end` is called with the warehouse when all is loaded.
        """
        from clogs.load import load as stage
        from clogs.warehouse import quarantine

        def once() -> LoadResult:
            with open_warehouse(self.settings) as connection:
                result = stage(
                    connection,
                    raw_dir=self.settings.data.raw_dir,
                    dead_letter_dir=self.settings.data.dead_letter_dir,
                    run=run,
                    full_refresh=full_refresh,
                    on_progress=on_progress,
                )
                on_end(connection)
                return result

        try:
            return once()
        except DamagedWarehouseError as error:
            quarantined = quarantine(self.settings.duckdb.path)
            logger.warning("%s It is now %s, and is built again from the landing files.", error, quarantined)
            return once()

    def compact(self, *, run: str, on_progress: Progress = no_progress) -> CompactResult:
        """Merge small landing files."""
        from clogs.landing.compact import compact as stage

        with open_warehouse(self.settings) as connection:
            return stage(
                connection,
                raw_dir=self.settings.data.raw_dir,
                run=run,
                today=datetime.now(UTC).date(),
                on_progress=on_progress,
            )

    def compacting_pays(self) -> bool:
        """Return whether a past day has many landing files."""
        from clogs.landing.compact import PAYS_FROM, candidates
        from clogs.landing.files import landed

        found = landed(self.settings.data.raw_dir)
        return bool(candidates(found, today=datetime.now(UTC).date(), least=PAYS_FROM))

    def prune(self, *, before: date, dry_run: bool = False) -> PruneResult:
        """Remove days, and build the models without them."""
        from clogs import warehouse
        from clogs.landing.prune import prune as stage

        warehouse.require_file(self.settings.duckdb.path)
        with open_warehouse(self.settings, read_only=dry_run) as connection:
            warehouse.require_tables(connection)
            result = stage(connection, raw_dir=self.settings.data.raw_dir, before=before, dry_run=dry_run)
            has_models = warehouse.has_views(connection, "gold")
        if result.rows and has_models and not dry_run:
            self.transform()
        return result

    def current(self) -> set[Stage]:
        """Return the stages that have nothing to do. See `clogs.pipeline.checkpoints`."""
        if not self.settings.duckdb.path.exists():
            return set()
        with open_warehouse(self.settings, read_only=True) as connection:
            return checkpoints.current(self.settings, connection)

    def unchanged_transform(self) -> TransformResult | None:
        """Return the result of a transform that has nothing to follow; None where one has to run."""
        from clogs.transform import TransformResult

        started = time.perf_counter()
        if "transform" not in self.current():
            return None
        return TransformResult(models=(), seconds=time.perf_counter() - started, unchanged=True)

    def transform(
        self,
        *,
        select: Sequence[str] = (),
        full_refresh: bool = False,
        on_progress: Progress = no_progress,
    ) -> TransformResult:
        """Build the models."""
        from clogs.transform import transform as stage

        return stage(
            models_of(self.settings),
            select=select,
            full_refresh=full_refresh,
            on_open=checkpoints.clear,
            on_end=lambda opened: None if select else checkpoints.mark(self.settings, opened, "transform"),
            on_progress=on_progress,
        )

    def plan(self) -> PlanResult:
        """Return what a transform would do."""
        from clogs.transform import plan as stage

        return stage(models_of(self.settings))

    def checkup(self) -> list[Finding]:
        """Return nothing: DuckDB needs only its file, which is checked as any."""
        return []


@dataclass(frozen=True, slots=True)
class SparkEngine:
    """Spark, with tables of Iceberg."""

    settings: Settings

    def land_ranges(self, ranges: Sequence[Read], job: ExtractJob, before: ExtractState) -> Generator[Landed]:
        """Land ranges of the collection by the executors."""
        from clogs.spark.extract import land_ranges as stage

        return stage(self._session(), ranges, job, before)

    def load(
        self,
        *,
        run: str,
        full_refresh: bool = False,
        on_end: Callable[[Connection], None] = lambda _: None,
        on_progress: Progress = no_progress,
    ) -> LoadResult:
        """Load new landing files; `on_end` is not called, for no stage is skipped here."""
        from clogs.spark.load import load as stage

        del on_end
        with self._session() as spark:
            return stage(
                spark,
                lens_of(self.settings),
                raw_dir=self.settings.data.raw_dir,
                dead_letter_dir=self.settings.data.dead_letter_dir,
                run=run,
                full_refresh=full_refresh,
                on_progress=on_progress,
            )

    def compact(self, *, run: str, on_progress: Progress = no_progress) -> CompactResult:
        """Merge the small files of Iceberg's tables, and remove what no snapshot of the last day reads."""
        from clogs.spark.compact import compact as stage

        del run
        with self._session() as spark:
            raw_dir = self.settings.data.raw_dir
            return stage(spark, lens_of(self.settings), raw_dir=raw_dir, on_progress=on_progress)

    def compacting_pays(self) -> bool:
        """Return no: that takes minutes, and is left to a schedule of its own."""
        return False

    def prune(self, *, before: date, dry_run: bool = False) -> PruneResult:
        """Remove days, and build the models without them; what there is to remove, DuckDB says, too."""
        from clogs.spark.prune import prune as stage

        if dry_run:
            return DuckDBEngine(self.settings).prune(before=before, dry_run=True)
        lens, raw_dir = lens_of(self.settings), self.settings.data.raw_dir
        with self._session() as spark:
            result = stage(spark, lens, raw_dir=raw_dir, before=before)
        if result.rows and any(name.startswith("gold.") for name in lens.names()):
            self.transform()
        return result

    def current(self) -> set[Stage]:
        """Return nothing: Iceberg's snapshots show each stage what is new."""
        return set()

    def unchanged_transform(self) -> None:
        """Return None: only Spark can say whether there is something to follow."""

    def transform(
        self,
        *,
        select: Sequence[str] = (),
        full_refresh: bool = False,
        on_progress: Progress = no_progress,
    ) -> TransformResult:
        """Build the models."""
        from clogs.spark.transform import transform as stage

        with self._session() as spark:
            return stage(
                spark,
                lens_of(self.settings),
                models_of(self.settings),
                select=select,
                full_refresh=full_refresh,
                on_progress=on_progress,
            )

    def plan(self) -> PlanResult:
        """Return what a transform would do."""
        from clogs.spark.transform import plan as stage

        with self._session() as spark:
            return stage(spark, lens_of(self.settings), models_of(self.settings))

    def checkup(self) -> list[Finding]:
        """Check Spark, its catalog, and what the executors reach."""
        from clogs.health.findings import failures
        from clogs.spark.checkup import checkup as stage

        findings: list[Finding] = []
        with failures(findings, "spark"), self._session() as spark:
            lens, raw_dir = lens_of(self.settings), self.settings.data.raw_dir
            address = None if self.settings.source.paths else address_of(self.settings)
            findings += stage(spark, lens, raw_dir=raw_dir, address=address)
        return findings

    def _session(self) -> AbstractContextManager[Any]:
        from clogs.spark.session import spark_session

        return spark_session(spark_of(self.settings))


Engine = DuckDBEngine | SparkEngine
"""What an engine does. The caller holds the run lock wherever something is written."""


def engine_of(settings: Settings) -> Engine:
    """The engine that the settings name."""
    return SparkEngine(settings) if settings.engine.kind == "spark" else DuckDBEngine(settings)
