"""Batches become Parquet files in partitions, and come back as they were."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import landed_in
from rows import screened

from clogs.errors import ClogsError
from clogs.landing.files import digest_in_name, land, partition
from clogs.schema import COLUMNS

Document = dict[str, Any]

ENTRIES = [
    {"_id": 1, "timestamp": "2026-11-21T23:59:59.999Z", "message": {"role": "user", "content": "é\0👩"}},
    {"_id": 2, "timestamp": "2026-11-20T00:00:00.000Z", "isMeta": True},
    {"_id": 3, "timestamp": "2026-11-21T00:00:00.000Z"},
]


def frame(documents: Sequence[Document]) -> pl.DataFrame:
    return screened(documents, at=datetime(2026, 11, 22, tzinfo=UTC))[0]


def test_each_date_has_a_file(tmp_path: Path) -> None:
    land(frame(ENTRIES), tmp_path, name="run_00000")
    files = landed_in(tmp_path)
    digests = [hashlib.sha256(file.read_bytes()).hexdigest()[:16] for file in files]
    assert files == [
        tmp_path / "date=2026-11-20" / f"conversations_run_00000_{digests[0]}.parquet",
        tmp_path / "date=2026-11-21" / f"conversations_run_00000_{digests[1]}.parquet",
    ]
    assert [digest_in_name(file) for file in files] == digests
    assert pl.read_parquet(files[1])["_id"].to_list() == ["1", "3"]


def test_a_file_has_its_format_in_its_metadata(tmp_path: Path) -> None:
    land(frame(ENTRIES), tmp_path, name="run")
    file, *_ = landed_in(tmp_path)
    assert pl.read_parquet_metadata(file)["clogs.format"] == "1"


def test_what_is_landed_is_read_back_as_it_was(tmp_path: Path) -> None:
    expected = frame(ENTRIES)
    land(expected, tmp_path, name="run")
    again = pl.read_parquet(tmp_path, hive_partitioning=True).select(column.name for column in COLUMNS)
    assert again.sort("_id").equals(expected)


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    land(frame(ENTRIES), tmp_path / "raw", name="run")
    file, *_ = landed_in(tmp_path / "raw")
    assert [path.stat().st_mode & 0o777 for path in (file, *file.parents[:2])] == [0o600, 0o700, 0o700]


def test_a_batch_without_rows_makes_no_file(tmp_path: Path) -> None:
    assert land(frame([]), tmp_path, name="run") == []


def test_landing_files_are_listed_by_date_and_half_written_ones_are_not(tmp_path: Path) -> None:
    assert list(landed_in(tmp_path)) == []
    files = [*land(frame(ENTRIES), tmp_path, name="b"), *land(frame(ENTRIES), tmp_path, name="a")]
    (tmp_path / "date=2026-11-20" / ".writing-1-conversations_c.parquet").touch()
    assert list(landed_in(tmp_path)) == sorted(files)


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2026, 1, 2), "date=2026-01-02"),
        (date(1, 1, 1), "date=0001-01-01"),
        (date.max, "date=9999-12-31"),
    ],
)
def test_a_partition_is_named_by_its_date(tmp_path: Path, day: date, name: str) -> None:
    assert partition(tmp_path, day) == tmp_path / name


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_an_error_and_leaves_no_file(tmp_path: Path) -> None:
    entries = frame([{"_id": number, "text": f"{number:099}"} for number in range(999)])
    with pytest.raises(
        ClogsError, match=r"^Cannot write .*/conversations_run_\w+\.parquet: File too large\.$"
    ):
        land(entries, tmp_path, name="run")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
