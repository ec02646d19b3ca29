"""What each stage has passed on, so that it can be skipped while nothing has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clogs import __version__
from clogs.pipeline.wiring import models_of, open_warehouse

if TYPE_CHECKING:
    from clogs.settings import Settings
    from clogs.warehouse import Connection


def forget_passed(settings: Settings) -> None:
    """Let every stage run again. Before any model changes: what is killed half-way has passed on nothing."""
    from clogs import warehouse

    if settings.duckdb.path.exists():
        with open_warehouse(settings) as connection:
            warehouse.forget_passed(connection)


def passed(settings: Settings) -> frozenset[str]:
    """Which of ``transform`` and ``validate`` have passed on just what the warehouse holds now."""
    from clogs import warehouse

    if not settings.duckdb.path.exists():
        return frozenset()
    with open_warehouse(settings, read_only=True) as connection:
        if not warehouse.has_tables(connection):
            return frozenset()
        fingerprints = _fingerprints(settings, connection).items()
        return frozenset(
            stage for stage, each in fingerprints if warehouse.has_passed(connection, stage, each)
        )


def mark_passed(settings: Settings, stage: str) -> None:
    """Note that a stage has passed on what the warehouse holds now."""
    from clogs import warehouse

    with open_warehouse(settings) as connection:
        warehouse.mark_passed(connection, stage, _fingerprints(settings, connection)[stage])


def _fingerprints(settings: Settings, connection: Connection) -> dict[str, str]:
    """All that a stage's outcome depends on: the loads, the models, the settings and this version."""
    from clogs import warehouse
    from clogs.transform import digest_of

    models = digest_of(models_of(settings).folders)
    built = " | ".join([__version__, settings.transform.timezone, models, warehouse.loaded(connection)])
    return {"transform": built, "validate": f"{built} | {settings.quality}"}
