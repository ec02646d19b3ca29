"""What was just landed is loaded from memory, as it would be from the files, whatever stops it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rows import screened

from clogs import warehouse
from clogs.landing import handover as module
from clogs.landing.files import land
from clogs.landing.handover import Handover
from clogs.load import stage
from clogs.load.stage import load

pytestmark = pytest.mark.every_python

Document = dict[str, Any]

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def entry(identity: int, text: str = "x") -> Document:
    moment = NOON + timedelta(hours=identity)
    return {
        "_id": identity,
        "type": "user",
        "timestamp": moment.isoformat(),
        "message": {"content": text},
        "n": 2**40,
    }


def landed(folder: Path, *documents: Document, name: str = "a", at: datetime = NOON) -> Handover:
    rows, _ = screened(documents, at=at)
    handover = Handover()
    land(rows, folder / "landing", name=name, handover=handover)
    return handover


def loaded(folder: Path, handover: Handover | None) -> tuple[int, list[Any], list[Any]]:
    """The rows updated; then all rows, and the ledger."""
    with warehouse.connect(folder / "clogs.duckdb") as connection:
        result = load(
            connection, raw_dir=folder / "landing", dead_letter_dir=folder, run="r", handover=handover
        )
        rows = connection.execute("SELECT * FROM raw.conversations ORDER BY _id").fetchall()
        ledger = connection.execute("SELECT * EXCLUDE loaded_at FROM raw.ledger ORDER BY file").fetchall()
    return result.updated, rows, ledger


def test_it_equals_what_the_files_give(tmp_path: Path) -> None:
    first = [entry(number) for number in range(60)]
    news = [entry(number, "new") for number in range(50, 70)]
    seen = []
    for folder in (tmp_path / "memory", tmp_path / "files"):
        steps = []
        for name, documents, at in (("a", first, NOON), ("b", news, NOON + timedelta(hours=1))):
            handover = landed(folder, *documents, name=name, at=at)
            steps.append(loaded(folder, handover if folder.name == "memory" else None))
        seen.append(steps)
    assert seen[0] == seen[1]
    assert [updated for updated, _, _ in seen[0]] == [0, 10]


def test_no_file_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handover = landed(tmp_path, entry(1), entry(2))
    monkeypatch.setattr(stage, "verified", fail)
    assert len(loaded(tmp_path, handover)[1]) == 2


def fail(path: Path) -> None:
    raise AssertionError(path)


def test_where_another_file_is_new_all_are_read(tmp_path: Path) -> None:
    landed(tmp_path, entry(1), name="left")
    handover = landed(tmp_path, entry(2), name="new")
    assert len(loaded(tmp_path, handover)[1]) == 2


def test_of_too_much_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    handover = landed(tmp_path, *(entry(number) for number in range(100)))
    assert not any(map(handover.holds, (tmp_path / "landing").rglob("*.parquet")))
    assert len(loaded(tmp_path, handover)[1]) == 100


LOADING = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from rows import screened
from clogs import warehouse
from clogs.landing.files import land
from clogs.landing.handover import Handover
from clogs.load import load
from clogs.runs import signals
signals.listen()
folder, handover = Path(sys.argv[1]), Handover()
documents = [{"_id": n, "type": "user", "message": {"content": str(n) * 300}} for n in range(20_000)]
try:
    land(screened(documents)[0], folder / "landing", name="a", handover=handover)
    with warehouse.connect(folder / "clogs.duckdb") as connection:
        print("loading", flush=True)
        load(connection, raw_dir=folder / "landing", dead_letter_dir=folder, run="r", handover=handover)
finally:
    os._exit(signals.exit_code() or 0)
"""
LONGEST = 0.8
SUMS = "SELECT count(*), sum(_id::BIGINT), sum(length(message_content)) FROM raw.conversations"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_at_any_moment_all_of_it_is_loaded_or_nothing(
    project: Path, tmp_path: Path, number: signal.Signals
) -> None:
    moments = random.Random(number)  # noqa: S311  # moments of a test
    environment = os.environ | {"PYTHONPATH": f"{project}:{project / 'tests'}"}
    outcomes = set()
    for attempt in range(int(os.environ.get("CLOGS_TEST_KILLS", "24")) // 4):
        folder = tmp_path / str(attempt)
        with subprocess.Popen(
            [sys.executable, "-c", LOADING, folder],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(moments.uniform(0, LONGEST))
            process.send_signal(number)
            process.wait()
        outcomes.add(rows_of(folder))
        with warehouse.connect(folder / "clogs.duckdb") as connection:
            load(connection, raw_dir=folder / "landing", dead_letter_dir=folder, run="again")
        assert rows_of(folder) == COMPLETE
    assert outcomes <= {None, (0, None, None), COMPLETE}


COMPLETE = (20_000, sum(range(20_000)), sum(len(str(number)) * 300 for number in range(20_000)))


def rows_of(folder: Path) -> tuple[int, ...] | None:
    with duckdb.connect(folder / "clogs.duckdb") as connection:
        try:
            return connection.execute(SUMS).fetchone()
        except duckdb.CatalogException:
            return None
