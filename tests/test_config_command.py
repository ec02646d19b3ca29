"""``clogs config`` shows the settings in force, where they are from, and no secret."""

from __future__ import annotations

import json

from conftest import Workspace


def test_the_table_shows_keys_values_and_origins(workspace: Workspace) -> None:
    (workspace.folder / "clogs.toml").write_text('[transform]\ntimezone = "Asia/Tokyo"\n', encoding="utf-8")
    run = workspace.run("config", "--verbose", MONGO_URI="mongodb://ann:s3cret@db.example.com", COLUMNS="400")
    lines = [line.rstrip().split(maxsplit=2) for line in run.stdout.splitlines()]
    assert (run.returncode, run.stderr) == (0, "")
    assert lines[0] == ["Settings", "file:", str(workspace.folder / "clogs.toml")]
    assert ["transform.timezone", '"Asia/Tokyo"', str(workspace.folder / "clogs.toml")] in lines
    assert ["mongo.uri", '"mongodb://ann:***@db.example.com"', "environment variable MONGO_URI"] in lines
    assert ["logging.level", '"DEBUG"', "flag --verbose"] in lines
    assert ["duckdb.memory_limit", "-", "default"] in lines


def test_json_is_one_document_of_values_and_origins(workspace: Workspace) -> None:
    run = workspace.run("config", "--json", MONGO_URI="mongodb://ann:s3cret@db.example.com")
    document = json.loads(run.stdout)
    assert document["file"] is None
    assert document["settings"]["mongo.uri"] == {
        "value": "mongodb://ann:***@db.example.com",
        "origin": "environment variable MONGO_URI",
    }
    assert document["settings"]["pipeline.lookback"] == {"value": "15 min", "origin": "default"}


def test_faults_end_with_code_78_and_show_no_secret(workspace: Workspace) -> None:
    run = workspace.run("config", MONGO_URI="postgres://ann:s3cret@db", DUCKDB_THREADS="0")
    assert run.returncode == 78
    assert run.stdout == ""
    assert "The settings have 2 faults:" in run.stderr
    assert "s3cret" not in run.stderr
