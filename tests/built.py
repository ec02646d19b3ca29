"""The sample transcripts, imported and run through the whole pipeline once, for tests to copy."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from conftest import Workspace, new_workspace
from empty import config_in, empty_warehouse
from following import rows_of

from clogs import warehouse
from clogs.commands.demo_server import mongo_server
from clogs.files import bundled
from clogs.transform import transform

SAMPLES = bundled("samples")


def fill(workspace: Workspace) -> Workspace:
    """Give a workspace the landing, the warehouse and the state of a finished pipeline."""
    shutil.copytree(_built(), data_of(workspace))
    return workspace


def data_of(workspace: Workspace) -> Path:
    """The folder that a workspace's runs keep their data in."""
    return Path(workspace.environment["DATA_DIR"])


def warehouse_of(workspace: Workspace) -> Path:
    """Its warehouse."""
    return data_of(workspace) / "clogs.duckdb"


def build(transcripts: Path, place: Path, **options: Any) -> Path:  # noqa: ANN401  # settings of all types
    """Build a warehouse of transcripts without a server or landing; see `build_rows`."""
    return build_rows(rows_of(transcripts, place), place, **options)


def build_rows(rows: Path, place: Path, **options: Any) -> Path:  # noqa: ANN401  # settings of all types
    """Build a warehouse of the rows of ``raw.conversations``, ``w.duckdb``; options as `config_in`'s."""
    with warehouse.connect(empty_warehouse(place)) as connection:
        connection.execute(f"INSERT INTO raw.conversations BY NAME FROM read_parquet('{rows}')")
    transform(config_in(place, **options))
    return place / "w.duckdb"


@cache
def _built() -> Path:
    shared = Path(os.environ["CLOGS_TEST_BUILT"], "data") if "CLOGS_TEST_BUILT" in os.environ else None
    if shared and shared.is_dir():
        return shared
    root = Path(tempfile.mkdtemp(prefix="clogs-built-"))
    atexit.register(shutil.rmtree, root)
    with mongo_server() as uri:
        workspace = new_workspace(root, uri, "conversations")
        workspace.run("import", SAMPLES).check_returncode()
        workspace.run("pipeline").check_returncode()
    if shared:
        aside = shared.with_name(root.name)
        shutil.copytree(data_of(workspace), aside)
        with suppress(OSError):  # another worker was faster
            aside.rename(shared)
    return data_of(workspace)
