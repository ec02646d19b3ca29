"""Landing files become rows: the newest version of each document, each file once, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clogs import dead_letters, warehouse
from clogs.errors import ClogsError, DataError
from clogs.landing.files import POLARS_TYPES, file_name, land, sha256_of
from clogs.load import LoadResult, load, stats
from clogs.schema import COLUMNS

pytestmark = pytest.mark.every_python

DAY = date(2026, 3, 4)
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
SCHEMA = pl.Schema({column.name: POLARS_TYPES[column.kind] for column in COLUMNS})


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
        files = land(pl.DataFrame(rows, SCHEMA), self.root / "landing", name=f"{self.files:05}")
        return [path for path in files if isinstance(path, Path)]

    def load(self, **options: Any) -> LoadResult:  # noqa: ANN401  # what `load` takes
        with warehouse.connect(self.root / "clogs.duckdb") as connection:
            return self.load_into(connection, **options)

    def load_into(self, connection: warehouse.Connection, **options: Any) -> LoadResult:  # noqa: ANN401
        letters = self.root / "dead_letters"
        return load(connection, raw_dir=self.root / "landing", dead_letter_dir=letters, run="run", **options)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with warehouse.connect(self.root / "clogs.duckdb", read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def versions(self) -> dict[str, str]:
        return dict(self.query("SELECT _id, message_content FROM raw.conversations"))

    def statuses(self) -> list[str]:
        return [status for (status,) in self.query("SELECT status FROM raw.ledger ORDER BY file")]

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
    assert folder.query("SELECT file, bytes, rows, run, status FROM raw.ledger") == [
        (f"date=2026-03-04/{path.name}", path.stat().st_size, 2, "run", "landed")
    ]


def test_the_ledger_counts_the_rows_of_each_file_by_outcome(folder: Folder) -> None:
    folder.land(row("a", 1), row("b", 1), row("b", 2))
    folder.load()
    folder.land(row("a", 2), row("b", 1), row("c", 1))
    folder.land(row("a", 1), row("d", 1))
    result = folder.load()
    rows = folder.query("SELECT rows, inserted, updated, unchanged FROM raw.ledger ORDER BY file")
    assert rows == [(3, 2, 0, 1), (3, 1, 1, 1), (2, 1, 0, 1)]
    assert (result.rows, result.inserted, result.updated, result.unchanged) == (5, 2, 1, 2)


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


def test_a_version_that_says_the_same_is_unchanged_and_yet_read_last(folder: Folder) -> None:
    folder.land(row("a", 1, message_content="same"), row("b", 1))
    folder.load()
    folder.land(row("a", 3, message_content="same"), row("b", 3))
    result = folder.load()
    assert (result.inserted, result.updated, result.unchanged) == (0, 1, 1)
    folder.land(row("a", 2, message_content="read in between"))
    folder.load()
    assert folder.versions() == {"a": "same", "b": "version 3"}


def test_a_document_that_moves_to_another_day_is_still_one_row(folder: Folder) -> None:
    folder.land(row("a", 1))
    folder.load()
    folder.land(row("a", 2, day=DAY + timedelta(days=1)))
    folder.load()
    assert folder.query("SELECT _id, date FROM raw.conversations") == [("a", DAY + timedelta(days=1))]


@given(
    landed=st.lists(st.lists(st.integers(0, 3), min_size=1), min_size=1, max_size=4), cut=st.integers(0, 4)
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


@pytest.mark.parametrize(
    ("lose", "outcome"),
    [
        (Path.unlink, nullcontext()),
        (lambda path: path.write_bytes(b"damaged"), pytest.raises(DataError, match="1 landing file changed")),
    ],
    ids=["vanished", "changed"],
)
def test_a_full_refresh_keeps_rows_that_are_no_longer_landed(
    folder: Folder, lose: Callable[[Path], object], outcome: AbstractContextManager[object]
) -> None:
    (gone,) = folder.land(row("a", 1), row("b", 3))
    folder.land(row("b", 2), row("c", 1))
    folder.load()
    lose(gone)
    folder.land(row("d", 4))
    with outcome:
        folder.load(full_refresh=True)
    assert folder.versions() == {"a": "version 1", "b": "version 3", "c": "version 1", "d": "version 4"}
    assert len(folder.ledger()) == 3


def test_a_full_refresh_drops_what_no_file_ever_held(folder: Folder) -> None:
    folder.land(row("a"))
    folder.load()
    with warehouse.connect(folder.root / "clogs.duckdb") as connection:
        connection.execute("INSERT INTO raw.conversations (_id) VALUES ('by hand')")
    folder.load(full_refresh=True)
    assert folder.versions() == {"a": "version 0"}


def test_a_full_refresh_that_fails_changes_nothing(folder: Folder) -> None:
    folder.land(row("a"))
    folder.load()
    folder.land(row("b"))
    before = folder.query("FROM raw.ledger")

    def fail(done: int, _total: int | None) -> None:
        if done:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        folder.load(full_refresh=True, on_progress=fail)
    assert (folder.versions(), folder.query("FROM raw.ledger")) == ({"a": "version 0"}, before)


def test_readers_see_the_old_table_until_a_full_refresh_has_ended(folder: Folder) -> None:
    folder.land(row("a", 1))
    folder.load()
    folder.land(row("a", 2), row("b", 2))
    seen: list[list[tuple[Any, ...]]] = []
    with warehouse.connect(folder.root / "clogs.duckdb") as connection:
        reader = connection.cursor()

        def read(_done: int, _total: int | None) -> None:
            seen.append(reader.execute("SELECT _id, extracted_at FROM raw.conversations").fetchall())

        folder.load_into(connection, full_refresh=True, on_progress=read)
    assert seen == [[("a", NOON + timedelta(minutes=1))]] * 2


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: write(path, b""), "does not match the digest in its name"),
        (lambda path: write(path, path.read_bytes()[:-20]), "does not match the digest in its name"),
        (lambda path: write(path, flipped(path.read_bytes())), "does not match the digest in its name"),
        (lambda path: path.rename(path.with_name("conversations_1.parquet")), "has no digest in its name"),
        (lambda path: named_by_content(write(path, b"no Parquet")), "cannot be read"),
    ],
    ids=["empty", "truncated", "flipped", "foreign name", "foreign content"],
)
def test_a_damaged_file_is_quarantined_and_the_others_are_loaded(
    folder: Folder, damage: Callable[[Path], Path], reason: str
) -> None:
    (path,) = folder.land(row("a"))
    folder.land(row("b"))
    path = damage(path)
    content = path.read_bytes()
    with pytest.raises(DataError, match=f"{path.name} {reason}"):
        folder.load()
    place = folder.root / "dead_letters" / "landing" / path.relative_to(folder.root / "landing")
    (letter,) = dead_letters.read(folder.root / "dead_letters")
    assert (path.exists(), place.read_bytes()) == (False, content)
    assert (letter.stage, letter.source) == ("load", f"date=2026-03-04/{path.name}")
    assert folder.versions() == {"b": "version 0"}
    assert counts(folder.load()) == (0, 0, 0, 1)


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def named_by_content(path: Path) -> Path:
    """The same file with the name that `land` would give it."""
    return path.rename(path.with_name(file_name("renamed", sha256_of(path))))


def flipped(content: bytes) -> bytes:
    """The same with some bytes of its data, not of its footer, turned over."""
    return content[:60] + bytes(255 - byte for byte in content[60:90]) + content[90:]


def test_a_file_outside_the_folders_of_dates_is_damaged(folder: Folder) -> None:
    (path,) = folder.land(row("a"))
    path.parent.rename(path.parent.with_name("date=someday"))
    with pytest.raises(DataError, match="is not in the folder of a date: date=someday"):
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


def test_a_change_that_keeps_the_size_is_found_by_a_full_refresh_only(folder: Folder) -> None:
    (path,) = folder.land(row("a"))
    folder.load()
    path.write_bytes(flipped(path.read_bytes()))
    folder.load()
    with pytest.raises(DataError, match=f"changed after being loaded: .*{path.name}"):
        folder.load(full_refresh=True)
    assert (folder.versions(), path.exists()) == ({"a": "version 0"}, True)


def test_a_landing_folder_that_was_copied_is_not_loaded_again(folder: Folder) -> None:
    folder.land(row("a"))
    folder.load()
    for path in (folder.root / "landing").rglob("*.parquet"):
        os.utime(path, (1, 1))
    assert counts(folder.load()) == (0, 0, 0, 1)


def test_a_file_that_vanished_is_reported_once_and_its_rows_stay(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    (gone,) = folder.land(row("a"))
    folder.load()
    content = gone.read_bytes()
    gone.unlink()
    assert [folder.load().missing, folder.load().missing] == [1, 1]
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.startswith(
        f"1 file gone from the landing folder, though loaded: date=2026-03-04/{gone.name}."
    )
    assert (folder.versions(), folder.statuses()) == ({"a": "version 0"}, ["vanished"])
    gone.write_bytes(content)
    assert (folder.load().missing, folder.statuses()) == (0, ["landed"])


def test_a_file_of_a_newer_clogs_stays_where_it_is(folder: Folder) -> None:
    (path,) = folder.land(row("a"))
    newer = of_newer_clogs(path)
    with pytest.raises(ClogsError, match="was written by a newer clogs: its format is 2, and this one"):
        folder.load()
    assert newer.exists()


def of_newer_clogs(path: Path) -> Path:
    pl.read_parquet(path, hive_partitioning=False).write_parquet(path, metadata={"clogs.format": "2"})
    return named_by_content(path)


def test_a_file_that_cannot_be_read_just_now_does_not_stop_the_others(folder: Folder) -> None:
    folder.land(row("a"))
    (path,) = folder.land(row("b"))
    of_newer_clogs(path)
    folder.land(row("c"))
    with pytest.raises(ClogsError, match="was written by a newer clogs"):
        folder.load()
    assert folder.versions() == {"a": "version 0", "c": "version 0"}


def test_a_second_damaged_file_of_the_same_name_keeps_the_first(folder: Folder) -> None:
    path = folder.root / "landing" / "date=2026-03-04" / "conversations_1.parquet"
    for content in (b"one", b"two"):
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        with pytest.raises(DataError):
            folder.load()
    letters = folder.root / "dead_letters"
    contents = [(letters / letter.document).read_bytes() for letter in dead_letters.read(letters)]
    assert sorted(contents) == [b"one", b"two"]


def test_stats_of_a_file_without_tables(folder: Folder) -> None:
    path = folder.root / "clogs.duckdb"
    with warehouse.connect(path) as connection, pytest.raises(ClogsError, match="Nothing is loaded yet"):
        stats(connection)


def test_a_file_without_rows_is_loaded_once(folder: Folder) -> None:
    (path,) = folder.land(row("a"))
    pl.read_parquet(path, hive_partitioning=False).clear().write_parquet(path)
    named_by_content(path)
    assert counts(folder.load()) == (1, 0, 0, 0)
    assert counts(folder.load()) == (0, 0, 0, 0)


def test_rows_are_spread_over_as_many_transactions_as_their_size_asks_for(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clogs.load.stage.BATCH_BYTES", 1)
    for version in (2, 1, 3):
        folder.land(row("a", version), row(f"{version}", version))
    assert counts(folder.load()) == (3, 4, 1, 4)
    assert folder.query("SELECT inserted, updated FROM raw.ledger ORDER BY file") == [(2, 0), (1, 0), (1, 1)]
    assert counts(folder.load(full_refresh=True)) == (3, 4, 1, 4)
    assert folder.versions()["a"] == "version 3"


def test_progress_counts_files(folder: Folder) -> None:
    folder.land(row("a"))
    folder.land(row("b"))
    reported: list[tuple[int, int | None]] = []
    folder.load(on_progress=lambda done, total: reported.append((done, total)))
    assert reported == [(0, 2), (2, 2)]


def test_a_memory_limit_is_obeyed_and_given_back(folder: Folder) -> None:
    folder.land(row("a"))
    setting = "SELECT current_setting('memory_limit'), current_setting('preserve_insertion_order')"
    seen: list[tuple[Any, ...]] = []
    with warehouse.connect(folder.root / "clogs.duckdb", memory_limit="200MiB") as connection:
        folder.load_into(
            connection, on_progress=lambda *_: seen.extend(connection.execute(setting).fetchall())
        )
        seen.extend(connection.execute(setting).fetchall())
    assert seen == [("200.0 MiB", False), ("200.0 MiB", False), ("200.0 MiB", True)]


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
