"""The server that the demo and these tests start: it answers, and it never outlives its parent."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from clogs.commands import demo_server
from clogs.commands.demo_server import free_port, mongo_server
from clogs.errors import ClogsError

HOLD = """
from clogs.commands.demo_server import mongo_server
with mongo_server():
    print(flush=True)
    input()
"""


def children(pid: int) -> list[int]:
    """The processes that a process has started and that are still there."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    return [int(child) for child in listed.split()]


def ends(pid: int) -> bool:
    """Whether a process that is no child of ours ends within some seconds."""
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}/cmdline").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return not Path(f"/proc/{pid}/cmdline").exists()


def test_it_keeps_documents_and_leaves_nothing_behind() -> None:
    before = set(children(os.getpid()))
    with mongo_server() as uri, MongoClient[dict[str, Any]](uri) as client:
        client["db"]["c"].insert_one({"_id": 1, "a.b": 2})
        assert client["db"]["c"].find_one() == {"_id": 1, "a.b": 2}
    assert set(children(os.getpid())) == before


def test_two_servers_know_nothing_of_each_other() -> None:
    with mongo_server() as one, mongo_server() as other, MongoClient[dict[str, Any]](other) as client:
        assert one != other
        assert client["db"]["c"].count_documents({}) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_it_ends_with_a_parent_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        (server,) = children(parent.pid)
        parent.kill()
    assert ends(server)


def test_a_free_port_differs_from_one_in_use() -> None:
    with mongo_server() as uri:
        assert not uri.endswith(f":{free_port()}")


def test_without_the_server_installed_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nx_27017", None)
    with pytest.raises(ClogsError, match="is not installed") as caught, mongo_server():
        pass
    assert "pipx install --force '.[demo]'" in str(caught.value.hint)


def test_a_server_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_server, "__name__", "clogs.nothing")
    with pytest.raises(ClogsError, match="did not start"), mongo_server():
        pass
