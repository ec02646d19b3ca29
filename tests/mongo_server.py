"""A MongoDB-compatible server, alone or as a replica set of one, on files that outlive it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from clogs.commands.demo_server import free_port


class MongoServer:
    """The server, started and killed at will.

    Args:
        folder: Where its files are.
        options: Of its command line; without ``--standalone``, it has change streams.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self.uri = f"mongodb://127.0.0.1:{self.port}"
        self._folder = folder
        self._options = options
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        program = Path(sys.executable).with_name("secantusd-py")
        # without --sync-on-commit, it forgets what was written last when it is killed
        options = ["--port", str(self.port), "--storage-path", str(self._folder), "--sync-on-commit"]
        self._server = subprocess.Popen(
            [program, *options, *self._options],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with MongoClient[dict[str, Any]](self.uri, serverSelectionTimeoutMS=60_000) as client:
            client.admin.command("ping")

    def kill(self) -> None:
        """Kill it; what was written stays."""
        if self._server:
            self._server.kill()
            self._server.wait()


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[MongoServer]:
    """Run a `MongoServer` on an empty folder."""
    server = MongoServer(folder, *options)
    try:
        server.start()
        yield server
    finally:
        server.kill()
