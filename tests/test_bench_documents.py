"""What is measured with made-up documents holds for real ones only while they are alike."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from bson import decode, encode
from bson.codec_options import CodecOptions

from bench.documents import entries

Document = dict[str, Any]

COUNT = 20_000
READ_AS_WRITTEN: CodecOptions[Document] = CodecOptions(tz_aware=True)


def test_what_measures_can_be_started() -> None:
    command = [sys.executable, "-c", "import bench.__main__"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(command, cwd=Path(__file__).parent.parent, env=environment, check=True)


@cache
def documents() -> list[Document]:
    return list(entries(COUNT))


@cache
def encoded() -> list[bytes]:
    return [encode(document) for document in documents()]


@cache
def sizes() -> list[int]:
    return sorted(map(len, encoded()))


def test_a_seed_makes_the_same_documents_each_time() -> None:
    assert list(entries(500, seed=7)) == list(entries(500, seed=7))


def test_another_seed_makes_others() -> None:
    assert list(entries(500, seed=7)) != list(entries(500, seed=8))


@pytest.mark.parametrize(
    ("rank", "real"), [(10_000, 1_052), (18_000, 5_856), (19_800, 45_944), (19_980, 113_598)]
)
def test_sizes_are_spread_as_real_ones_are(rank: int, real: int) -> None:
    assert sizes()[rank] == pytest.approx(real, rel=0.15)


@pytest.mark.parametrize(
    ("kind", "percent"),
    [("assistant", 37.6), ("progress", 33.7), ("user", 22.2), ("file-history-snapshot", 2.7)],
)
def test_types_are_as_frequent_as_in_real_logs(kind: str, percent: float) -> None:
    types = Counter(document["type"] for document in documents())
    assert 100 * types[kind] / COUNT == pytest.approx(percent, rel=0.15)


def test_a_hundred_documents_arrive_at_a_time() -> None:
    arrivals = [document["ingestedAt"] for document in documents()]
    assert arrivals[::100] == sorted(set(arrivals))
    assert set(Counter(arrivals).values()) == {100}
    assert arrivals == sorted(arrivals)


def test_ids_ascend() -> None:
    ids = [document["_id"] for document in documents()]
    assert ids == sorted(set(ids))


def test_bson_holds_each_document_as_it_is() -> None:
    assert [decode(document, READ_AS_WRITTEN) for document in encoded()] == documents()


def test_one_uuid_in_a_hundred_stands_in_two_files() -> None:
    files = Counter(document["uuid"] for document in documents() if "uuid" in document)
    assert Counter(files.values())[2] / len(files) == pytest.approx(0.01, rel=0.5)


def test_one_document_in_thirty_has_no_timestamp() -> None:
    undated = [document for document in documents() if "timestamp" not in document]
    assert len(undated) / COUNT == pytest.approx(0.03, rel=0.15)
