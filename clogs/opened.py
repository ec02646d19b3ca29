"""The collection, the warehouse and its models, as the settings name them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from clogs.resources import bundled

if TYPE_CHECKING:
    from clogs.mongo import Address
    from clogs.settings import Settings
    from clogs.transform import TransformSettings
    from clogs.warehouse import Connection


def address_of(settings: Settings) -> Address:
    """Where the collection is."""
    from clogs.mongo import Address

    return Address(settings.mongo.uri, settings.mongo.db, settings.mongo.collection)


@contextmanager
def open_warehouse(
    settings: Settings, *, read_only: bool = False, patience: timedelta | None = None
) -> Iterator[Connection]:
    """Open the warehouse that the settings name, with their patience. See `clogs.warehouse.connect`."""
    from clogs import warehouse

    with warehouse.connect(
        settings.duckdb.path,
        read_only=read_only,
        threads=settings.duckdb.threads,
        memory_limit=settings.duckdb.memory_limit,
        patience=settings.duckdb.lock_timeout if patience is None else patience,
    ) as connection:
        yield connection


def models_of(settings: Settings) -> TransformSettings:
    """What a transform needs to know."""
    from clogs.transform import TransformSettings

    return TransformSettings(
        warehouse=settings.duckdb.path,
        models_dir=bundled("transforms"),
        extra_models=settings.transform.extra_models,
        cache_dir=settings.data.state_dir / "sqlmesh",
        timezone=settings.transform.timezone,
        threads=settings.duckdb.threads,
        memory_limit=settings.duckdb.memory_limit,
        patience=settings.duckdb.lock_timeout,
    )
