"""An empty warehouse in a folder, and the settings that build our models on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clogs import warehouse
from clogs.files import bundled
from clogs.transform import TransformConfig


def empty_warehouse(folder: Path) -> Path:
    """Create a warehouse without a row."""
    path = folder / "w.duckdb"
    with warehouse.connect(path) as connection:
        warehouse.create_tables(connection)
    return path


def config_in(folder: Path, **options: Any) -> TransformConfig:  # noqa: ANN401  # settings of all types
    """Settings for the warehouse in a folder."""
    settings: dict[str, Any] = {
        "warehouse": folder / "w.duckdb",
        "models_dir": bundled("transforms"),
        "cache_dir": folder / "cache",
        "timezone": "UTC",
        "threads": 2,
    }
    return TransformConfig(**settings | options)
