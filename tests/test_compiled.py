"""Runs that follow changes with the compiled models, and when SQLMesh compiles them anew."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from empty import config_in, empty_warehouse
from test_by_change import MODELS, load, rows, sessions
from test_extra_models import written

from clogs import warehouse
from clogs.errors import ClogsError
from clogs.transform import TransformConfig, compiled, plan, transform

pytestmark = pytest.mark.slow

NOTED = """
MODEL (name mine.noted, kind {kind});
{before}
SELECT session, {column} AS noted FROM gold.sessions
"""


@pytest.fixture
def config(tmp_path: Path) -> TransformConfig:
    """Two sessions, transformed once."""
    load(empty_warehouse(tmp_path), ("a1", "a"), ("a2", "a"), ("b1", "b"))
    found = config_in(tmp_path, models_dir=written(tmp_path / "ours", MODELS))
    transform(found)
    return found


@pytest.fixture
def file(config: TransformConfig) -> Path:
    return config.cache_dir / "compiled"


def is_compiled(config: TransformConfig) -> bool:
    with warehouse.connect(config.warehouse) as connection:
        return compiled.read(config, connection) is not None


def test_after_a_hundred_runs_a_plan_sees_no_difference(config: TransformConfig, file: Path) -> None:
    before = file.read_bytes()
    for number in range(100):
        load(config.warehouse, (f"c{number}", "c"))
        transform(config)
    assert file.read_bytes() == before
    assert (plan(config).models, plan(config).documents) == ((), 0)
    expected = [("a", 2), ("b", 1), ("c", 100)]
    assert sessions(config.warehouse) == expected
    transform(config, full_refresh=True)
    assert sessions(config.warehouse) == expected


def damage(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"session_id", b"session_ID", 1))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100])


def build_elsewhere(file: Path) -> None:
    (file.parent.parent / "w.duckdb").unlink()
    load(empty_warehouse(file.parent.parent), ("a1", "a"), ("a2", "a"), ("b1", "b"))


def apply_another_plan(file: Path) -> None:
    kept, folder = file.read_bytes(), file.parent.parent
    path = folder / "ours" / "models" / "sessions.sql"
    path.write_text(MODELS["sessions"].replace("MIN(role)", "MAX(role)"))
    transform(config_in(folder, models_dir=folder / "ours"))
    path.write_text(MODELS["sessions"])
    file.write_bytes(kept)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (damage, "is damaged, or of other models, settings or versions."),
        (cut, "is damaged, or of other models, settings or versions."),
        (build_elsewhere, "is of another warehouse, or another plan was applied to this one."),
        (apply_another_plan, "is of another warehouse, or another plan was applied to this one."),
        (Path.unlink, "does not exist."),
    ],
)
def test_what_does_not_hold_is_compiled_anew(
    config: TransformConfig,
    file: Path,
    caplog: pytest.LogCaptureFixture,
    spoil: Callable[[Path], None],
    reason: str,
) -> None:
    spoil(file)
    load(config.warehouse, ("b2", "b"))
    with caplog.at_level(logging.DEBUG, logger="clogs.transform"):
        caplog.clear()
        transform(config)
    (record,) = (each for each in caplog.records if each.name == "clogs.transform.compiled")
    assert (record.levelname, record.message.endswith(reason)) == ("DEBUG", True)
    assert sessions(config.warehouse) == [("a", 2), ("b", 2)]
    assert is_compiled(config)


def test_another_version_compiles_anew(config: TransformConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_compiled(config)
    monkeypatch.setattr(compiled, "__version__", "0.0.0")
    assert not is_compiled(config)


def test_other_settings_and_models_compile_anew(config: TransformConfig, tmp_path: Path) -> None:
    mine = written(tmp_path / "mine", {"noted": NOTED.format(kind="FULL", before="", column="1")})
    assert not is_compiled(config_in(tmp_path, models_dir=config.models_dir, timezone="Asia/Tokyo"))
    assert not is_compiled(config_in(tmp_path, models_dir=config.models_dir, extra_models=mine))


def test_a_copy_of_the_warehouse_needs_no_plan(config: TransformConfig, tmp_path: Path) -> None:
    shutil.copy(config.warehouse, tmp_path / "else.duckdb")
    other = config_in(tmp_path, models_dir=config.models_dir, warehouse=tmp_path / "else.duckdb")
    load(other.warehouse, ("b2", "b"))
    assert is_compiled(other)
    transform(other)
    assert sessions(other.warehouse) == [("a", 2), ("b", 2)]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({"kind": "FULL", "before": "", "column": "entries"}, True),
        ({"kind": "VIEW", "before": "", "column": "entries"}, True),
        ({"kind": "FULL", "before": "", "column": "@execution_ds"}, False),
        ({"kind": "FULL", "before": "SET VARIABLE one = 1;", "column": "entries"}, False),
        (
            {
                "kind": "INCREMENTAL_BY_UNIQUE_KEY (unique_key session)",
                "before": "",
                "column": "entries",
            },
            False,
        ),
    ],
)
def test_only_what_plain_sql_can_say_is_compiled(
    config: TransformConfig,
    tmp_path: Path,
    model: dict[str, str],
    expected: bool,  # noqa: FBT001
) -> None:
    mine = written(tmp_path / "mine", {"noted": NOTED.format(**model)})
    config = config_in(tmp_path, models_dir=config.models_dir, extra_models=mine)
    transform(config)
    assert is_compiled(config) == expected
    load(config.warehouse, ("b2", "b"), ("b3", "b"))
    transform(config)
    assert rows(config.warehouse, "SELECT session FROM mine.noted ORDER BY 1") == [("a",), ("b",)]
    assert sessions(config.warehouse) == [("a", 2), ("b", 3)]


def test_a_failed_run_hands_over_to_sqlmesh(config: TransformConfig, file: Path) -> None:
    load(config.warehouse, ("c1", "c"), role=None)
    with pytest.raises(ClogsError, match=r"1 row fails the audit not_null of gold\.sessions: c\."):
        transform(config)
    assert not file.exists()
    assert sessions(config.warehouse) == [("a", 2), ("b", 1)]
    load(config.warehouse, ("c1", "c"))
    transform(config)
    assert sessions(config.warehouse) == [("a", 2), ("b", 1), ("c", 1)]
    assert is_compiled(config)
