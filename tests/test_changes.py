"""Models that follow changes are always what they would be if they were built from nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from built import SAMPLES
from following import Following, following, rows_of
from model_cases import NAMES, Row, answer, assistant, at, call, entry, result, user

CASES = int(os.environ.get("CLOGS_TEST_CASES", "50"))
FILES = 12

EDITS = {
    "another time": "SET timestamp = timestamp + to_days(CAST(hash(_id) % 60 AS INTEGER) - 30)",
    "no time": "SET timestamp = NULL",
    "another session": "SET session_id = (SELECT max(session_id) FROM raw.conversations)",
    "no session": "SET session_id = NULL",
    "another project": "SET project_id = '-somewhere-else'",
    "another message": "SET message_raw = (SELECT max(message_raw) FROM raw.conversations), message_content = 'x'",
    "no message": "SET message_raw = NULL, message_content = NULL",
    "another identity": "SET uuid = (SELECT max(uuid) FROM raw.conversations)",
    "no identity": "SET uuid = NULL",
    "another request": "SET request_id = (SELECT max(request_id) FROM raw.conversations)",
    "a copy": "SET source_file = 'x/subagents/agent-acompact-1.jsonl'",
    "no copy": "SET source_file = 'x.jsonl'",
    "another type": "SET type = 'user'",
}


@pytest.fixture(scope="module", params=["samples", "transcripts"])
def real(request: pytest.FixtureRequest, models: Following, tmp_path_factory: pytest.TempPathFactory) -> Following:
    """All rows of transcripts in a table ``arriving``, each with the number of its file."""
    folder = SAMPLES if request.param == "samples" else request.getfixturevalue("transcripts")
    rows = rows_of(folder, tmp_path_factory.mktemp(request.param))
    models.run(
        f"CREATE OR REPLACE TEMP TABLE arriving AS SELECT * FROM read_parquet('{rows}')",
        "SELECT count(*) FROM arriving",
    )
    return models


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Following]:
    with following(tmp_path_factory.mktemp("following")) as opened:
        yield opened


@pytest.fixture
def empty(models: Following) -> Following:
    models.change("DELETE FROM raw.conversations", ids="SELECT _id FROM raw.conversations")
    models.follow()
    return models


@pytest.mark.parametrize("seed", range(CASES))
def test_after_any_loads_in_any_order(real: Following, empty: Following, seed: int) -> None:
    dice = Random(seed)  # noqa: S311  # the same cases each time
    files = f"SELECT split_part(_id, '-', 1) FROM arriving GROUP BY 1 ORDER BY hash(split_part(_id, '-', 1), {seed}) LIMIT {FILES}"
    loads = dice.randint(2, 4)
    for load in range(loads):
        arrived = f"SELECT * FROM arriving WHERE hash(_id, {seed}) % {loads} = {load} AND split_part(_id, '-', 1) IN ({files})"
        empty.change(f"INSERT INTO raw.conversations {arrived}", ids=f"SELECT _id FROM ({arrived})")
        if dice.random() < 0.5:
            empty.follow()
        for edit in dice.sample(list(EDITS), dice.randint(0, 3)):
            some = f"SELECT _id FROM raw.conversations WHERE hash(_id, {dice.getrandbits(30)}) % 40 = 0"
            empty.change(f"CREATE OR REPLACE TEMP TABLE chosen AS {some}", f"UPDATE raw.conversations {EDITS[edit]} WHERE _id IN (FROM chosen)", ids=some)
        if dice.random() < 0.4:
            gone = f"SELECT _id FROM raw.conversations WHERE hash(_id, {dice.getrandbits(30)}) % 25 = 0"
            empty.change(f"DELETE FROM raw.conversations WHERE _id IN ({gone})", ids=gone)
        empty.follow()
        assert empty.differences() == {}
    assert empty.run("SELECT count(*) > 0 FROM gold.fct_messages") == [(True,)]


def insert(models: Following, *rows: Row) -> None:
    """Load documents, in place of those of the same ``_id``, and follow."""
    path = json.dumps([row["_id"] for row in rows])
    ids = f"SELECT unnest(from_json('{path}', '[\"VARCHAR\"]')) AS _id"
    values = ", ".join("(" + ", ".join(_literal(row[name]) for name in NAMES) + ")" for row in rows)
    models.change(
        f"DELETE FROM raw.conversations WHERE _id IN ({ids})", f"INSERT INTO raw.conversations VALUES {values}", ids=ids
    )
    models.follow()
    assert models.differences() == {}


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, bool) else "'" + str(value).replace("'", "''") + "'"
