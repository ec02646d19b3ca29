"""The stages, called with the settings; each function imports what it needs when it is called.

The caller holds the run lock wherever something is written, but `import_files` takes it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from clogs.pipeline import checkpoints
from clogs.pipeline.engines import engine_of
from clogs.pipeline.wiring import (
    address_of,
    connected,
    extract_job,
    extraction_dir,
    models_of,
    open_warehouse,
)
from clogs.runs.lock import run_lock
from clogs.runs.records import new_run
from clogs.terminal.progress import Progress, no_progress

if TYPE_CHECKING:
    from clogs.checks.results import CheckResult, PastResult
    from clogs.extract import ExtractResult
    from clogs.health.findings import Finding
    from clogs.health.reader import Status
    from clogs.settings import Settings
    from clogs.transcripts.importer import ImportResult
    from clogs.validate import ValidateResult

logger = logging.getLogger(__name__)


def import_files(
    settings: Settings,
    paths: Sequence[Path],
    *,
    user: str | None = None,
    machine: str | None = None,
    retry_connect: bool = False,
    on_progress: Progress = no_progress,
) -> ImportResult:
    """Put Claude Code's own files into the collection; names are as in `clogs.transcripts.origin`."""
    from clogs.transcripts.find import find
    from clogs.transcripts.importer import import_transcripts
    from clogs.transcripts.origin import origin

    transcripts = find(paths)
    lock = run_lock(settings.data.state_dir, command="import")
    with lock, connected(settings, retry_connect=retry_connect) as collection:
        return import_transcripts(
            collection,
            transcripts,
            origin=origin(user=user, machine=machine),
            watermark_field=settings.pipeline.watermark_field,
            state_dir=settings.data.state_dir,
            dead_letter_dir=settings.data.dead_letter_dir,
            run=new_run(),
            max_rejected=settings.quality.max_rejected,
            on_progress=on_progress,
        )


def extract(
    settings: Settings,
    *,
    run: str,
    full_backfill: bool = False,
    since: datetime | None = None,
    limit: int | None = None,
    dry_run: bool = False,
    reconcile: bool = False,
    retry_connect: bool = False,
    confirm: Callable[[str], bool] | None = None,
    on_progress: Progress = no_progress,
) -> ExtractResult:
    """Land what is new; for `retry_connect` see `clogs.pipeline.wiring.connected`."""
    if settings.source.paths:
        from clogs.extract import extract_transcripts
        from clogs.transcripts.find import find

        return extract_transcripts(
            find(settings.source.paths),
            extract_job(settings, run=run),
            full_backfill=full_backfill,
            dry_run=dry_run,
            on_progress=on_progress,
        )
    with connected(settings, retry_connect=retry_connect) as source:
        # only now: the driver's threads take half a second to end, and the imports are part of it
        from clogs import extract as stage

        return stage.extract(
            source,
            extract_job(settings, run=run),
            full_backfill=full_backfill,
            since=since,
            limit=limit,
            dry_run=dry_run,
            reconcile_days=settings.pipeline.reconcile_days if reconcile else None,
            confirm=confirm,
            land_ranges=engine_of(settings).land_ranges,
            on_progress=on_progress,
        )


def has_landed(settings: Settings) -> bool:
    """Return whether there is any landing file."""
    from clogs.landing.files import landed

    return any(landed(settings.data.raw_dir))


def validate(
    settings: Settings,
    *,
    run: str,
    layers: Sequence[str] = (),
    only_changed: bool = False,
    on_progress: Progress = no_progress,
) -> ValidateResult:
    """Check the warehouse, and keep the results. See `clogs.validate.validate`."""
    from clogs.validate import validate as stage
    from clogs.warehouse import require_file

    require_file(settings.duckdb.path)
    with open_warehouse(settings) as connection:
        result = stage(
            connection,
            run=run,
            layers=layers,
            only_changed=only_changed,
            overrides=settings.quality.checks,
            max_age=settings.quality.max_age,
            on_progress=on_progress,
        )
        if not (layers or result.ended("failed")):
            checkpoints.mark(settings, connection, "validate")
    return result


def check_history(settings: Settings) -> dict[str, list[PastResult]]:
    """Read how the checks ended in the last validations."""
    from clogs.validate import check_history as read

    with open_warehouse(settings, read_only=True) as connection:
        return read(connection)


def build_docs(settings: Settings, folder: Path, checks: Sequence[CheckResult]) -> Path:
    """Write the page about all tables, and return its path."""
    from clogs.datadocs.page import build
    from clogs.transform import lineage

    models, past = lineage(models_of(settings)), check_history(settings)
    with open_warehouse(settings, read_only=True) as connection:
        return build(
            connection, models=models, checks=checks, check_history=past, folder=folder, at=datetime.now(UTC)
        )


def status(settings: Settings) -> Status:
    """Read how things stand. See `clogs.health.reader.read_status`."""
    from clogs.health.reader import read_status

    return read_status(
        address_of(settings),
        settings.source.paths,
        watermark_field=settings.pipeline.watermark_field,
        source_mode=settings.pipeline.source_mode,
        raw_dir=settings.data.raw_dir,
        dead_letter_dir=settings.data.dead_letter_dir,
        state_dir=settings.data.state_dir,
        extraction_dir=extraction_dir(settings),
        warehouse_path=settings.duckdb.path,
    )


def checkup(settings: Settings) -> list[Finding]:
    """Check everything a run needs. See `clogs.health.doctor.checkup`."""
    from clogs.health import doctor
    from clogs.prices import newest_day

    data = settings.data
    folders = {name: getattr(data, name) for name in ("dir", "raw_dir", "dead_letter_dir", "state_dir")}
    found = doctor.checkup(
        address_of(settings),
        settings.source.paths,
        watermark_field=settings.pipeline.watermark_field,
        source_mode=settings.pipeline.source_mode,
        lookback=settings.pipeline.lookback,
        raw_dir=data.raw_dir,
        folders={f"data.{name}": path for name, path in folders.items() if isinstance(path, Path)},
        warehouse_path=settings.duckdb.path,
        newest_price=newest_day(models_of(settings).price_list),
    )
    return found + engine_of(settings).checkup()
