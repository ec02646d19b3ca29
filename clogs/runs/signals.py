"""Ctrl-C, ``kill`` and a closed terminal all end a run the same way: tidily, with the right exit code."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from types import FrameType

SHELL_BASE = 128
"""A shell reports a program stopped by signal N as 128 + N."""

GRACE_SECONDS = 4.0
"""How long a run may take to end tidily. What a kill interrupts is consistent, too."""

AGAIN_AFTER_SECONDS = 2.0
"""When a signal comes once more: a library may have swallowed the first."""

AGAIN_SECONDS = 0.01
"""The same, where it is known to have been swallowed."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_heard: list[int] = []


def was_stopped() -> bool:
    """Tell whether a signal has come: whatever fails then, fails for that."""
    return bool(_heard)


class Stop:
    """Turns SIGINT, SIGTERM and SIGHUP into ``KeyboardInterrupt`` and remembers which one came.

    DuckDB turns an interrupt into an error of its own, so it is the memory that decides, not the exception.
    Now and then DuckDB hears none at all while it works on a query: then the grace decides.
    """

    @property
    def exit_code(self) -> int | None:
        """130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP, by the last that came; None where none did."""
        return SHELL_BASE + _heard[-1] if _heard else None

    def listen(self) -> None:
        """Install the handlers; only the main thread may. What is ignored, as by nohup, stays so."""
        for number in _SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._interrupt)
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        sys.unraisablehook = self._send_again
        signal.set_wakeup_fd(writer)  # written to at once, even while the main thread hears nothing
        threading.Thread(target=_end_after_grace, args=(reader,), daemon=True).start()

    def ignore_signals(self) -> None:
        """Hear none any more: all is done but to leave.

        Python ends by SIGINT, whatever the exit code, if the last string that ``exec`` ran was interrupted;
        making a dataclass runs some.
        """
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        exec("")  # noqa: S102  # so that an uninterrupted one is the last

    def _send_again(self, unraisable: sys.UnraisableHookArgs) -> None:
        """An interrupt that comes in a callback of a library is swallowed there: it comes once more."""
        if not (_heard and isinstance(unraisable.exc_value, KeyboardInterrupt)):
            sys.__unraisablehook__(unraisable)
            return
        threading.Timer(AGAIN_SECONDS, os.kill, (os.getpid(), _heard[-1])).start()

    def _interrupt(self, number: int, _frame: FrameType | None) -> None:
        _heard.append(number)
        if not isinstance(
            sys.exc_info()[1], KeyboardInterrupt
        ):  # nothing breaks into a tidy end but the grace
            raise KeyboardInterrupt


def _end_after_grace(reader: int) -> None:
    (number,) = os.read(reader, 1)
    time.sleep(AGAIN_AFTER_SECONDS)
    os.kill(os.getpid(), number)
    time.sleep(GRACE_SECONDS - AGAIN_AFTER_SECONDS)
    os.write(2, b"Stopped at once. Everything is consistent; the next run goes on from here.\n")
    os._exit(SHELL_BASE + number)
