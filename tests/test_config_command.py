"""``clogs config`` shows the settings in force, where they are from, and no secret."""

from __future__ import annotations

import json
import re

from conftest import Workspace


def test_the_table_shows_keys_values_and_origins(workspace: Workspace) -> None:
    (workspace.folder / "clogs.toml").write_text('[transform]\ntimezone = "Asia/Tokyo"\n', encoding="utf-8")
    run = workspace.run("config", "--verbose", MONGO_URI="mongodb://ann:s3cret@db.example.com", COLUMNS="60")
    first, *lines = [re.split(r"  +", line) for line in run.stdout.splitlines()]
    assert (run.returncode, run.stderr) == (0, "")
    assert first == [f"Settings file: {workspace.folder / 'clogs.toml'}"]  # the only line that names it
    assert ["transform.timezone", "settings file", '"Asia/Tokyo"'] in lines
    assert ["mongo.uri", "environment variable MONGO_URI", '"mongodb://ann:***@db.example.com"'] in lines
    assert ["logging.level", "flag --verbose", '"DEBUG"'] in lines
    assert ["duckdb.memory_limit", "default", "-"] in lines


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
