"""What older versions of clogs wrote is read, or brought up to date; ``kept`` holds a folder per layout."""

from __future__ import annotations

import gzip
import shutil
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import PROJECT, new_workspace

from clogs import warehouse
from clogs.errors import WarehouseError
from clogs.load import load
from clogs.warehouse.layout import LAYOUT

KEPT = PROJECT / "tests" / "kept"
LAYOUTS = pytest.mark.parametrize("layout", [path.name for path in sorted(KEPT.iterdir())])
OPEN = """
import resource, signal, sys
from pathlib import Path
from clogs import warehouse
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
with warehouse.connect(Path(sys.argv[1])):
    pass
"""
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def root(tmp_path: Path, layout: str) -> Path:
    """A warehouse with ``a`` and ``b`` read at noon, ``a`` and ``c`` a minute later; ``d`` is landed only."""
    shutil.copytree(KEPT / layout / "landing", tmp_path / "landing")
    content = gzip.decompress((KEPT / layout / "clogs.duckdb.gz").read_bytes())
    (tmp_path / "clogs.duckdb").write_bytes(content)
    return tmp_path


def asked(root: Path, sql: str) -> list[tuple[Any, ...]]:
    with warehouse.connect(root / "clogs.duckdb", read_only=True) as connection:
        return connection.execute(sql).fetchall()


def loaded(root: Path, *, full_refresh: bool = False) -> tuple[int, int]:
    with warehouse.connect(root / "clogs.duckdb") as connection:
        result = load(
            connection,
            raw_dir=root / "landing",
            dead_letter_dir=root / "dead_letters",
            run="new",
            full_refresh=full_refresh,
        )
    return result.files, result.total


@LAYOUTS
def test_it_can_be_read_as_it_is(root: Path) -> None:
    with warehouse.connect(root / "clogs.duckdb", read_only=True) as connection:
        assert warehouse.has_tables(connection)
    versions = asked(root, "SELECT _id, message_content FROM raw.conversations ORDER BY _id")
    assert versions == [("a", "version 1"), ("b", "version 0"), ("c", "version 1")]


@LAYOUTS
def test_what_is_landed_is_loaded_into_it_and_what_was_loaded_is_not_loaded_again(root: Path) -> None:
    assert [loaded(root), loaded(root)] == [(1, 4), (0, 4)]
    ledger = asked(root, "SELECT run, rows, length(sha256), format, fate FROM raw.ledger ORDER BY file")
    assert ledger == [
        ("20260304T130001-cccccc", 2, 64, 1, "landed"),
        ("20260304T130001-cccccc", 1, 64, 1, "landed"),
        ("new", 1, 64, 1, "landed"),
        ("20260304T130001-cccccc", 1, 64, 1, "landed"),
    ]


@LAYOUTS
def test_its_rows_stay_what_they_were(root: Path) -> None:
    before = asked(root, "FROM raw.conversations ORDER BY _id")
    with warehouse.connect(root / "clogs.duckdb"):
        pass
    assert asked(root, "FROM raw.conversations ORDER BY _id") == before
    assert before[0][:8] == ("a", "user", "s", "p", NOON, NOON, NOON.replace(minute=1), "user")
    assert before[2][11] == date(2026, 3, 5)


@LAYOUTS
def test_it_has_the_layout_and_the_compression_of_a_new_one(root: Path, tmp_path: Path) -> None:
    with warehouse.connect(tmp_path / "new.duckdb") as connection:
        warehouse.create_tables(connection)
    with warehouse.connect(root / "clogs.duckdb"):
        pass
    columns = """
        SELECT table_name, column_name, data_type, is_nullable, comment FROM duckdb_columns()
        WHERE schema_name IN ('raw', 'changes', 'quality') ORDER BY ALL
    """
    tables = "SELECT schema_name, table_name, comment FROM duckdb_tables() ORDER BY ALL"
    storage = "SELECT tags FROM duckdb_databases() WHERE NOT internal"
    for sql in (columns, tables, storage):
        with warehouse.connect(tmp_path / "new.duckdb", read_only=True) as connection:
            assert asked(root, sql) == connection.execute(sql).fetchall()
    assert asked(root, "SELECT max(version) FROM raw.layout") == [(LAYOUT,)]


@pytest.mark.parametrize("layout", ["1"])
def test_commands_that_only_read_work_on_it_as_it_is(root: Path, tmp_path: Path) -> None:
    workspace = new_workspace(tmp_path, "mongodb://127.0.0.1:9", "none")
    place = {"DUCKDB_PATH": str(root / "clogs.duckdb"), "DATA_RAW_DIR": str(root / "landing")}
    for command in (["load", "--stats"], ["status"], ["query", "FROM raw.ledger"]):
        finished = workspace.run(*command, **place)
        assert "Traceback" not in finished.stderr
    assert workspace.run("load", "--stats", **place).stdout.startswith("3 rows")
    skipping = [f"--skip-{step}" for step in ("extract", "load", "validate")]
    assert workspace.run("pipeline", *skipping, **place).returncode == 0


@LAYOUTS
def test_a_full_refresh_gives_the_same_rows(root: Path) -> None:
    loaded(root)
    before = asked(root, "FROM raw.conversations ORDER BY _id")
    assert loaded(root, full_refresh=True) == (4, 4)
    assert asked(root, "FROM raw.conversations ORDER BY _id") == before


@LAYOUTS
@pytest.mark.parametrize("size", [9_000, 300_000, 1_000_000, 1_400_000])
def test_killed_while_it_is_brought_up_to_date(root: Path, size: int) -> None:
    before = asked(root, "FROM raw.conversations ORDER BY _id")
    killed = subprocess.run([sys.executable, "-c", OPEN, root / "clogs.duckdb", str(size)], check=False)
    assert killed.returncode in {0, -signal.SIGXFSZ}
    assert asked(root, "FROM raw.conversations ORDER BY _id") == before
    assert loaded(root) == (1, 4)


def test_what_was_not_brought_to_the_new_format_before_a_kill_is_next_time(tmp_path: Path) -> None:
    path = tmp_path / "clogs.duckdb"
    with duckdb.connect(path, config={"storage_compatibility_version": "v1.0.0"}) as connection:
        warehouse.create_tables(connection)
        connection.execute("INSERT INTO raw.conversations (_id) VALUES ('a')")
    with warehouse.connect(path) as connection:
        tags = connection.execute("SELECT tags FROM duckdb_databases() WHERE NOT internal").fetchall()
        rows = connection.execute("SELECT _id FROM raw.conversations").fetchall()
    assert (tags, rows) == ([({"storage_version": "v1.5.0+"},)], [("a",)])


def test_what_a_newer_clogs_wrote_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "clogs.duckdb"
    with warehouse.connect(path) as connection:
        warehouse.create_tables(connection)
        connection.execute("INSERT INTO raw.layout VALUES (99, '9.0', now())")
    with pytest.raises(WarehouseError, match="was written by a newer clogs"), warehouse.connect(path):
        pass
    with (
        warehouse.connect(path, read_only=True) as connection,
        pytest.raises(WarehouseError, match="was written by a newer clogs"),
    ):
        warehouse.has_tables(connection)
