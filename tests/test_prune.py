"""Days before a date leave the landing folder and the warehouse for good, and no other day does."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from built import data_of, fill, warehouse_of
from conftest import Workspace, in_terminal, landed_in
from test_load import DAY, Folder, row

from clogs import warehouse
from clogs.errors import DataError
from clogs.landing.prune import PruneResult, prune
from clogs.landing.seen import scan_pruned

EVE = DAY - timedelta(days=1)
LONG_AGO = date(2025, 12, 31)
BEFORE = DAY.isoformat()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def pruned(folder: Folder, *, before: date = DAY, dry_run: bool = False) -> PruneResult:
    with warehouse.connect(folder.root / "clogs.duckdb", read_only=dry_run) as connection:
        return prune(connection, raw_dir=folder.root / "landing", before=before, dry_run=dry_run)


def counts(result: PruneResult) -> tuple[int, int, int]:
    return result.days, result.rows, result.files


def files(folder: Folder) -> list[Path]:
    return list(landed_in(folder.root / "landing"))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def everything(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def three_days(folder: Folder) -> list[Path]:
    """Four loaded files: two of days before, one of the day, one of the day after."""
    paths = folder.land(
        row("old", day=LONG_AGO), row("eve", day=EVE), row("day"), row("after", day=DAY + timedelta(days=1))
    )
    folder.load()
    return paths


def test_rows_and_files_of_days_before_are_gone_and_the_day_itself_stays(folder: Folder) -> None:
    *old, day, after = three_days(folder)
    size = sum(path.stat().st_size for path in old)
    result = pruned(folder)
    assert (counts(result), result.bytes, result.before, result.dry_run) == ((2, 2, 2), size, DAY, False)
    assert folder.versions().keys() == {"day", "after"}
    assert files(folder) == [day, after]
    assert names(folder.root / "landing") == ["date=2026-03-04", "date=2026-03-05", "pruned"]
    (kept,) = map(pl.read_parquet, (folder.root / "landing" / "pruned").glob(f"before_{DAY}_*.parquet"))
    assert set(kept["_id"]) == {"old", "eve"}
    assert folder.statuses() == ["pruned", "pruned", "landed", "landed"]


def test_a_folder_with_something_else_in_it_stays(folder: Folder) -> None:
    old, *_ = three_days(folder)
    note = old.with_name("note.txt")
    note.write_text("mine")
    pruned(folder)
    assert names(old.parent) == ["note.txt"]


def test_what_a_killed_run_left_half_written_does_not_keep_a_folder(folder: Folder) -> None:
    old, *_ = three_days(folder)
    old.with_name(".writing-1-abcd").write_bytes(b"half")
    pruned(folder)
    assert not old.parent.exists()


def test_a_file_that_vanished_is_pruned_too(folder: Folder) -> None:
    old, *_ = three_days(folder)
    old.unlink()
    folder.load()
    assert counts(pruned(folder)) == (2, 2, 1)
    assert folder.statuses() == ["pruned", "pruned", "landed", "landed"]
    assert folder.load().missing == 0


def test_a_file_that_was_changed_is_removed_too(folder: Folder) -> None:
    old, *_ = three_days(folder)
    old.write_bytes(b"changed")
    assert counts(pruned(folder)) == (2, 2, 2)
    assert not old.exists()
    assert folder.load().files == 0


@pytest.mark.parametrize("full_refresh", [False, True])
def test_no_load_brings_them_back(folder: Folder, *, full_refresh: bool) -> None:
    three_days(folder)
    pruned(folder)
    result = folder.load(full_refresh=full_refresh)
    assert (result.missing, result.total) == (0, 2)
    assert folder.versions().keys() == {"day", "after"}


def test_another_file_of_a_pruned_name_is_an_error_and_stays_where_it_is(folder: Folder) -> None:
    (path,) = folder.land(row("a", day=EVE))
    folder.load()
    pruned(folder)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"something else")
    with pytest.raises(DataError, match=f"changed after being loaded: .*{path.name}"):
        folder.load()
    assert path.read_bytes() == b"something else"


def test_a_document_that_moved_to_a_day_that_stays_is_kept(folder: Folder) -> None:
    folder.land(row("moved", 1, day=EVE))
    folder.land(row("moved", 2))
    folder.load()
    assert counts(pruned(folder)) == (1, 0, 1)
    folder.load(full_refresh=True)
    assert folder.versions() == {"moved": "version 2"}


def test_files_of_these_days_that_are_not_loaded_yet_are_never_loaded(folder: Folder) -> None:
    three_days(folder)
    (new,) = folder.land(row("new", day=EVE))
    assert counts(pruned(folder)) == (2, 2, 3)
    assert not new.exists()
    assert "new" in set(scan_pruned(folder.root / "landing").collect()["_id"])
    assert folder.load().files == 0
    assert folder.versions().keys() == {"day", "after"}


def test_files_of_other_days_that_are_not_loaded_yet_are_loaded_later(folder: Folder) -> None:
    three_days(folder)
    folder.land(row("new"))
    pruned(folder)
    assert folder.load().files == 1
    assert folder.versions().keys() == {"day", "after", "new"}


def test_a_dry_run_counts_the_same_and_changes_nothing(folder: Folder) -> None:
    three_days(folder)
    folder.land(row("new", day=EVE))
    before = everything(folder.root)
    result = pruned(folder, dry_run=True)
    assert everything(folder.root) == before
    real = pruned(folder)
    assert (counts(result), result.bytes, result.dry_run) == (counts(real), real.bytes, True)


def test_a_second_time_there_is_nothing_to_remove(folder: Folder) -> None:
    three_days(folder)
    pruned(folder)
    before = files(folder)
    assert counts(pruned(folder)) == (0, 0, 0)
    assert files(folder) == before


def test_a_version_that_is_read_again_later_is_loaded(folder: Folder) -> None:
    three_days(folder)
    pruned(folder)
    folder.land(row("old", 1, day=LONG_AGO))
    assert folder.load().inserted == 1


@pytest.mark.parametrize("full_refresh", [False, True])
def test_killed_before_the_files_are_gone_the_next_load_removes_them(
    folder: Folder, *, full_refresh: bool
) -> None:
    *_, day, after = three_days(folder)
    shutil.copytree(folder.root / "landing", folder.root / "kept", copy_function=shutil.copy2)
    pruned(folder)
    shutil.copytree(folder.root / "kept", folder.root / "landing", dirs_exist_ok=True)
    assert len(files(folder)) == 4
    folder.load(full_refresh=full_refresh)
    assert files(folder) == [day, after]
    assert folder.versions().keys() == {"day", "after"}


def test_folders_of_other_names_are_left_alone(folder: Folder) -> None:
    old, *_ = three_days(folder)
    foreign = folder.root / "landing" / "date=someday" / old.name
    foreign.parent.mkdir()
    foreign.write_bytes(b"foreign")
    assert counts(pruned(folder)) == (2, 2, 2)
    assert foreign.read_bytes() == b"foreign"


def test_the_checkpoints_are_cleared(folder: Folder) -> None:
    three_days(folder)
    with warehouse.connect(folder.root / "clogs.duckdb") as connection:
        connection.execute("INSERT INTO raw.checkpoints VALUES ('transform', 'fingerprint', now())")
    pruned(folder)
    assert folder.query("SELECT count(*) FROM raw.checkpoints") == [(0,)]


@pytest.fixture
def loaded(workspace: Workspace) -> Workspace:
    """A workspace with four days loaded, two of them old."""
    three_days(Folder(data_of(workspace)))
    return workspace


def test_the_date_is_required(loaded: Workspace) -> None:
    before = everything(data_of(loaded))
    assert "--before" in loaded.refusal("prune", "--yes", code=2)
    assert everything(data_of(loaded)) == before


@pytest.mark.parametrize("value", ["yesterday", "2026-02-30", "2026", ""])
def test_only_a_date_is_accepted(loaded: Workspace, value: str) -> None:
    before = everything(data_of(loaded))
    loaded.refusal("prune", "--before", value, "--yes", code=2)
    assert everything(data_of(loaded)) == before


def test_without_anybody_to_ask_nothing_is_removed(loaded: Workspace) -> None:
    folder = Folder(data_of(loaded))
    before = files(folder)
    stderr = loaded.refusal("prune", "--before", BEFORE, code=2)
    assert "Remove 2 rows and 2 landing files (" in stderr
    assert ") of 2 days before 2026-03-04 for good?" in stderr
    assert "add --yes" in stderr
    assert (files(folder), len(folder.versions())) == (before, 4)


def test_with_yes_it_does_not_ask(loaded: Workspace) -> None:
    stdout = loaded.output("prune", "--before", BEFORE, "--yes")
    assert stdout.startswith("2 rows and 2 landing files (")
    assert ") of 2 days before 2026-03-04 removed · " in stdout
    assert Folder(data_of(loaded)).versions().keys() == {"day", "after"}


def test_a_dry_run_only_says_what_would_be_removed(loaded: Workspace) -> None:
    before = everything(data_of(loaded) / "landing")
    stdout = loaded.output("prune", "--before", BEFORE, "--dry-run")
    assert stdout.endswith(") of 2 days before 2026-03-04 would be removed.\n")
    assert everything(data_of(loaded) / "landing") == before
    assert len(Folder(data_of(loaded)).versions()) == 4


@pytest.mark.parametrize("option", ["--dry-run", "--yes"])
def test_the_command_prints_json(loaded: Workspace, option: str) -> None:
    document = json.loads(loaded.output("prune", "--before", BEFORE, "--json", option))
    assert document.keys() == {"before", "days", "rows", "files", "bytes", "dry_run", "seconds"}
    assert (document["before"], document["days"], document["rows"], document["files"]) == (BEFORE, 2, 2, 2)
    assert document["dry_run"] is (option == "--dry-run")


def test_without_anybody_to_ask_json_has_the_error(loaded: Workspace) -> None:
    finished = loaded.run("prune", "--before", BEFORE, "--json")
    assert (finished.returncode, json.loads(finished.stdout)["error"]["exit_code"]) == (2, 2)


@pytest.mark.parametrize("option", ["--dry-run", "--yes"])
def test_without_a_warehouse_there_is_none_to_prune(workspace: Workspace, option: str) -> None:
    assert "does not exist yet" in workspace.refusal("prune", "--before", BEFORE, option, code=69)
    assert not warehouse_of(workspace).exists()


def test_a_warehouse_where_nothing_is_loaded_is_an_error(workspace: Workspace) -> None:
    with warehouse.connect(warehouse_of(workspace)):
        pass
    assert "Nothing is loaded yet." in workspace.refusal("prune", "--before", BEFORE, "--yes", code=69)


def test_with_nothing_to_remove_it_does_not_ask(loaded: Workspace) -> None:
    finished = loaded.run("prune", "--before", "2000-01-01")
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "Nothing to remove.\n", "")
    assert len(Folder(data_of(loaded)).versions()) == 4


@pytest.mark.parametrize("answer", ["n\n", "\n", "yesterday\n", "\x04"])
def test_any_answer_but_yes_removes_nothing(loaded: Workspace, answer: str) -> None:
    folder = Folder(data_of(loaded))
    before = files(folder)
    finished = in_terminal(loaded, answer, "prune", "--before", BEFORE)
    assert (finished.returncode, finished.stdout) == (0, "Nothing was removed.\n")
    assert "for good? [y/N] " in finished.stderr
    assert (files(folder), len(folder.versions())) == (before, 4)


@pytest.mark.parametrize("answer", ["y\n", "YES\n"])
def test_the_answer_yes_removes_them(loaded: Workspace, answer: str) -> None:
    finished = in_terminal(loaded, answer, "prune", "--before", BEFORE)
    assert finished.returncode == 0
    assert ") of 2 days before 2026-03-04 removed · " in finished.stdout
    assert Folder(data_of(loaded)).versions().keys() == {"day", "after"}


def test_json_is_one_document_after_a_no_as_well(loaded: Workspace) -> None:
    finished = in_terminal(loaded, "n\n", "prune", "--before", BEFORE, "--json")
    assert finished.returncode == 0
    assert isinstance(json.loads(finished.stdout), dict)


def statuses(workspace: Workspace) -> list[Any]:
    finished = workspace.run("pipeline", "--skip-extract", "--json")
    assert finished.returncode == 0, finished.stderr
    return [step["status"] for step in json.loads(finished.stdout)["steps"]]


def test_gold_no_longer_shows_the_days_and_the_pipeline_goes_on(workspace: Workspace) -> None:
    folder = Folder(data_of(fill(workspace)))
    days = "SELECT count(*) FILTER (date < '2026-10-01') > 0, count(*) FILTER (date >= '2026-10-01') > 0 FROM"
    gold = ("fct_messages", "fct_tool_calls", "agg_daily_summary", "dim_date")
    tables = ["raw.conversations", *(f"gold.{name}" for name in gold)]
    assert [folder.query(f"{days} {table}") for table in tables] == [[(True, True)]] * 5
    workspace.output("prune", "--before", "2026-10-01", "--yes")
    assert [folder.query(f"{days} {table}") for table in tables] == [[(False, True)]] * 5
    assert statuses(workspace) == ["skipped", "done", "unchanged", "done"]
    assert statuses(workspace) == ["skipped", "done", "unchanged", "unchanged"]


def test_killed_before_the_models_are_built_the_pipeline_builds_them(workspace: Workspace) -> None:
    folder = Folder(data_of(fill(workspace)))
    pruned(folder, before=date(2026, 10, 1))
    assert statuses(workspace) == ["skipped", "done", "done", "done"]
    assert folder.query("SELECT count(*) FROM gold.fct_messages WHERE date < '2026-10-01'") == [(0,)]


def test_no_models_are_built_where_there_are_none(loaded: Workspace) -> None:
    assert loaded.run("prune", "--before", BEFORE, "--yes").returncode == 0
    found = Folder(data_of(loaded)).query("SELECT DISTINCT schema_name FROM duckdb_tables()")
    assert sorted(found) == [("changes",), ("quality",), ("raw",)]
