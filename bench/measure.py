"""Run a command, and watch its time and memory."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PROJECT = Path(__file__).parent.parent
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join((str(PROJECT), str(PROJECT / "tests")))}
LOOK_EVERY = 0.02
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Measured:
    """How a command ran.

    Attributes:
        seconds: Wall time of the whole process, its start included.
        peak: The most memory, in bytes, that it and its children took at a time, if it was watched. What they
            share counts once (Linux's proportional set size).
        output: What it printed.
        cpu: Seconds of CPU of the process and its children, start included. Unlike wall time, they do not
            tell what else the machine does.
    """

    seconds: float
    peak: int
    output: str
    cpu: float


def measure(arguments: Sequence[str | Path], *, watch_memory: bool = False, **variables: str) -> Measured:
    """Run Python with ``arguments``, to its end.

    Args:
        arguments: After the interpreter's name.
        watch_memory: Look at its memory, which slows it down.
        variables: Environment variables.

    Raises:
        CalledProcessError: It failed.
    """
    started, spent = time.perf_counter(), _cpu()
    command = [sys.executable, *map(str, arguments)]
    with subprocess.Popen(command, env=ENVIRONMENT | variables, stdout=subprocess.PIPE, text=True) as process:
        peak = 0
        while watch_memory and process.poll() is None:
            peak = max(peak, sum(map(_memory, _family(process.pid))))
            time.sleep(LOOK_EVERY)
        output = process.stdout.read() if process.stdout else ""
        process.wait()
        seconds = time.perf_counter() - started
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Measured(seconds, peak, output, _cpu() - spent)


@contextmanager
def served(
    count: int, *, whole: bool = False, large: int = 0, hidden: int = 0
) -> Iterator[tuple[str, IO[str]]]:
    """Serve made-up documents.

    Args:
        count: How many.
        whole: The server ignores the projection.
        large: How many of them are of 15 MB.
        hidden: How many are not there yet.

    Yields:
        The server's URI; and a file: a line written to it shows what is hidden.
    """
    kind = "whole" if whole else "projected"
    command = [sys.executable, "-m", "bench.server", str(count), kind, str(large), str(hidden)]
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        if server.stdin is None or server.stdout is None:
            raise RuntimeError
        yield server.stdout.readline().strip(), server.stdin
        server.stdin.close()


def _cpu() -> float:
    """Seconds of CPU of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _family(process: int) -> Iterator[int]:
    yield process
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    except OSError:
        return
    for child in children:
        yield from _family(int(child))


def _memory(process: int) -> int:
    try:
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    (line,) = [line for line in rollup.splitlines() if line.startswith("Pss:")]
    return int(line.split()[1]) * 1024
