"""Run clogs with a fault: ``python dying.py FAULT AT ARGUMENTS...``.

``killed-at N`` kills it before its N-th touch of the disk below ``DATA_DIR``; ``killed-beyond N`` when a file
is to grow beyond N bytes; ``full-at N`` lets no file grow beyond N bytes, as if the disk were full.
"""

from __future__ import annotations

import os
import resource
import signal
import sys

TOUCHING = {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir"}
"""What Python announces before it touches a disk. What DuckDB does itself it does not know."""


class Killer:
    """An audit hook that kills this process."""

    def __init__(self, touches: int) -> None:
        self.left = touches
        self.below = os.environ["DATA_DIR"]

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if event not in TOUCHING or not str(arguments[0]).startswith(self.below):
            return
        if event == "open" and not int(str(arguments[2])) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)


def main(fault: str, at: int) -> None:
    """Arrange for the fault, and run clogs."""
    from clogs.cli import main as run

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if fault == "killed-at":
        sys.addaudithook(Killer(at))
    if fault == "killed-beyond":
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    if fault in {"killed-beyond", "full-at"}:
        resource.setrlimit(resource.RLIMIT_FSIZE, (at, at))
    sys.argv = ["clogs", *sys.argv[3:]]
    run()


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main(sys.argv[1], int(sys.argv[2]))
