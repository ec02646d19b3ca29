"""``clogs status`` shows how things stand, whatever is missing, down or held."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from built import SAMPLES, data_of, fill, warehouse_of
from conftest import Document, Workspace, new_workspace
from pymongo.collection import Collection
from truth import Truth

from clogs.runs.lock import run_lock
from clogs.warehouse import connect

TRUTH = Truth(SAMPLES)
DOWN = "mongodb://ann:s3cret@127.0.0.1:9/?serverSelectionTimeoutMS=100"
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A finished pipeline that is only read, and whose source is down."""
    return fill(new_workspace(tmp_path_factory.mktemp("status"), DOWN, "none"))


@pytest.fixture(scope="module")
def document(filled: Workspace) -> dict[str, Any]:
    return document_of(filled)


@pytest.fixture(scope="module")
def lines(filled: Workspace) -> list[str]:
    return lines_of(filled)


def document_of(workspace: Workspace, **variables: str) -> dict[str, Any]:
    stdout = workspace.output("status", "--json", **variables)
    document: dict[str, Any] = json.loads(stdout)
    return document


def lines_of(workspace: Workspace, **variables: str) -> list[str]:
    """What people see, with one space between words."""
    stdout = workspace.output("status", COLUMNS="400", **variables)
    return [" ".join(line.split()) for line in stdout.splitlines()]


def is_recent(moment: str) -> bool:
    return timedelta() <= datetime.now(UTC) - datetime.fromisoformat(moment) < timedelta(hours=1)


def test_before_the_first_run(mongo_workspace: Workspace) -> None:
    source, *others = lines_of(mongo_workspace)
    assert source.startswith(f"source clogs_tests.{mongo_workspace.environment['MONGO_COLLECTION']} at ")
    assert others == [
        "the collection does not exist yet",
        "watermark none yet: the next extract reads everything",
        "last extract none yet",
        "landing none yet",
        "dead letters none",
        f"warehouse none yet: {warehouse_of(mongo_workspace)}",
        "next run not scheduled: clogs schedule install",
    ]
    assert not data_of(mongo_workspace).exists()


def test_before_the_first_run_the_json_has_every_key(mongo_workspace: Workspace) -> None:
    document, data = document_of(mongo_workspace), data_of(mongo_workspace)
    assert is_recent(document.pop("at"))
    assert document["source"].pop("name")
    assert document == {
        "source": {
            "fault": None,
            "exists": False,
            "documents": 0,
            "newest": None,
            "undated": 0,
            "transcripts": None,
            "found_by": None,
            "found_by_reason": None,
        },
        "extraction": {
            "watermark_field": "ingestedAt",
            "watermark": None,
            "behind_seconds": None,
            "extracted_at": None,
            "compared": None,
        },
        "landing": {"folder": str(data / "landing"), "files": 0, "bytes": 0},
        "dead_letters": {"folder": str(data / "dead_letters"), "fault": None, "count": 0, "newest": None},
        "warehouse": {
            "path": str(warehouse_of(mongo_workspace)),
            "fault": None,
            "bytes": None,
            "rows": {},
            "newest_ingested_at": None,
            "newest_timestamp": None,
            "last_loads": [],
        },
        "runs": [],
        "running": None,
        "next_run": None,
    }


def test_after_a_pipeline_every_number_is_a_plain_count(
    filled: Workspace, document: dict[str, Any], lines: list[str]
) -> None:
    files = [path.stat().st_size for path in data_of(filled).rglob("landing/date=*/*.parquet")]
    landing, warehouse = document["landing"], document["warehouse"]
    assert (landing["files"], landing["bytes"]) == (len(files), sum(files))
    assert document["dead_letters"]["count"] == 2
    assert any(line.startswith("dead letters 2, the newest from 20") for line in lines)
    assert warehouse["bytes"] == warehouse_of(filled).stat().st_size
    assert warehouse["rows"]["raw.conversations"] == len(TRUTH.lines)
    assert f"rows {len(TRUTH.lines)} in raw.conversations" in lines
    assert warehouse["rows"]["gold.fct_tool_calls"] == len(TRUTH.tool_calls)
    assert f" fct_tool_calls {len(TRUTH.tool_calls)}" in " ".join(lines)
    assert warehouse["rows"]["gold.dim_sessions"] == len(TRUTH.sessions)
    assert warehouse["rows"]["gold.fct_api_calls"] == len(TRUTH.responses)
    assert len(warehouse["rows"]) == 18
    newest = max(line.get("timestamp", "") for line in TRUTH.lines)
    assert warehouse["newest_timestamp"] == newest.replace("Z", "000Z")
    assert any(line.startswith("timestamp 2026-10-10 12:35:47 UTC, ") for line in lines)
    assert is_recent(warehouse["newest_ingested_at"])


def test_in_a_pipe_no_line_is_filled_up(filled: Workspace) -> None:
    assert max(map(len, filled.run("status").stdout.splitlines())) < 250


def test_the_last_load_is_the_run_in_the_ledger(document: dict[str, Any], lines: list[str]) -> None:
    (run,) = document["warehouse"]["last_loads"]
    assert is_recent(run["loaded_at"])
    assert run == run | {"files": document["landing"]["files"], "rows": len(TRUTH.lines)}
    assert any(line.startswith("last load 20") and line.endswith(f" ago, by {run['run']}") for line in lines)
    assert lines[-2] == "last loads loaded files rows"
    assert lines[-1].startswith(run["run"])
    assert lines[-1].endswith(f" {run['files']} {run['rows']}")


def test_a_source_that_is_down_is_a_fault_without_secrets(
    filled: Workspace, document: dict[str, Any], lines: list[str]
) -> None:
    source = dict(document["source"])
    assert source.pop("name") == "clogs_tests.none at 127.0.0.1:9"
    assert source.pop("fault").startswith("MongoDB at 127.0.0.1:9 does not answer: ")
    assert set(source.values()) == {None}
    assert lines[0] == "source clogs_tests.none at 127.0.0.1:9"
    assert lines[1].startswith("MongoDB at 127.0.0.1:9 does not answer: ")
    assert "s3cret" not in filled.run("status", "--json", "--verbose").stdout


def test_the_source_is_ahead_of_the_watermark(
    mongo_workspace: Workspace, collection: Collection[Document]
) -> None:
    collection.insert_many([{"ingestedAt": NOON}, {"ingestedAt": NOON - timedelta(days=1)}])
    assert mongo_workspace.run("extract").returncode == 0
    assert "watermark 2026-03-04 12:00:00 UTC · the source is not ahead" in lines_of(mongo_workspace)
    collection.insert_one({"ingestedAt": NOON + timedelta(minutes=5)})
    lines, document = lines_of(mongo_workspace), document_of(mongo_workspace)
    assert "watermark 2026-03-04 12:00:00 UTC · the source is 5 min 0 s ahead" in lines
    assert lines[1].startswith("about 3 documents · newest ingestedAt 2026-03-04 12:05:00 UTC, ")
    assert document["source"]["newest"] == "2026-03-04T12:05:00Z"
    extracted_at = document["extraction"].pop("extracted_at")
    assert is_recent(extracted_at)
    assert document["extraction"] == {
        "watermark_field": "ingestedAt",
        "watermark": "2026-03-04T12:00:00Z",
        "behind_seconds": 300,
        "compared": None,
    }


def test_source_and_landing_are_shown_side_by_side_once_they_were_compared(
    mongo_workspace: Workspace, collection: Collection[Document]
) -> None:
    day = datetime(2026, 3, 4, tzinfo=UTC)
    collection.insert_many([{"ingestedAt": NOON, "sessionId": session} for session in ("s", "s", "s", [1])])
    assert mongo_workspace.run("extract", QUALITY_MAX_REJECTED="1").returncode == 0
    assert "documents not compared with the source yet: clogs extract --reconcile" in lines_of(
        mongo_workspace
    )
    collection.delete_one({"sessionId": "s"})
    collection.insert_many([{"ingestedAt": day, "sessionId": "late"} for _ in range(2)])
    assert mongo_workspace.run("extract", "--reconcile", QUALITY_MAX_REJECTED="1").returncode == 0
    lines = lines_of(mongo_workspace)
    place = lines.index("documents 5 in the source · 5 landed · 1 rejected · 1 deleted there")
    assert lines[place + 1].startswith("they add up · compared 20")
    compared = document_of(mongo_workspace)["extraction"]["compared"]
    assert is_recent(compared.pop("at"))
    assert compared == {"source": 5, "landed": 5, "rejected": 1, "pruned": 0, "deleted": 1}


def test_the_watermark_is_known_while_its_source_is_down(
    mongo_workspace: Workspace, collection: Collection[Document]
) -> None:
    collection.insert_one({"ingestedAt": NOON})
    assert mongo_workspace.run("extract").returncode == 0
    uri = mongo_workspace.environment["MONGO_URI"]
    login = uri.replace("mongodb://", "mongodb://ann:s3cret@")  # the server knows no users, and says so
    document = document_of(mongo_workspace, MONGO_URI=login)
    assert document["source"]["fault"]
    assert document["extraction"]["watermark"] == "2026-03-04T12:00:00Z"
    assert document["extraction"]["behind_seconds"] is None
    assert "watermark 2026-03-04 12:00:00 UTC" in lines_of(mongo_workspace, MONGO_URI=login)


def test_documents_without_a_date_are_counted_and_one_of_tomorrow_is_not_the_newest(
    mongo_workspace: Workspace, collection: Collection[Document]
) -> None:
    moments = [NOON, datetime.now(UTC) + timedelta(days=1), "2026-03-04"]
    collection.insert_many([{"ingestedAt": moment} for moment in moments] + [{"n": 1}])
    source = document_of(mongo_workspace)["source"]
    assert (source["newest"], source["undated"]) == ("2026-03-04T12:00:00Z", 2)
    undated = "2 documents without a Date in ingestedAt: only --reconcile and --full-backfill find them"
    assert undated in lines_of(mongo_workspace)


def test_a_warehouse_that_a_run_holds_is_a_fault(filled: Workspace) -> None:
    with run_lock(data_of(filled) / "state", command="load"), connect(warehouse_of(filled)):
        document, lines = document_of(filled), lines_of(filled)
    assert "Another program has the warehouse " in document["warehouse"]["fault"]
    assert document["warehouse"]["rows"] == {}
    assert document["landing"]["files"] > 0
    assert document["warehouse"]["fault"] in lines


def test_an_empty_warehouse(workspace: Workspace) -> None:
    with connect(warehouse_of(workspace)):
        pass
    lines = lines_of(workspace, MONGO_URI=DOWN)
    assert {"last load none yet", "rows 0 in raw.conversations", "timestamp none yet"} <= set(lines)


def test_the_last_five_loads_are_shown(workspace: Workspace) -> None:
    assert workspace.run("load", "--init-only").returncode == 0
    ledger = """
        INSERT INTO raw.ledger BY NAME
        SELECT 'file ' || i AS file, 10 AS bytes, i AS rows, i AS inserted, 0 AS updated, 0 AS unchanged,
            'run ' || i // 2 AS run,
            TIMESTAMPTZ '2026-03-04 12:00:00Z' + INTERVAL (i) MINUTE AS loaded_at, 'landed' AS status
        FROM range(14) AS files(i)
    """
    with connect(warehouse_of(workspace)) as connection:
        connection.execute(ledger)
    runs = document_of(workspace, MONGO_URI=DOWN)["warehouse"]["last_loads"]
    assert [run["run"] for run in runs] == ["run 6", "run 5", "run 4", "run 3", "run 2"]
    assert runs[0] == {"run": "run 6", "loaded_at": "2026-03-04T12:13:00Z", "files": 2, "rows": 12 + 13}


def test_hostile_names_drive_no_terminal(workspace: Workspace) -> None:
    fill(workspace)
    with connect(warehouse_of(workspace)) as connection:
        connection.execute('CREATE VIEW gold."\x1b[2J""x" AS SELECT 1')
    lines = lines_of(workspace, MONGO_URI=DOWN, MONGO_COLLECTION="\x1b[2Jy")
    assert lines[0] == "source clogs_tests.�[2Jy at 127.0.0.1:9"
    assert '�[2J"x 1' in " ".join(lines)
    assert "\x1b" not in "".join(lines)


def test_a_broken_view_is_a_fault(workspace: Workspace) -> None:
    fill(workspace)
    with connect(warehouse_of(workspace)) as connection:
        connection.execute("CREATE TABLE gone AS SELECT 1; CREATE VIEW gold.own AS FROM gone")
        connection.execute("DROP TABLE gone")
    finished = workspace.run("status", "--json", MONGO_URI=DOWN)
    assert finished.returncode == 1
    assert "gone does not exist" in json.loads(finished.stdout)["warehouse"]["fault"]


def test_a_foreign_file_among_the_dead_letters_is_a_fault(workspace: Workspace) -> None:
    folder = data_of(workspace) / "dead_letters"
    folder.mkdir(parents=True)
    (folder / "notes.jsonl").write_text("{}\n", encoding="utf-8")
    stdout = workspace.output("status", MONGO_URI=DOWN)
    assert f"dead letters  A file in {folder} does not hold dead letters: " in stdout


def test_what_is_damaged_in_the_state_folder_hides_nothing_else(
    mongo_workspace: Workspace, collection: Collection[Document]
) -> None:
    collection.insert_one({"ingestedAt": NOON})
    assert mongo_workspace.run("extract").returncode == 0
    state_dir = data_of(mongo_workspace) / "state"
    (state_dir / "runs").mkdir()
    (state_dir / "runs" / "20200101T000000-aaaaaa.json").touch()
    (file,) = state_dir.glob("extract-*.parquet")
    file.write_bytes(b"PAR1")
    finished = mongo_workspace.run("status")
    assert finished.returncode == 0
    assert "watermark     none yet: the next extract reads everything" in finished.stdout
    assert f"The extraction state {file} is damaged (" in finished.stderr
    assert mongo_workspace.run("extract").returncode == 0
    assert "watermark 2026-03-04 12:00:00 UTC · the source is not ahead" in lines_of(mongo_workspace)


@pytest.mark.parametrize(
    ("path", "fault"),
    [(f"/{'x' * 300}", "xxx: File name too long."), (__file__, " DuckDB file that this version can read.")],
)
def test_a_warehouse_that_cannot_be_read_ends_with_1(workspace: Workspace, path: str, fault: str) -> None:
    finished = workspace.run("status", "--json", MONGO_URI=DOWN, DUCKDB_PATH=path)
    assert finished.returncode == 1
    assert fault in json.loads(finished.stdout)["warehouse"]["fault"]
    assert fault in finished.stderr
    assert "clogs doctor" in finished.stderr
