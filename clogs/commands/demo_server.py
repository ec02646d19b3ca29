"""A MongoDB-compatible server in memory, for the demo: a process that ends when its parent does."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from clogs.errors import ClogsError

SECONDS_TO_START = 30


@contextmanager
def mongo_server() -> Iterator[str]:
    """Start a server on a free port of the loopback interface, and stop it."""
    if importlib.util.find_spec("nx_27017") is None:
        raise ClogsError(
            "The demo needs a small MongoDB-compatible server, which is not installed.",
            hint="Add it: pipx inject clogs nx-27017; or install clogs with it, in its checkout: "
            "pipx install --force '.[demo]', or: uv tool install --force '.[demo]'",
        )
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="clogs-server-") as folder:
        command = [sys.executable, "-m", __name__, str(port), f"{folder}/server.pid"]
        with subprocess.Popen(  # noqa: S603  # our own interpreter and module
            command,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the parent, which stops the server when it ends
        ) as server:
            try:
                _wait_until_open(port, server)
                yield f"mongodb://127.0.0.1:{port}"
            finally:
                server.kill()  # it keeps everything in memory: nothing is lost


def free_port() -> int:
    """Find a port of the loopback interface that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_until_open(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while server.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise ClogsError("The demo's MongoDB-compatible server did not start.", hint="Try again: clogs demo")


def _serve(port: str, pid_file: str) -> None:
    """Serve until standard input ends: it does even if the parent is killed."""
    from nx_27017.nx_27017 import main

    threading.Thread(target=_exit_with_parent, daemon=True).start()
    sys.argv = ["nx-27017", "--db", "memory", "--port", port, "--pid-file", pid_file]
    main()


def _exit_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    _serve(*sys.argv[1:])
