"""Landing files become rows: the newest version of each document, each file once, whole or not at all."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clogs import dead_letters, warehouse
from clogs.columns import POLARS_TYPES
from clogs.errors import DataError
from clogs.landing import land
from clogs.load import LoadResult, load, stats
from clogs.schemas import COLUMNS

DAY = date(2026, 3, 4)
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
SCHEMA = pl.Schema({column.name: POLARS_TYPES[column.kind] for column in COLUMNS})

LOAD = """
import sys
from pathlib import Path
from clogs import warehouse
from clogs.load import load
root = Path(sys.argv[1])
print("begin", flush=True)
with warehouse.connect(root / "clogs.duckdb") as connection:
    load(connection, raw_dir=root / "landing", dead_letter_dir=root / "dead_letters", run="killed")
"""


def row(identity: str, version: int = 0, *, day: date = DAY, **columns: object) -> dict[str, Any]:
    """A document read in some minute after noon."""
    seen = {"extracted_at": NOON + timedelta(minutes=version), "message_content": f"version {version}"}
    return dict.fromkeys(SCHEMA) | {"_id": identity, "date": day, "entry_raw": "{}"} | seen | columns


class Folder:
    """A landing folder with a warehouse beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = 0

    def land(self, *rows: dict[str, Any]) -> list[Path]:
        self.files += 1
        return land(pl.DataFrame(rows, SCHEMA), self.root / "landing", name=f"{self.files:05}")

    def load(self, *, full_refresh: bool = False) -> LoadResult:
        with warehouse.connect(self.root / "clogs.duckdb") as connection:
            return load(
                connection,
                raw_dir=self.root / "landing",
                dead_letter_dir=self.root / "dead_letters",
                run="run",
                full_refresh=full_refresh,
            )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with warehouse.connect(self.root / "clogs.duckdb", read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def versions(self) -> dict[str, str]:
        return dict(self.query("SELECT _id, message_content FROM raw.conversations"))

    def ledger(self) -> list[str]:
        return [file for (file,) in self.query("SELECT file FROM raw.ledger ORDER BY file")]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def counts(result: LoadResult) -> tuple[int, int, int, int]:
    return result.files, result.inserted, result.updated, result.total


def test_new_documents_are_inserted_and_entered_in_the_ledger(folder: Folder) -> None:
    (path,) = folder.land(row("a"), row("b"))
    assert counts(folder.load()) == (1, 2, 0, 2)
    assert folder.query("SELECT file, bytes, rows, run FROM raw.ledger") == [
        ("date=2026-03-04/conversations_00001.parquet", path.stat().st_size, 2, "run")
    ]


def test_a_loaded_file_is_not_loaded_again(folder: Folder) -> None:
    folder.land(row("a"))
    folder.load()
    assert counts(folder.load()) == (0, 0, 0, 1)


def test_the_newest_version_within_a_file_wins(folder: Folder) -> None:
    folder.land(row("a", 1), row("a", 3), row("a", 2))
    assert counts(folder.load()) == (1, 1, 0, 1)
    assert folder.versions() == {"a": "version 3"}


def test_the_newest_version_across_files_wins(folder: Folder) -> None:
    folder.land(row("a", 3))
    folder.land(row("a", 1))
    folder.land(row("a", 2, day=DAY + timedelta(days=1)))
    folder.load()
    assert folder.versions() == {"a": "version 3"}


def test_a_newer_version_replaces_the_row_and_an_older_one_does_not(folder: Folder) -> None:
    folder.land(row("a", 2), row("b", 2))
    folder.load()
    folder.land(row("a", 3), row("b", 1))
    assert counts(folder.load()) == (1, 0, 1, 2)
    assert folder.versions() == {"a": "version 3", "b": "version 2"}


def test_a_document_that_moves_to_another_day_is_still_one_row(folder: Folder) -> None:
    folder.land(row("a", 1))
    folder.load()
    folder.land(row("a", 2, day=DAY + timedelta(days=1)))
    folder.load()
    assert folder.query("SELECT _id, date FROM raw.conversations") == [("a", DAY + timedelta(days=1))]


@given(
    landed=st.lists(st.lists(st.integers(0, 3), min_size=1), min_size=1, max_size=4), cut=st.integers(0, 4)
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_of_versions_ends_with_the_newest(
    tmp_path_factory: pytest.TempPathFactory, landed: list[list[int]], cut: int
) -> None:
    folder = Folder(tmp_path_factory.mktemp("order"))
    for versions in landed[:cut]:
        folder.land(*(row("a", version) for version in versions))
    folder.load()
    for versions in landed[cut:]:
        folder.land(*(row("a", version) for version in versions))
    folder.load()
    assert folder.versions() == {"a": f"version {max(map(max, landed))}"}


def test_a_full_refresh_gives_the_same_rows(folder: Folder) -> None:
    folder.land(row("a", 1), row("b", 1))
    folder.load()
    folder.land(row("a", 2))
    folder.load()
    before = folder.query("SELECT * EXCLUDE (extracted_at) FROM raw.conversations ORDER BY _id")
    assert counts(folder.load(full_refresh=True)) == (2, 2, 0, 2)
    assert folder.query("SELECT * EXCLUDE (extracted_at) FROM raw.conversations ORDER BY _id") == before


@pytest.mark.parametrize("lose", [Path.unlink, lambda path: path.write_bytes(b"damaged")])
def test_a_full_refresh_loses_no_row_that_is_no_longer_landed(
    folder: Folder, lose: Callable[[Path], object]
) -> None:
    (gone,) = folder.land(row("a"))
    folder.land(row("b"))
    folder.load()
    lose(gone)
    with pytest.raises(DataError, match="1 landing file that the table was loaded from"):
        folder.load(full_refresh=True)
    assert (folder.versions(), len(folder.ledger())) == ({"a": "version 0", "b": "version 0"}, 2)


def test_a_full_refresh_that_fails_changes_nothing(folder: Folder) -> None:
    folder.land(row("a"))
    folder.load()
    with warehouse.connect(folder.root / "clogs.duckdb") as connection:
        connection.execute("CREATE UNIQUE INDEX one_row ON raw.conversations (type)")
        folder.land(row("b", type="user"), row("c", type="user"))
        with pytest.raises(duckdb.ConstraintException, match="duplicate key"):
            load(
                connection,
                raw_dir=folder.root / "landing",
                dead_letter_dir=folder.root,
                run="r",
                full_refresh=True,
            )
    assert (folder.versions(), len(folder.ledger())) == ({"a": "version 0"}, 1)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.write_bytes(b""), "cannot be read"),
        (lambda path: path.write_bytes(b"no parquet at all"), "cannot be read"),
        (lambda path: path.write_bytes(path.read_bytes()[:-20]), "cannot be read"),
        (lambda path: pl.DataFrame({"a": [1]}).write_parquet(path), "cannot be read"),
        (lambda path: retyped(path, _id=pl.lit(1)), "has another type in _id"),
        (lambda path: retyped(path, _id=pl.lit(None, pl.String)), "has rows without _id"),
    ],
    ids=["empty", "foreign", "truncated", "another table", "another type", "no key"],
)
def test_a_damaged_file_is_set_aside_and_the_others_are_loaded(
    folder: Folder, damage: Callable[[Path], object], reason: str
) -> None:
    (path,) = folder.land(row("a"))
    folder.land(row("b"))
    damage(path)
    content = path.read_bytes()
    with pytest.raises(DataError, match=reason):
        folder.load()
    aside = folder.root / "dead_letters" / "landing" / path.relative_to(folder.root / "landing")
    (letter,) = dead_letters.read(folder.root / "dead_letters")
    assert (path.exists(), aside.read_bytes()) == (False, content)
    assert (letter.stage, letter.source) == ("load", f"date=2026-03-04/{path.name}")
    assert folder.versions() == {"b": "version 0"}
    assert counts(folder.load()) == (0, 0, 0, 1)


def retyped(path: Path, **columns: pl.Expr) -> None:
    pl.read_parquet(path, hive_partitioning=False).with_columns(**columns).write_parquet(path)


def test_a_folder_that_is_no_date_is_damage_too(folder: Folder) -> None:
    (path,) = folder.land(row("a"))
    path.parent.rename(path.parent.with_name("date=someday"))
    with pytest.raises(DataError, match=r"date=someday/.*cannot be read"):
        folder.load()


def test_a_file_changed_after_it_was_loaded_is_refused_and_the_others_are_loaded(folder: Folder) -> None:
    (path,) = folder.land(row("a"))
    folder.load()
    content = path.read_bytes()
    path.write_bytes(content + b"more")
    folder.land(row("b"))
    with pytest.raises(DataError, match="1 landing file changed after being loaded"):
        folder.load()
    path.write_bytes(content)
    assert counts(folder.load()) == (0, 0, 0, 2)


def test_a_file_being_written_is_not_loaded(folder: Folder) -> None:
    (path,) = folder.land(row("a"))
    path.rename(path.with_name(".writing-1-" + path.name))
    assert counts(folder.load()) == (0, 0, 0, 0)


def test_stats(folder: Folder) -> None:
    day = DAY + timedelta(days=2)
    folder.land(row("a", type="user", project_id="p"), row("b", type="user"), row("c", day=day))
    folder.load()
    with warehouse.connect(folder.root / "clogs.duckdb", read_only=True) as connection:
        found = stats(connection)
    assert (found.rows, found.first_day, found.last_day, found.days) == (3, DAY, day, 2)
    assert found.types == {"user": 2, "(none)": 1}
    assert found.projects == {"(none)": 2, "p": 1}


def test_stats_of_an_empty_table(folder: Folder) -> None:
    folder.load()
    with warehouse.connect(folder.root / "clogs.duckdb", read_only=True) as connection:
        found = stats(connection)
    assert (found.rows, found.first_day, found.days, found.types) == (0, None, 0, {})


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """Forty files, loaded undisturbed."""
    folder = Folder(tmp_path_factory.mktemp("undisturbed"))
    for version in range(40):
        folder.land(*(row(f"{version * each % 3000}", version) for each in range(2000)))
    folder.load()
    return folder


@pytest.mark.parametrize("delay", [0.02, 0.1, 0.2, 0.35])
def test_killed_at_any_moment_the_next_load_is_whole(loaded: Folder, tmp_path: Path, delay: float) -> None:
    (tmp_path / "landing").symlink_to(loaded.root / "landing")
    with subprocess.Popen([sys.executable, "-c", LOAD, tmp_path], stdout=subprocess.PIPE) as killed:
        assert killed.stdout is not None
        killed.stdout.readline()
        time.sleep(delay)
        killed.kill()
    folder = Folder(tmp_path)
    folder.load()
    assert folder.versions() == loaded.versions()
    assert folder.ledger() == loaded.ledger()
