"""A file is whole or absent, and only its owner can read it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from clogs.errors import ClogsError
from clogs.files import bundled, make_private_dir, reading, sweep_temporary, write_atomic, writing

pytestmark = pytest.mark.every_python


class CrashError(Exception):
    """What a writer fails with."""


def crash(temporary: Path) -> None:
    temporary.write_text("half")
    raise CrashError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    write_atomic(path, lambda path: path.write_text("old, and longer"))
    write_atomic(path, lambda path: path.write_text("new"))
    assert path.read_text() == "new"
    assert names(path.parent) == ["file"]


def test_nothing_is_seen_under_the_files_name_before_it_is_whole(tmp_path: Path) -> None:
    def write(temporary: Path) -> None:
        temporary.write_text("whole")
        assert names(tmp_path) == [temporary.name]

    write_atomic(tmp_path / "file", write)
    assert names(tmp_path) == ["file"]


def test_a_crash_while_writing_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(CrashError):
        write_atomic(path, crash)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("place", "reason"), [("file", ".*/file is not a folder"), ("file/below", "Not a directory")]
)
def test_a_file_where_a_folder_should_be(tmp_path: Path, place: str, reason: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ClogsError, match=rf"^Cannot write {tmp_path}/{place}: {reason}\.$") as raised:
        make_private_dir(tmp_path / place)
    assert "clogs config" in str(raised.value.hint)


def test_a_read_only_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted = os.statvfs(tmp_path)
    read_only = os.statvfs_result([*mounted[:8], mounted.f_flag | os.ST_RDONLY, *mounted[9:]])
    monkeypatch.setattr(os, "statvfs", lambda _folder: read_only)
    with pytest.raises(ClogsError, match=r"^Cannot write .*: the file system of .* is read-only\.$"):
        make_private_dir(tmp_path)


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(ClogsError, match=r"^Cannot write .*/file: File too large\.$"):
        write_atomic(path, lambda path: path.write_bytes(b"x" * 2000))
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_only_their_owner_can_read_files_and_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    write_atomic(path, lambda path: path.write_text("x"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.parent.parent.stat().st_mode & 0o777 == 0o700


def test_an_existing_folder_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    assert make_private_dir(tmp_path) == tmp_path
    assert tmp_path.stat().st_mode & 0o777 == 0o750


def test_what_killed_runs_left_is_swept(tmp_path: Path) -> None:
    below = make_private_dir(tmp_path / "date=2026-11-22")
    (below / ".writing-1-conversations_x.parquet").write_text("half")
    (tmp_path / ".writing-1-state").write_text("half")
    (below / "conversations_y.parquet").write_text("whole")
    sweep_temporary(tmp_path)
    sweep_temporary(tmp_path / "absent")
    assert names(tmp_path) == ["date=2026-11-22"]
    assert names(below) == ["conversations_y.parquet"]


@pytest.mark.parametrize("name", ["clogs.toml", "transforms"])
def test_what_ships_with_clogs_is_found(name: str) -> None:
    assert bundled(name).exists()


@pytest.mark.parametrize(("guard", "verb"), [(reading, "read"), (writing, "write")])
def test_errors_of_the_system_are_explained(
    tmp_path: Path, guard: Callable[[Path], AbstractContextManager[None]], verb: str
) -> None:
    path = tmp_path / "absent"
    with (
        pytest.raises(ClogsError, match=rf"^Cannot {verb} {path}: No such file or directory\.$"),
        guard(path),
    ):
        path.read_bytes()
