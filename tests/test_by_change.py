"""Tables that follow changes: what is built again, what is not, and what nobody gets to see."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import time_machine
from empty import config_in, empty_warehouse
from test_warehouse import held

from clogs import warehouse
from clogs.errors import ClogsError, DataError
from clogs.transform import TransformConfig, TransformResult, stage, transform
from clogs.warehouse import connection

ENTRIES = """
MODEL (
  name silver.entries,
  kind CUSTOM (materialization 'by_change', materialization_properties (key = '_id')),
  grain (_id)
);
SELECT _id, session_id, 1 AS one, message_role AS role FROM raw.conversations
"""

SESSIONS = """
MODEL (
  name gold.sessions,
  kind CUSTOM (
    materialization 'by_change',
    materialization_properties (key = 'session', entries = 'session_id')
  ),
  grain (session),
  audits (not_null(columns := (session, role)), unique_combination_of_columns(columns := (session)))
);
SELECT session_id AS session, SUM(one) AS entries, MIN(role) AS role FROM silver.entries
WHERE session_id IS NOT NULL GROUP BY session_id
"""

TOTAL = """
MODEL (name gold.total, kind CUSTOM (materialization 'by_change'), grain (entries));
SELECT SUM(entries) AS entries, COUNT(*) AS sessions FROM gold.sessions
"""


def keyed(name: str, key: str, query: str) -> str:
    """A model that follows the values of a column, of which it has one row each."""
    return f"""
        MODEL (
          name {name},
          kind CUSTOM (materialization 'by_change', materialization_properties (key = '{key}')),
          grain ({key})
        );
        {query}
    """


ROLES = keyed(
    "gold.roles",
    "role",
    "SELECT role, COUNT(*) AS entries FROM silver.entries WHERE role IS NOT NULL GROUP BY role",
)
SPOKEN = keyed(
    "gold.spoken",
    "session_id",
    """
    SELECT session_id, COUNT(*) AS entries FROM raw.conversations
    WHERE session_id IS NOT NULL GROUP BY session_id
    """,
)
FIRST = keyed(
    "silver.first",
    "session_id",
    "SELECT session_id, MIN(_id) AS _id FROM silver.entries WHERE session_id IS NOT NULL GROUP BY session_id",
)
OPENING = keyed(
    "gold.opening",
    "_id",
    "SELECT _id, session_id FROM raw.conversations SEMI JOIN silver.first USING (_id)",
)

MODELS = {"entries": ENTRIES, "sessions": SESSIONS, "total": TOTAL, "roles": ROLES}

Build = Callable[..., TransformResult]
Rows = list[tuple[Any, ...]]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models" / "models"
    folder.mkdir(parents=True)
    for name, text in MODELS.items():
        (folder / f"{name}.sql").write_text(text)
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Two sessions of two entries each."""
    path = empty_warehouse(tmp_path)
    load(path, ("a1", "a"), ("a2", "a"), ("b1", "b"), ("b2", "b"))
    return path


@pytest.fixture
def build(file: Path, models: Path) -> Build:
    return partial(transform, config_in(file.parent, models_dir=models.parent))


def load(path: Path, *rows: tuple[str, str | None], role: str | None = "user") -> None:
    """Load documents, each with its session, in place of those of the same ``_id``."""
    with warehouse.connect(path) as connection, warehouse.transaction(connection):
        ids = ", ".join(f"('{identity}')" for identity, _ in rows)
        listed = f"SELECT _id FROM (VALUES {ids}) AS listed(_id)"
        connection.execute(f"DELETE FROM raw.conversations WHERE _id IN ({listed})")
        connection.executemany(
            "INSERT INTO raw.conversations (_id, session_id, message_role) VALUES (?, ?, ?)",
            [(*row, role) for row in rows],
        )
        warehouse.note_changed(connection, listed, count=len(rows))


def rows(path: Path, query: str) -> Rows:
    with warehouse.connect(path, read_only=True) as connection:
        return connection.execute(query).fetchall()


def sessions(path: Path) -> Rows:
    return rows(path, "SELECT session, entries FROM gold.sessions ORDER BY session")


def spoil(path: Path, model: str) -> None:
    """Set what a table holds to something that no build would make."""
    find = """
        SELECT schema_name || '.' || table_name FROM duckdb_tables()
        WHERE table_name LIKE ? AND schema_name LIKE 'sqlmesh%'
    """
    with warehouse.connect(path) as connection:
        ((table,),) = connection.execute(find, [f"%\\_\\_{model}\\_\\_%".replace("\\", "")]).fetchall()
        connection.execute(f"UPDATE {table} SET entries = 100")


def test_only_what_was_touched_is_built(build: Build, file: Path) -> None:
    build()
    spoil(file, "sessions")
    load(file, ("b3", "b"), ("c1", "c"))
    build()
    assert sessions(file) == [("a", 100), ("b", 3), ("c", 1)]
    assert rows(file, "SELECT * FROM gold.total") == [(104, 3)]


def test_documents_are_followed_by_another_key_than_their_ids(build: Build, file: Path, models: Path) -> None:
    (models / "spoken.sql").write_text(SPOKEN)
    build()
    load(file, ("b3", "b"), ("a1", "c"))
    build()
    assert rows(file, "FROM gold.spoken ORDER BY ALL") == [("a", 1), ("b", 3), ("c", 1)]


def test_documents_are_read_that_only_another_parent_has_touched(
    build: Build, file: Path, models: Path
) -> None:
    (models / "first.sql").write_text(FIRST)
    (models / "opening.sql").write_text(OPENING)
    load(file, ("a0", "a"))
    build()
    assert rows(file, "FROM gold.opening ORDER BY ALL") == [("a0", "a"), ("b1", "b")]
    load(file, ("a0", "c"))
    build()
    assert rows(file, "FROM gold.opening ORDER BY ALL") == [("a0", "c"), ("a1", "a"), ("b1", "b")]


def test_a_program_that_opens_the_file_before_sqlmesh_does_is_waited_for(
    file: Path, models: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    config = config_in(file.parent, models_dir=models.parent, lock_timeout=timedelta(minutes=1))
    set_up = stage._set_up_sqlmesh  # noqa: SLF001
    caplog.set_level("INFO")
    with ExitStack() as others:

        def opened_meanwhile(config: TransformConfig) -> None:
            set_up(config)
            holder = others.enter_context(held(file))

            def said(seconds: float) -> str:  # as the wait begins
                holder.kill()
                return f"{seconds:.0f} s"

            monkeypatch.setattr(connection, "duration", said)

        monkeypatch.setattr(stage, "_set_up_sqlmesh", opened_meanwhile)
        assert len(transform(config).models) == len(MODELS)
    assert sessions(file) == [("a", 2), ("b", 2)]
    assert "Waiting up to 60 s for it." in caplog.text


def test_a_full_refresh_builds_all(build: Build, file: Path) -> None:
    build()
    spoil(file, "sessions")
    build(full_refresh=True)
    assert sessions(file) == [("a", 2), ("b", 2)]
    assert rows(file, "SELECT * FROM gold.total") == [(4, 2)]


def test_nothing_new_builds_nothing(build: Build, file: Path) -> None:
    build()
    spoil(file, "sessions")
    build()
    assert sessions(file) == [("a", 100), ("b", 100)]


def test_what_is_selected_later_catches_up(build: Build, file: Path) -> None:
    build()
    for number in range(3):
        load(file, (f"c{number}", "c"))
        build(select=["silver.entries"])
    assert sessions(file) == [("a", 2), ("b", 2)]
    build(select=["sessions+"])
    assert sessions(file) == [("a", 2), ("b", 2), ("c", 3)]
    assert rows(file, "SELECT * FROM gold.total") == [(7, 3)]


def test_where_anything_may_have_changed_all_is_built(build: Build, file: Path) -> None:
    build()
    spoil(file, "sessions")
    with warehouse.connect(file) as connection:
        connection.execute("DELETE FROM raw.conversations WHERE _id = 'a1'")
        warehouse.note_everything(connection)
    build()
    assert sessions(file) == [("a", 1), ("b", 2)]


def test_logs_are_trimmed(build: Build, file: Path) -> None:
    build()
    for number in range(3):
        load(file, (f"c{number}", "c"))
        build()
    logs = rows(
        file, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'changes' AND table_name <> 'seen'"
    )
    assert len(logs) == len(MODELS) + 1
    assert [rows(file, f'SELECT count(*) FROM changes."{log}"') for (log,) in logs] == [[(0,)]] * len(logs)


def test_a_changed_definition_is_built_whole_and_the_old_table_goes(
    build: Build, file: Path, models: Path
) -> None:
    build()
    path = models / "entries.sql"
    path.write_text(path.read_text().replace("1 AS one", "10 AS one"))
    build()
    assert sessions(file) == [("a", 20), ("b", 20)]

    with time_machine.travel(datetime.now(UTC) + timedelta(days=2)):
        build()
    tables = rows(
        file, "SELECT table_name FROM duckdb_tables() WHERE schema_name LIKE 'sqlmesh\\_\\_%' ESCAPE '\\'"
    )
    logs = rows(file, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'changes'")
    assert len(tables) == len(MODELS)
    assert sorted(logs) == sorted([*tables, ("conversations",), ("seen",)])


def test_a_definition_that_comes_back_is_right(build: Build, file: Path, models: Path) -> None:
    build()
    path = models / "entries.sql"
    path.write_text(path.read_text().replace("1 AS one", "10 AS one"))
    build()
    load(file, ("a1", "b"))
    build()
    path.write_text(path.read_text().replace("10 AS one", "1 AS one"))
    build()
    assert sessions(file) == [("a", 1), ("b", 3)]
    assert rows(file, "SELECT * FROM gold.total") == [(4, 2)]


def test_a_removed_model_takes_its_view_along(build: Build, file: Path, models: Path) -> None:
    build()
    (models / "roles.sql").unlink()
    build()
    views = rows(file, "SELECT view_name FROM duckdb_views() WHERE schema_name = 'gold' ORDER BY 1")
    assert views == [("sessions",), ("total",)]


def test_a_failed_audit_lets_nobody_see_it(build: Build, file: Path) -> None:
    build()
    load(file, ("c1", "c"), ("d1", "d"), role=None)
    load(file, ("b3", "b"))
    with pytest.raises(DataError) as caught:
        build()
    assert caught.value.message == "2 rows fail the audit not_null of gold.sessions: c, d."
    assert sessions(file) == [("a", 2), ("b", 2)]
    assert rows(file, "SELECT * FROM gold.total") == [(4, 2)]
    assert rows(file, "SELECT * FROM gold.roles") == [("user", 5)]

    load(file, ("c1", "c"), ("d1", "d"), ("e1", "e"))
    build()
    assert sessions(file) == [("a", 2), ("b", 3), ("c", 1), ("d", 1), ("e", 1)]


def test_a_failed_audit_of_the_first_build_shows_nothing(build: Build, file: Path) -> None:
    load(file, ("c1", "c"), role=None)
    with pytest.raises(DataError, match=r"1 row fails the audit not_null of gold\.sessions: c\."):
        build()
    assert rows(file, "SELECT view_name FROM duckdb_views() WHERE schema_name = 'gold'") == []


def test_rows_that_depend_on_other_keys_change_nothing(build: Build, file: Path, models: Path) -> None:
    path = models / "sessions.sql"
    path.write_text(path.read_text().replace("session_id AS session", "session_id || '!' AS session"))
    build()
    load(file, ("b3", "b"))
    with pytest.raises(
        ClogsError, match=r"gold\.sessions could not be built: .* depend on rows outside their key, session"
    ):
        build()
    assert sessions(file) == [("a!", 2), ("b!", 2)]


def test_a_parent_that_keeps_no_log_is_read_whole(build: Build, file: Path, models: Path) -> None:
    path = models / "entries.sql"
    path.write_text(
        path.read_text().replace(
            "CUSTOM (materialization 'by_change', materialization_properties (key = '_id'))", "FULL"
        )
    )
    build()
    spoil(file, "sessions")
    load(file, ("b3", "b"))
    build()
    assert sessions(file) == [("a", 2), ("b", 3)]


def test_a_table_dropped_by_hand_comes_back(build: Build, file: Path) -> None:
    build()
    with warehouse.connect(file) as connection:
        connection.execute("DROP SCHEMA sqlmesh__gold CASCADE")
    build()
    assert sessions(file) == [("a", 2), ("b", 2)]


def test_a_log_dropped_by_hand_comes_back(build: Build, file: Path) -> None:
    build()
    find = (
        "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'changes' AND table_name LIKE '%entries%'"
    )
    with warehouse.connect(file) as connection:
        ((log,),) = connection.execute(find).fetchall()
        connection.execute(f'DROP TABLE changes."{log}"')
    load(file, ("b3", "b"))
    build()
    assert sessions(file) == [("a", 2), ("b", 3)]


def test_without_a_grain_all_columns_are_it(build: Build, file: Path, models: Path) -> None:
    path = models / "sessions.sql"
    path.write_text(path.read_text().replace("  grain (session),\n", ""))
    build()
    load(file, ("b3", "b"))
    build()
    assert sessions(file) == [("a", 2), ("b", 3)]
