"""The transform stage on a few small models: what it builds, how it fails, what it leaves behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from empty import config_in

from clogs import warehouse
from clogs.errors import ClogsError, DamagedWarehouseError, DataError, UsageError, WarehouseError
from clogs.transform import TransformResult, transform

SEED = """
MODEL (name bronze.seed_names, kind SEED (path '../seeds/names.csv'), columns (type TEXT, shown TEXT));
"""

STAGED = """
MODEL (name bronze.stg_entries, kind VIEW, description 'Entries.');
SELECT
  _id, -- Who it's.
  type, timestamp
FROM raw.conversations
"""

COUNTED = """
MODEL (
  name gold.fct_entries,
  kind FULL,
  description 'One row per entry.',
  audits (unique_combination_of_columns(columns := (entry_id)), not_null(columns := (entry_id)))
);
SELECT
  e._id AS entry_id, -- Which entry.
  s.shown, -- What it is called.
  hour(e.timestamp AT TIME ZONE @VAR('timezone')) AS hour -- Hour of the day.
FROM bronze.stg_entries AS e
LEFT JOIN bronze.seed_names AS s ON s.type = e.type
"""

SUMMED = """
MODEL (name gold.agg_entries, kind FULL);
SELECT COUNT(*) AS entries FROM gold.fct_entries
"""

ALL = ["bronze.seed_names", "bronze.stg_entries", "gold.fct_entries", "gold.agg_entries"]

Build = Callable[..., TransformResult]
Rows = list[tuple[object, ...]]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder of models and a seed."""
    folder = tmp_path / "it's models"
    (folder / "models").mkdir(parents=True)
    (folder / "seeds").mkdir()
    (folder / "seeds" / "names.csv").write_text("type,shown\nuser,Person\nassistant,Machine\n")
    for name, text in {"seed": SEED, "staged": STAGED, "counted": COUNTED, "summed": SUMMED}.items():
        (folder / "models" / f"{name}.sql").write_text(text)
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A warehouse of two entries, at 12 o'clock UTC."""
    path = tmp_path / "it's" / "clogs.duckdb"
    with warehouse.connect(path) as connection:
        warehouse.create_tables(connection)
    add(path, "1", "user")
    add(path, "2", "assistant")
    return path


@pytest.fixture
def build(file: Path, models: Path, tmp_path: Path) -> Build:
    """Transform that warehouse with those models."""

    def call(
        *,
        warehouse: Path = file,
        timezone: str = "UTC",
        **options: Any,  # noqa: ANN401
    ) -> TransformResult:
        config = config_in(
            tmp_path, warehouse=warehouse, models_dir=models, timezone=timezone, memory_limit="1GB"
        )
        return transform(config, **options)

    return call


def add(path: Path, identity: str, type_: str) -> None:
    execute(
        path,
        f"""INSERT INTO raw.conversations (_id, type, timestamp)
            VALUES ('{identity}', '{type_}', TIMESTAMPTZ '2026-03-04 12:00:00+00')""",
    )


def execute(path: Path, statement: str) -> None:
    with warehouse.connect(path) as connection:
        connection.execute(statement)


def entries(path: Path) -> Rows:
    with warehouse.connect(path, read_only=True) as connection:
        return connection.execute(
            "SELECT entry_id, shown, hour FROM gold.fct_entries ORDER BY entry_id"
        ).fetchall()


def count(path: Path) -> Rows:
    with warehouse.connect(path, read_only=True) as connection:
        return connection.execute("SELECT entries FROM gold.agg_entries").fetchall()


def change(folder: Path, name: str, old: str, new: str) -> None:
    """Edit a file and leave its modification time, as an upgrade may."""
    path = folder / name
    seen = path.stat()
    path.write_text(path.read_text().replace(old, new))
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def test_builds_in_dependency_order(build: Build, file: Path) -> None:
    result = build()

    assert [(model.name, model.rows) for model in result.models] == list(
        zip(ALL, [2, None, 2, 1], strict=True)
    )
    assert 0 <= sum(model.seconds for model in result.models) <= result.seconds
    assert entries(file) == [("1", "Person", 12), ("2", "Machine", 12)]
    assert count(file) == [(2,)]


def test_reports_each_model(build: Build) -> None:
    reported: list[tuple[int, int | None]] = []
    build(on_progress=lambda done, total: reported.append((done, total)))
    assert reported == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]


def test_prints_nothing_and_writes_nowhere_else(
    build: Build,
    models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    before = sorted(models.rglob("*"))

    build()

    assert capfd.readouterr() == ("", "")
    assert sorted(models.rglob("*")) == before
    assert list((tmp_path / "home").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "home", "it's", "it's models"]


def test_what_was_loaded_since_is_there(build: Build, file: Path) -> None:
    build()
    add(file, "3", "system")
    result = build()

    assert [model.name for model in result.models] == ALL[1:]
    assert entries(file) == [("1", "Person", 12), ("2", "Machine", 12), ("3", None, 12)]
    assert count(file) == [(3,)]


def test_nothing_new_changes_nothing(build: Build, file: Path) -> None:
    build()
    before = entries(file)
    build()
    assert entries(file) == before


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (("models/counted.sql", "s.shown,", "'x' AS shown,"), [("1", "x", 12), ("2", "x", 12)]),
        (("models/staged.sql", "conversations", "conversations WHERE _id = '2'"), [("2", "Machine", 12)]),
        (("seeds/names.csv", "Person", "Someone"), [("1", "Someone", 12), ("2", "Machine", 12)]),
    ],
)
def test_a_changed_definition_is_built(
    build: Build, file: Path, models: Path, edit: tuple[str, str, str], expected: Rows
) -> None:
    build()
    change(models, *edit)
    build(select=["agg_entries"])
    assert entries(file) == expected


def test_another_time_zone_moves_the_hours(build: Build, file: Path) -> None:
    build()
    build(timezone="Asia/Tokyo")
    assert entries(file) == [("1", "Person", 21), ("2", "Machine", 21)]


def test_only_what_is_selected_is_refreshed(build: Build, file: Path) -> None:
    build()
    add(file, "3", "user")
    result = build(select=["fct_entries"])

    assert [model.name for model in result.models] == ["gold.fct_entries"]
    assert len(entries(file)) == 3
    assert count(file) == [(2,)]

    build()
    assert count(file) == [(3,)]


@pytest.mark.parametrize("rebuilt", [{"full_refresh": True}, {"full_refresh": True, "select": ["gold.*"]}])
def test_a_full_refresh_equals_a_fresh_build(build: Build, file: Path, rebuilt: dict[str, object]) -> None:
    build()
    with warehouse.connect(file) as connection:
        ((table,),) = connection.execute(
            """SELECT schema_name || '.' || table_name FROM duckdb_tables()
               WHERE table_name LIKE 'gold__fct_entries%'"""
        ).fetchall()
        connection.execute(f"DELETE FROM {table}")
    build(**rebuilt)

    assert entries(file) == [("1", "Person", 12), ("2", "Machine", 12)]
    assert count(file) == [(2,)]


def test_what_was_dropped_by_hand_comes_back(build: Build, file: Path) -> None:
    build()
    execute(file, "DROP SCHEMA gold CASCADE")
    build()
    assert entries(file) == [("1", "Person", 12), ("2", "Machine", 12)]


def test_a_clock_set_back_hides_nothing(build: Build, file: Path) -> None:
    build()
    build()
    execute(file, "UPDATE sqlmesh._intervals SET end_ts = end_ts + 1000000000000")
    add(file, "3", "user")
    build()
    assert count(file) == [(3,)]


def test_gold_is_readable_under_any_name(build: Build, file: Path, tmp_path: Path) -> None:
    build()
    renamed = tmp_path / "else.duckdb"
    shutil.copy(file, renamed)

    assert entries(renamed) == [("1", "Person", 12), ("2", "Machine", 12)]
    with warehouse.connect(tmp_path / "mine.duckdb") as connection:
        connection.execute(f"ATTACH '{renamed}' AS theirs (READ_ONLY)")
        assert connection.execute("SELECT count(*) FROM theirs.gold.fct_entries").fetchall() == [(2,)]
        assert connection.execute("SELECT count(*) FROM theirs.bronze.stg_entries").fetchall() == [(2,)]


def test_a_renamed_warehouse_is_not_built_anew(build: Build, file: Path, tmp_path: Path) -> None:
    build()
    renamed = file.rename(tmp_path / "else.duckdb")
    result = build(warehouse=renamed)
    assert [model.name for model in result.models] == ALL[1:]


def test_descriptions_reach_the_views(build: Build, file: Path) -> None:
    build()
    query = """
        SELECT comment FROM duckdb_views() WHERE schema_name = 'gold' AND comment IS NOT NULL
        UNION ALL
        SELECT comment FROM duckdb_columns() WHERE table_name = 'stg_entries' AND comment IS NOT NULL
    """
    with warehouse.connect(file, read_only=True) as connection:
        assert connection.execute(query).fetchall() == [("One row per entry.",), ("Who it's.",)]


def test_a_failed_audit_says_where_and_which(build: Build, file: Path) -> None:
    build()
    for identity in "abcdefg":
        add(file, identity, "user")
        add(file, identity, "user")

    with pytest.raises(DataError) as caught:
        build()

    message, _, keys = caught.value.message.rpartition(": ")
    assert message == "7 rows fail the audit unique_combination_of_columns of gold.fct_entries"
    assert set(keys.rstrip(".").split(", ")) < set("abcdefg")
    assert len(keys.split(", ")) == 5
    assert count(file) == [(2,)]


def test_after_a_failed_audit_good_data_heals(build: Build, file: Path) -> None:
    add(file, "2", "user")
    with pytest.raises(DataError):
        build()
    execute(file, "DELETE FROM raw.conversations WHERE _id = '2'")
    build()
    assert entries(file) == [("1", "Person", 12)]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("hour(e.timestamp", "hour(e._id", "gold.fct_entries could not be built: "),
        ("SELECT\n  e._id", "SELEKT\n  e._id", "SQLMesh cannot use the models in "),
        ("FROM bronze.stg_entries AS e", "FROM raw.nowhere AS e", "gold.fct_entries could not be built: "),
    ],
)
def test_a_broken_model_is_named(build: Build, models: Path, old: str, new: str, reason: str) -> None:
    change(models, "models/counted.sql", old, new)
    with pytest.raises(ClogsError, match=reason) as caught:
        build()
    assert "\n" not in caught.value.message


def test_after_a_signal_no_other_model_is_built(
    build: Build, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(models, "models/counted.sql", "hour(e.timestamp", "hour(e._id")
    monkeypatch.setattr("clogs.transform.context.was_stopped", lambda: True)
    with pytest.raises(KeyboardInterrupt):
        build()


def test_a_damaged_file_is_no_fault_of_a_model(build: Build, file: Path) -> None:
    with warehouse.connect(file) as connection:
        connection.execute("FORCE CHECKPOINT")
        asked = "SELECT block_id FROM pragma_storage_info('raw.conversations') WHERE column_name = '_id'"
        ((block,), *_) = connection.execute(asked).fetchall()
    with file.open("r+b") as content:
        content.seek(3 * 4096 + block * 262_144)
        content.write(b"torn" * 1000)
    with pytest.raises(DamagedWarehouseError, match=r"is damaged \(.*Corrupt database file"):
        build()


@pytest.mark.parametrize("broken", ["hour(e._id", "SELEKT(e.timestamp"])
def test_a_broken_model_leaves_what_stood(build: Build, file: Path, models: Path, broken: str) -> None:
    build()
    change(models, "models/counted.sql", "hour(e.timestamp", broken)
    with pytest.raises(ClogsError):
        build()
    assert entries(file) == [("1", "Person", 12), ("2", "Machine", 12)]

    change(models, "models/counted.sql", broken, "hour(e.timestamp")
    add(file, "3", "user")
    build()
    assert count(file) == [(3,)]


def test_there_must_be_a_warehouse(build: Build, file: Path) -> None:
    file.unlink()
    with pytest.raises(ClogsError, match=r"The warehouse .* does not exist yet"):
        build()


def test_there_must_be_conversations(build: Build, file: Path) -> None:
    execute(file, "DROP TABLE raw.conversations")
    with pytest.raises(ClogsError, match="Nothing is loaded yet"):
        build()


def test_the_warehouse_must_be_one(build: Build, file: Path) -> None:
    file.write_text("no database " * 1000)
    with pytest.raises(WarehouseError, match="is not a DuckDB file"):
        build()


KILLED = """
import os, signal, sys
from pathlib import Path
from clogs.transform import TransformConfig, transform

def die(done, total):
    if total - done == int(sys.argv[4]):
        os.kill(os.getpid(), signal.SIGKILL)

file, models, cache = map(Path, sys.argv[1:4])
settings = {"timezone": "UTC", "threads": 1, "warehouse": file, "models_dir": models, "cache_dir": cache}
transform(TransformConfig(**settings), on_progress=die)
"""


@pytest.mark.parametrize("left", [2, 0])
def test_killed_the_next_one_ends_right(
    build: Build, file: Path, models: Path, tmp_path: Path, left: int
) -> None:
    arguments = [sys.executable, "-c", KILLED, str(file), str(models), str(tmp_path / "cache"), str(left)]

    first = subprocess.run(arguments, check=False)
    build()
    assert entries(file) == [("1", "Person", 12), ("2", "Machine", 12)]

    add(file, "3", "user")
    second = subprocess.run(arguments, check=False)
    build()
    assert entries(file) == [("1", "Person", 12), ("2", "Machine", 12), ("3", "Person", 12)]
    assert count(file) == [(3,)]
    assert (first.returncode, second.returncode) == (-signal.SIGKILL, -signal.SIGKILL)


def test_a_selection_of_nothing_frees_the_warehouse(build: Build, file: Path) -> None:
    with pytest.raises(UsageError, match="No model matches"):
        build(select=["fct_nothing"])
    add(file, "3", "user")
