"""Views of objects in a bucket, as a warehouse of Spark's tables has them."""

from __future__ import annotations

import sys
from collections import Counter

import polars as pl
import pytest
from bucket import Bucket
from built import fill, warehouse_of
from conftest import Workspace
from test_load import SCHEMA, row

from clogs import warehouse
from clogs.errors import ClogsError, UnavailableError
from clogs.landing import objects
from clogs.landing.files import land
from clogs.landing.objects import ObjectPath
from clogs.landing.views import connect, let_read


@pytest.fixture
def seen(remote: Workspace, landing: ObjectPath) -> Workspace:
    """A workspace whose documents are two objects."""
    fill(remote)
    rows = pl.DataFrame([row("a"), row("b")], SCHEMA)
    files = [*land(rows.head(1), landing, name="1"), *land(rows.tail(1), landing, name="2")]
    query = f"FROM read_parquet({[str(each) for each in files]}, hive_partitioning = false)"
    with warehouse.connect(warehouse_of(remote)) as connection:
        for _ in range(2):
            let_read(connection, [query])
        connection.execute(f"DROP TABLE raw.conversations; CREATE VIEW raw.conversations AS {query}")
    return remote


def test_a_question_asks_three_times_for_an_object(seen: Workspace, bucket: Bucket) -> None:
    bucket.requests.clear()
    assert seen.output("query", "-f", "csv", "SELECT _id FROM raw.conversations ORDER BY 1") == "_id\na\nb\n"
    requests = Counter(request.split()[0] for request in bucket.requests)
    assert requests == {"HEAD": 2, "GET": 4}  # the end of each, which says where the rows are, and these


def test_an_object_that_is_gone_is_a_short_error(seen: Workspace, landing: ObjectPath) -> None:
    for path in objects.listed(landing):
        objects.delete(path)
    asked = "SELECT count(*) FROM raw.conversations"
    stderr = seen.refusal("query", asked, code=UnavailableError.exit_code)
    assert "the store answers with 404." in stderr
    assert len(stderr.splitlines()) == 2


def test_what_reads_them_may_be_missing(seen: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    monkeypatch.delitem(sys.modules, "clogs.landing.object_files", raising=False)
    with pytest.raises(ClogsError, match="fsspec"), connect(warehouse_of(seen), read_only=True):
        pass
