"""What loads and prunes note for the models: every document that changed, and no other."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from test_load import DAY, Folder, row
from test_prune import pruned

from clogs import warehouse
from clogs.warehouse import changes


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def noted(folder: Folder, *, above: int = 0) -> list[tuple[bool, str | None]]:
    return folder.query(f"""
        SELECT everything, _id FROM changes.conversations WHERE number > {above} ORDER BY number, _id
    """)


def last(folder: Folder) -> int:
    ((number,),) = folder.query("SELECT max(number) FROM changes.conversations")
    return int(number)


def test_new_documents_are_noted(folder: Folder) -> None:
    folder.land(row("a"), row("b"))
    folder.load()
    assert noted(folder) == [(False, "a"), (False, "b")]


def test_only_newer_versions_of_known_documents_are_noted(folder: Folder) -> None:
    folder.land(row("a", 5), row("b", 5))
    folder.load()
    before = last(folder)
    folder.land(row("a", 4), row("b", 6), row("c", 6))
    folder.load()
    assert noted(folder, above=before) == [(False, "b"), (False, "c")]


def test_nothing_new_is_not_noted(folder: Folder) -> None:
    folder.land(row("a", 5))
    folder.load()
    before = last(folder)
    folder.land(row("a", 4))
    folder.load()
    folder.load()
    assert noted(folder, above=before) == []


def test_a_refresh_may_change_everything(folder: Folder) -> None:
    folder.land(row("a"))
    folder.load()
    before = last(folder)
    folder.load(full_refresh=True)
    assert noted(folder, above=before) == [(True, None)]


def test_pruned_documents_are_noted(folder: Folder) -> None:
    folder.land(row("old", day=DAY - timedelta(days=1)), row("new"))
    folder.load()
    before = last(folder)
    pruned(folder)
    assert noted(folder, above=before) == [(False, "old")]


def test_a_dry_run_of_prune_is_not_noted(folder: Folder) -> None:
    folder.land(row("old", day=DAY - timedelta(days=1)))
    folder.load()
    before = last(folder)
    pruned(folder, dry_run=True)
    assert noted(folder, above=before) == []


def test_many_documents_of_a_small_table_are_everything(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MOST_LISTED", 2)
    folder.land(row("a"), row("b"))
    folder.load()
    folder.land(row("c"), row("d"), row("e"))
    folder.load()
    assert noted(folder) == [(True, None)]


def test_a_list_that_nobody_reads_does_not_grow_for_ever(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MOST_LISTED", 3)
    for version in range(4):
        folder.land(row("a", version))
        folder.load()
    assert noted(folder) == [(True, None)]


def test_many_documents_of_a_large_table_are_listed(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.land(*(row(f"{number:02}") for number in range(20)))
    folder.load()
    with warehouse.connect(folder.root / "clogs.duckdb") as connection:
        connection.execute("DELETE FROM changes.conversations")  # as after a transform
    monkeypatch.setattr(changes, "MOST_LISTED", 2)
    folder.land(*(row(f"{number:02}", 1) for number in range(5)))
    folder.load()
    assert len(noted(folder)) == 5


def test_what_is_rolled_back_is_not_noted(folder: Folder) -> None:
    folder.land(row("a"))
    folder.load()
    before = last(folder)
    with warehouse.connect(folder.root / "clogs.duckdb") as connection:
        connection.execute("BEGIN")
        warehouse.note_everything(connection)
        connection.execute("ROLLBACK")
    assert noted(folder, above=before) == []
