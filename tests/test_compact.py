"""Many small landing files become one, and what the warehouse holds stays just what it was."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from built import data_of, fill
from conftest import Workspace, landed_in
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_load import DAY, NOON, Folder, flipped, row

from clogs import warehouse
from clogs.errors import DataError
from clogs.landing.compact import CompactResult, compact
from clogs.landing.files import FORMAT_KEY, digest_in_name, land, sha256_of
from clogs.pipeline.checkpoints import loads

TOMORROW = DAY + timedelta(days=1)
ODD_NAMES = ['it\'s "quoted"', "two  spaces", "[brackets]", "{braces,a}", "st*r"]


class CrashError(Exception):
    """What ends a compaction half-way."""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def compacted(folder: Folder, *, run: str = "compacting", today: date = TOMORROW) -> CompactResult:
    with warehouse.connect(folder.root / "clogs.duckdb") as connection:
        return compact(connection, raw_dir=folder.root / "landing", run=run, today=today)


def counts(result: CompactResult) -> tuple[int, int, int]:
    return result.days, result.merged, result.files


def files(folder: Folder) -> list[Path]:
    return list(landed_in(folder.root / "landing"))


def read(paths: Sequence[Path]) -> list[tuple[str, str]]:
    """The identity and the version of every row in files."""
    frame = pl.concat([pl.read_parquet(path, hive_partitioning=False) for path in paths])
    return sorted(frame.select("_id", "message_content").iter_rows())


def table(folder: Folder) -> list[tuple[Any, ...]]:
    return folder.query("SELECT * FROM raw.conversations ORDER BY _id")


def loaded(folder: Folder) -> str:
    with warehouse.connect(folder.root / "clogs.duckdb", read_only=True) as connection:
        return loads(connection)


def three_versions(folder: Folder) -> list[Path]:
    """Three loaded files of one day, with three versions of one document."""
    paths = [*folder.land(row("a", 1), row("b", 1)), *folder.land(row("a", 3)), *folder.land(row("a", 2))]
    folder.load()
    return paths


def test_small_files_of_a_past_day_become_one_with_the_newest_version_of_each_document(
    folder: Folder,
) -> None:
    before = three_versions(folder)
    size = sum(path.stat().st_size for path in before)
    result = compacted(folder)
    (path,) = files(folder)
    assert (counts(result), result.bytes_before, result.bytes_after) == ((1, 3, 1), size, path.stat().st_size)
    assert path not in before
    assert read([path]) == [("a", "version 3"), ("b", "version 1")]


def test_versions_within_one_file_are_reduced_to_the_newest_too(folder: Folder) -> None:
    folder.land(row("a", 2), row("a", 4), row("a", 3))
    folder.land(row("a", 1), row("a", 0))
    folder.load()
    compacted(folder)
    assert read(files(folder)) == [("a", "version 4")]


def test_each_day_becomes_one_file_of_its_own(folder: Folder) -> None:
    for version in range(2):
        folder.land(row("a", version), row("b", version, day=TOMORROW))
    folder.load()
    assert counts(compacted(folder, today=TOMORROW + timedelta(days=1))) == (2, 4, 2)
    assert [path.parent.name for path in files(folder)] == ["date=2026-03-04", "date=2026-03-05"]


def test_the_rows_keep_all_their_values(folder: Folder) -> None:
    full = row("a", type="user", entry_raw='{"a": "ü\\u0000"}', cwd="", message_raw="[]")
    folder.land(full | {"timestamp": NOON, "is_meta": True, "is_sidechain": False})
    folder.land(row("b"))
    folder.load()
    before = table(folder)
    compacted(folder)
    folder.load(full_refresh=True)
    assert table(folder) == before


@pytest.mark.parametrize("today", [DAY, DAY - timedelta(days=1)])
def test_today_and_later_days_are_left_alone(folder: Folder, today: date) -> None:
    before = three_versions(folder)
    assert counts(compacted(folder, today=today)) == (0, 0, 0)
    assert files(folder) == before


def test_a_single_small_file_is_left_alone(folder: Folder) -> None:
    before = folder.land(row("a"), row("b", day=TOMORROW))
    folder.load()
    assert counts(compacted(folder, today=TOMORROW + timedelta(days=1))) == (0, 0, 0)
    assert files(folder) == before


def test_large_files_are_left_alone(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    (large,) = folder.land(row("a", entry_raw=os.urandom(20_000).hex()))
    three_versions(folder)
    monkeypatch.setattr("clogs.landing.compact.SMALL_BYTES", 20_000)
    assert counts(compacted(folder)) == (1, 3, 1)
    assert large in files(folder)


def test_only_so_many_bytes_become_one_file(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [path for name in "abcde" for path in folder.land(row(name))]
    folder.load()
    monkeypatch.setattr("clogs.landing.compact.MERGED_BYTES", 2 * paths[0].stat().st_size)
    assert counts(compacted(folder)) == (1, 4, 2)
    assert len(files(folder)) == 3
    assert folder.statuses().count("landed") == 3


def test_files_that_do_not_fit_together_are_left_alone(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = three_versions(folder)
    monkeypatch.setattr("clogs.landing.compact.MERGED_BYTES", 1)
    assert counts(compacted(folder)) == (0, 0, 0)
    assert files(folder) == before


def test_files_that_are_not_loaded_yet_are_not_merged(folder: Folder) -> None:
    three_versions(folder)
    (new,) = folder.land(row("a", 4), row("c"))
    assert counts(compacted(folder)) == (1, 3, 1)
    assert new in files(folder)
    assert folder.load().files == 1
    assert folder.versions() == {"a": "version 4", "b": "version 1", "c": "version 0"}


def test_with_nothing_loaded_nothing_is_merged(folder: Folder) -> None:
    before = [*folder.land(row("a")), *folder.land(row("b"))]
    assert counts(compacted(folder)) == (0, 0, 0)
    assert files(folder) == before


def test_without_a_landing_folder_there_is_nothing_to_merge(folder: Folder) -> None:
    assert counts(compacted(folder)) == (0, 0, 0)


def test_a_file_that_vanished_is_not_merged_and_its_rows_stay(folder: Folder) -> None:
    three_versions(folder)
    (gone,) = folder.land(row("gone"))
    folder.load()
    gone.unlink()
    assert counts(compacted(folder)) == (1, 3, 1)
    assert folder.statuses() == ["compacted", "compacted", "compacted", "vanished", "landed"]
    folder.load(full_refresh=True)
    assert folder.versions() == {"a": "version 3", "b": "version 1", "gone": "version 0"}


def test_a_file_that_vanished_is_reported_by_a_compaction_too(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    gone, *_ = three_versions(folder)
    gone.unlink()
    compacted(folder)
    folder.load()
    assert gone.name in caplog.text


def test_a_changed_file_is_not_merged(folder: Folder) -> None:
    *_, changed = three_versions(folder)
    changed.write_bytes(changed.read_bytes() + b"more")
    assert counts(compacted(folder)) == (1, 2, 1)
    assert changed in files(folder)


def test_the_ledger_has_the_status_of_the_files(folder: Folder) -> None:
    before = three_versions(folder)
    compacted(folder)
    (path,) = files(folder)
    names = "file, bytes, rows, inserted, updated, unchanged, run, status"
    merged = folder.query(f"SELECT {names} FROM raw.ledger WHERE status = 'landed'")
    name = f"date=2026-03-04/{path.name}"
    assert merged == [(name, path.stat().st_size, 2, 0, 0, 2, "compacting", "landed")]
    old = folder.query("SELECT file FROM raw.ledger WHERE status = 'compacted' ORDER BY file")
    assert old == [(f"date=2026-03-04/{path.name}",) for path in before]


def test_a_full_refresh_gives_the_same_rows(folder: Folder) -> None:
    three_versions(folder)
    before = table(folder)
    compacted(folder)
    result = folder.load(full_refresh=True)
    assert (result.files, result.rows, result.missing) == (1, 2, 0)
    assert table(folder) == before


def test_nothing_changes_for_the_next_load_and_the_models(folder: Folder) -> None:
    three_versions(folder)
    before = loaded(folder)
    compacted(folder)
    assert loaded(folder) == before
    result = folder.load()
    assert (result.files, result.missing, result.total) == (0, 0, 2)
    assert loaded(folder) == before


def test_a_newer_version_that_comes_later_still_wins(folder: Folder) -> None:
    three_versions(folder)
    compacted(folder)
    folder.land(row("a", 4), row("b", 0))
    folder.load()
    compacted(folder, run="again")
    assert read(files(folder)) == [("a", "version 4"), ("b", "version 1")]
    assert folder.versions() == {"a": "version 4", "b": "version 1"}


def test_the_merged_file_has_its_format_its_digest_and_is_its_owners_alone(folder: Folder) -> None:
    three_versions(folder)
    compacted(folder)
    (path,) = files(folder)
    assert pl.read_parquet_metadata(path)[FORMAT_KEY] == "1"
    assert sha256_of(path).startswith(digest_in_name(path) or "none")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_second_time_it_does_nothing(folder: Folder) -> None:
    three_versions(folder)
    compacted(folder)
    before = files(folder)
    assert counts(compacted(folder, run="again")) == (0, 0, 0)
    assert files(folder) == before


def test_a_damaged_file_is_named_and_nothing_is_removed(folder: Folder) -> None:
    before = three_versions(folder)
    before[1].write_bytes(flipped(before[1].read_bytes()))
    with pytest.raises(DataError, match=f"{before[1].name} is not what was loaded from it"):
        compacted(folder)
    assert files(folder) == before
    assert folder.statuses() == ["landed"] * 3


def crash(*_given: object, **_named: object) -> None:
    raise CrashError


def test_killed_before_it_is_in_the_ledger_the_merged_file_is_loaded_and_changes_nothing(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = three_versions(folder)
    before, loads_before = table(folder), loaded(folder)
    with monkeypatch.context() as patched:
        patched.setattr("clogs.landing.compact.enter_merged", crash)
        with pytest.raises(CrashError):
            compacted(folder)
    assert (len(files(folder)), set(old) < set(files(folder))) == (4, True)
    result = folder.load()
    assert (result.files, result.rows, result.unchanged) == (1, 2, 2)
    assert (table(folder), loaded(folder)) == (before, loads_before)
    assert counts(compacted(folder, run="again")) == (1, 4, 1)
    assert read(files(folder)) == [("a", "version 3"), ("b", "version 1")]
    folder.load(full_refresh=True)
    assert table(folder) == before


def test_killed_before_the_old_files_are_gone_the_next_load_removes_them(folder: Folder) -> None:
    restored = restore(folder)
    before = table(folder)
    result = folder.load()
    assert (result.files, result.missing) == (0, 0)
    assert not any(path.exists() for path in restored)
    assert table(folder) == before
    folder.load(full_refresh=True)
    assert table(folder) == before


def test_killed_before_the_old_files_are_gone_the_next_compaction_removes_them(folder: Folder) -> None:
    restored = restore(folder)
    assert counts(compacted(folder, run="again")) == (0, 0, 0)
    assert not any(path.exists() for path in restored)
    assert read(files(folder)) == [("a", "version 3"), ("b", "version 1")]


def test_a_backup_of_before_is_loaded_again_where_the_merged_file_is_gone(folder: Folder) -> None:
    restored = restore(folder)
    before = table(folder)
    (merged,) = set(files(folder)) - set(restored)
    merged.unlink()
    folder.load()
    assert all(path.exists() for path in restored)
    folder.load(full_refresh=True)
    assert table(folder) == before
    assert counts(compacted(folder, run="again")) == (1, 3, 1)


def restore(folder: Folder) -> list[Path]:
    """Files that were merged, back in their place just as they were."""
    paths = three_versions(folder)
    kept = folder.root / "kept"
    kept.mkdir()
    for path in paths:
        shutil.copy2(path, kept)
    compacted(folder)
    for path in paths:
        shutil.copy2(kept / path.name, path)
    return paths


def test_what_a_killed_run_left_half_written_is_swept(folder: Folder) -> None:
    (path, *_) = three_versions(folder)
    half = path.with_name(".writing-1-abcd")
    half.write_bytes(b"half")
    compacted(folder)
    assert [each.name for each in path.parent.iterdir()] == [each.name for each in files(folder)]


LANDED = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5)), min_size=1, max_size=4)


@given(steps=st.lists(st.one_of(LANDED, st.sampled_from(["load", "compact"])), max_size=10))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_of_landing_loading_and_compacting_ends_with_the_newest(
    tmp_path_factory: pytest.TempPathFactory, steps: list[list[tuple[str, int]] | str]
) -> None:
    folder = Folder(tmp_path_factory.mktemp("order"))
    newest: dict[str, int] = {}
    for number, step in enumerate([*steps, "load", "compact"]):
        if step == "load":
            folder.load()
        elif isinstance(step, str):
            compacted(folder, run=f"run{number}")
        else:
            folder.land(*(row(identity, version) for identity, version in step))
            newest |= {name: max(version, newest.get(name, 0)) for name, version in sorted(step)}
    expected = {name: f"version {version}" for name, version in newest.items()}
    assert folder.versions() == expected
    assert len(files(folder)) == bool(newest)
    folder.load(full_refresh=True)
    assert folder.versions() == expected


@pytest.mark.parametrize("name", ODD_NAMES)
def test_folders_may_have_odd_names(tmp_path: Path, name: str) -> None:
    folder = Folder(tmp_path / name)
    three_versions(folder)
    assert counts(compacted(folder)) == (1, 3, 1)
    assert folder.load(full_refresh=True).files == 1
    assert folder.versions() == {"a": "version 3", "b": "version 1"}


def test_from_the_command_line_in_a_folder_with_an_odd_name(workspace: Workspace) -> None:
    data = workspace.folder / " ".join(ODD_NAMES)
    folder = Folder(data)
    folder.land(row("a", 1))
    folder.land(row("a", 2))
    for command in ("load", "compact"):
        workspace.output(command, DATA_DIR=str(data))
    assert len(files(folder)) == 1


@pytest.fixture
def scattered(workspace: Workspace) -> Workspace:
    """A workspace with three loaded files of one day."""
    three_versions(Folder(data_of(workspace)))
    return workspace


def test_the_command_says_what_it_did(scattered: Workspace) -> None:
    assert scattered.output("compact").startswith("3 files of 1 day merged into 1 (")


def test_the_command_prints_json(scattered: Workspace) -> None:
    document = json.loads(scattered.output("compact", "--json"))
    assert document.keys() == {"days", "merged", "files", "bytes_before", "bytes_after", "seconds"}
    assert (document["days"], document["merged"], document["files"]) == (1, 3, 1)


def test_the_command_says_that_there_is_nothing_to_merge(workspace: Workspace) -> None:
    assert workspace.output("compact").startswith("nothing to merge · ")


def test_a_damaged_file_ends_the_command_with_its_code(scattered: Workspace) -> None:
    path, *_ = files(Folder(data_of(scattered)))
    path.write_bytes(flipped(path.read_bytes()))
    assert path.name in scattered.refusal("compact", code=65)


def land_again(workspace: Workspace, times: int) -> Path:
    """Land a file of a finished pipeline's several times more; its day has so many more files."""
    landing = data_of(workspace) / "landing"
    path, *_ = landed_in(landing)
    frame = pl.read_parquet(path, hive_partitioning=True)
    for number in range(times):
        land(frame, landing, name=f"again_{number:02}")
    return path.parent


def pipeline(workspace: Workspace) -> dict[str, Any]:
    finished = workspace.run("pipeline", "--skip-extract", "--json")
    assert finished.returncode == 0, finished.stderr
    return {step["name"]: step for step in json.loads(finished.stdout)["steps"]}


def test_the_pipeline_merges_where_a_past_day_has_many_files(workspace: Workspace) -> None:
    day = land_again(fill(workspace), 16)
    steps = pipeline(workspace)
    assert list(steps) == ["extract", "load", "transform", "validate", "compact"]
    assert (steps["transform"]["status"], steps["compact"]["status"]) == ("unchanged", "done")
    assert steps["compact"]["result"]["merged"] >= 16
    assert len(list(day.iterdir())) == 1
    again = pipeline(workspace)
    assert list(again) == ["extract", "load", "transform", "validate"]
    assert again["transform"]["status"] == "unchanged"


def test_the_pipeline_leaves_a_few_files_alone(workspace: Workspace) -> None:
    day = land_again(fill(workspace), 3)
    before = sorted(day.iterdir())
    assert list(pipeline(workspace)) == ["extract", "load", "transform", "validate"]
    assert sorted(day.iterdir()) == before
