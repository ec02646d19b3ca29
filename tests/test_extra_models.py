"""Models of somebody's own: built after the others, kept whatever becomes of these, and no danger to them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from built import fill
from conftest import PROJECT, new_workspace
from empty import config_in, empty_warehouse
from test_by_change import ENTRIES, MODELS, load, rows, spoil

from clogs import warehouse
from clogs.errors import ClogsError, ModelsError
from clogs.transform import PlanResult, TransformConfig, plan, transform

pytestmark = pytest.mark.slow

MINE = """
MODEL (name mine.busiest, kind FULL, audits (not_null(columns := (session))));
SELECT session FROM gold.sessions ORDER BY entries DESC LIMIT 1
"""

Settings = Callable[..., TransformConfig]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = empty_warehouse(tmp_path)
    load(path, ("a1", "a"), ("a2", "a"), ("b1", "b"))
    return path


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    return written(tmp_path / "ours", MODELS)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return written(tmp_path / "mine", {"busiest": MINE})


@pytest.fixture
def settings(file: Path, ours: Path) -> Settings:
    def make(extra_models: Path | None = None) -> TransformConfig:
        return config_in(file.parent, models_dir=ours, extra_models=extra_models)

    return make


def written(folder: Path, models: dict[str, str]) -> Path:
    """A folder of models."""
    (folder / "models").mkdir(parents=True)
    for name, text in models.items():
        (folder / "models" / f"{name}.sql").write_text(text)
    return folder


def planned(result: PlanResult) -> list[tuple[str, str]]:
    return [(model.name, model.change) for model in result.models]


def test_they_are_built_after_ours(settings: Settings, file: Path, mine: Path) -> None:
    built = [model.name for model in transform(settings(mine)).models]
    assert built.index("mine.busiest") > built.index("gold.sessions")
    assert rows(file, "FROM mine.busiest") == [("a",)]

    load(file, ("b2", "b"), ("b3", "b"))
    transform(settings(mine))
    assert rows(file, "FROM mine.busiest") == [("b",)]


def test_their_names_may_need_quotes(settings: Settings, file: Path, tmp_path: Path) -> None:
    text = """
        MODEL (name mine."my-model", kind FULL, column_descriptions ("a-b" = 'Rows.'));
        SELECT count(*) AS "a-b" FROM gold.sessions
    """
    for folder in (mine := written(tmp_path / "quoted", {"quoted": text}), mine, None):
        transform(settings(folder))
        found = rows(file, "SELECT schema_name, view_name FROM duckdb_views() WHERE schema_name = 'mine'")
        assert found == ([("mine", "my-model")] if folder else [])


def test_they_outlive_an_upgrade(settings: Settings, file: Path, ours: Path, mine: Path) -> None:
    transform(settings(mine))
    (ours / "models" / "entries.sql").write_text(ENTRIES.replace("1 AS one", "7 AS one"))
    (ours / "models" / "total.sql").unlink()
    transform(settings(mine))
    assert rows(file, "FROM mine.busiest") == [("a",)]
    assert rows(file, "SELECT entries FROM gold.sessions ORDER BY session") == [(14,), (7,)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("MODEL (name mine.busiest, kind FULL); SELECT session FROM", "SQLMesh cannot use the models"),
        ("MODEL (name mine.busiest, kind FULL); SELECT nothing FROM gold.sessions", r"mine\.busiest"),
        (
            "MODEL (name mine.busiest, kind FULL); SELECT CAST(session AS INT) AS s FROM gold.sessions",
            r"mine\.busiest",
        ),
        (MINE.replace("SELECT session", "SELECT NULL::TEXT AS session"), r"audit not_null of mine\.busiest"),
    ],
)
def test_a_broken_one_keeps_nothing_from_ours(
    settings: Settings, file: Path, mine: Path, text: str, reason: str
) -> None:
    transform(settings(mine))
    (mine / "models" / "busiest.sql").write_text(text)
    load(file, ("b2", "b"), ("b3", "b"))
    with pytest.raises(ClogsError, match=reason):
        transform(settings(mine))
    assert rows(file, "SELECT entries FROM gold.sessions ORDER BY session") == [(2,), (3,)]
    assert rows(file, "FROM mine.busiest") == [("a",)]

    (mine / "models" / "busiest.sql").write_text(MINE)
    transform(settings(mine))
    assert rows(file, "FROM mine.busiest") == [("b",)]


def test_a_broken_one_keeps_no_full_refresh_from_ours(settings: Settings, file: Path, mine: Path) -> None:
    transform(settings(mine))
    (mine / "models" / "busiest.sql").write_text("MODEL (name mine.busiest, kind FULL); SELECT session FROM")
    spoil(file, "sessions")
    with pytest.raises(ModelsError):
        transform(settings(mine), full_refresh=True)
    assert rows(file, "SELECT entries FROM gold.sessions ORDER BY session") == [(2,), (1,)]
    assert rows(file, "FROM mine.busiest") == [("a",)]


def test_a_broken_one_keeps_no_new_definition_from_ours(
    settings: Settings, file: Path, ours: Path, mine: Path
) -> None:
    transform(settings(mine))
    (mine / "models" / "busiest.sql").write_text(MINE.replace("SELECT session", "SELECT nothing AS session"))
    (ours / "models" / "entries.sql").write_text(ENTRIES.replace("1 AS one", "7 AS one"))
    with pytest.raises(ClogsError, match=r"mine\.busiest"):
        transform(settings(mine))
    assert rows(file, "SELECT entries FROM gold.sessions ORDER BY session") == [(14,), (7,)]


def test_without_them_their_views_go(settings: Settings, file: Path, mine: Path) -> None:
    transform(settings(mine))
    transform(settings())
    assert rows(file, "SELECT view_name FROM duckdb_views() WHERE schema_name = 'mine'") == []


def test_there_must_be_some(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match="has no folder of models"):
        settings(tmp_path / "nowhere")


def test_a_plan_builds_nothing(settings: Settings, file: Path) -> None:
    result = plan(settings())
    assert planned(result) == [
        ("silver.entries", "new"), ("gold.roles", "new"), ("gold.sessions", "new"), ("gold.total", "new"),
    ]  # fmt: skip
    assert rows(file, "SELECT count(*) FROM duckdb_views() WHERE schema_name = 'gold'") == [(0,)]


def test_a_plan_tells_what_changed(settings: Settings, file: Path, ours: Path, mine: Path) -> None:
    transform(settings(mine))
    assert planned(plan(settings(mine))) == []
    (ours / "models" / "sessions.sql").write_text(MODELS["sessions"].replace("MIN(role)", "MAX(role)"))
    (ours / "models" / "roles.sql").unlink()
    load(file, ("b2", "b"), ("b3", "b"))

    result = plan(settings(mine))

    assert planned(result) == [
        ("gold.sessions", "changed"),
        ("gold.total", "follows a changed model"),
        ("mine.busiest", "follows a changed model"),
        ("gold.roles", "removed"),
    ]
    assert result.documents == 2


def test_a_plan_tells_that_anything_may_have_changed(settings: Settings, file: Path) -> None:
    transform(settings())
    with warehouse.connect(file) as connection:
        warehouse.note_everything(connection)
    assert plan(settings()).documents is None


def test_the_example_of_the_docs_works(tmp_path: Path) -> None:
    text = (PROJECT / "docs" / "own-models.md").read_text(encoding="utf-8")
    ((model),) = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    workspace = fill(new_workspace(tmp_path, "mongodb://127.0.0.1:9", "none"))
    workspace.environment["TRANSFORM_EXTRA_MODELS"] = str(written(tmp_path / "mine", {"nights": model}))
    planned = workspace.run("transform", "--plan")
    built = workspace.run("transform")
    found = workspace.run("query", "SELECT count(*) > 0 AS found FROM mine.nights", "--format", "csv")
    assert (planned.returncode, built.returncode) == (0, 0)
    assert "mine.nights  new" in planned.stdout
    assert found.stdout == "found\ntrue\n"
