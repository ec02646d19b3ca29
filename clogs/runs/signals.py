"""Ctrl-C, ``kill`` and a closed terminal all end a run the same way: tidily, with the right exit code."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SHELL_BASE = 128  # a shell reports a program stopped by signal N as 128 + N
GRACE_SECONDS = 4.0  # to end tidily; a killed run leaves everything consistent, too
AGAIN_AFTER_SECONDS = 2.0  # the signal is sent again: a library may have swallowed the first
AGAIN_SECONDS = 0.01  # the same, where Python reports that it was swallowed

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_received: list[int] = []
_deferred: list[Callable[[], object]] = []


def was_stopped() -> bool:
    """Return whether a signal has come: whatever fails after it, fails because of it."""
    return bool(_received)


def exit_code() -> int | None:
    """Return 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP, the last that came; None if none did.

    The signal decides, not the exception: DuckDB turns an interrupt into an error of its own.
    """
    return SHELL_BASE + _received[-1] if _received else None


def listen() -> None:
    """Turn SIGINT, SIGTERM and SIGHUP into ``KeyboardInterrupt``; only the main thread may call this.

    A signal that is ignored, as by nohup, stays ignored. Now and then DuckDB notices none while it works on
    a query: then the process ends after the grace.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    sys.unraisablehook = _send_again
    signal.set_wakeup_fd(writer)  # written to at once, even while the main thread is busy in a library
    threading.Thread(target=_end_after_grace, args=(reader,), daemon=True).start()


@contextmanager
def deferred_signals(interrupt: Callable[[], object]) -> Iterator[None]:
    """Raise ``KeyboardInterrupt`` only at the end, but call ``interrupt`` as soon as a signal comes."""
    before = len(_received)
    _deferred.append(interrupt)
    try:
        yield
    finally:
        _deferred.pop()
        if len(_received) > before:
            raise KeyboardInterrupt


def ignore_signals() -> None:
    """Ignore signals from here on: nothing is left to do but exit."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    _received.append(number)
    if _deferred:
        _deferred[-1]()
        return
    # a second signal must not break into the tidy end that the first one began
    if not isinstance(sys.exc_info()[1], KeyboardInterrupt):
        raise KeyboardInterrupt


def _send_again(unraisable: sys.UnraisableHookArgs) -> None:
    """Repeat an interrupt that came in a library's callback, where it is swallowed."""
    if not (_received and isinstance(unraisable.exc_value, KeyboardInterrupt)):
        sys.__unraisablehook__(unraisable)
        return
    threading.Timer(AGAIN_SECONDS, os.kill, (os.getpid(), _received[-1])).start()


def _end_after_grace(reader: int) -> None:
    (number,) = os.read(reader, 1)
    time.sleep(AGAIN_AFTER_SECONDS)
    os.kill(os.getpid(), number)
    time.sleep(GRACE_SECONDS - AGAIN_AFTER_SECONDS)
    if os.isatty(2):
        os.write(2, b"\r\x1b[K\x1b[?25h")  # a bar would stand here, and have hidden the cursor
    os.write(2, b"Stopped at once. Everything is consistent; the next run goes on from here.\n")
    os._exit(SHELL_BASE + number)
