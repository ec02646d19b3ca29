"""The terminal: data goes to stdout, everything else to stderr, and both rules live here."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, TextIO

from clogs.errors import UsageError
from clogs.terminal.logs import LogLines
from clogs.terminal.progress import ProgressBar, ProgressDisplay, ProgressLines

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    from clogs.errors import ClogsError

PLAIN_WIDTH = 10_000
"""Columns for tables that go to a file or a pipe: wide enough that no cell is broken into lines."""

_OBEYED = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What JSON leaves unescaped, though a terminal may obey it or turn text around."""

_BEFORE_UNIT = re.compile(r"(?<=\d) (?=[A-Za-z])|(?:(?<=\d min)|(?<=\d [hd])) (?=\d)")
_JOINT = "\ue000"
"""Stands for a blank while lines are broken; it is one column wide, and no word ends at it."""

logger = logging.getLogger("clogs")


class Terminal:
    """Standard output for data, standard error for people.

    With ``stdout_json`` a failure is printed as JSON on stdout, too.
    """

    def __init__(self, *, stdout_json: bool = False) -> None:
        self.stdout_json = stdout_json
        self._json_written = False

    @cached_property
    def _out(self) -> Console:
        return _console(stderr=False)

    @cached_property
    def _err(self) -> Console:
        return _console(stderr=True)

    @property
    def width(self) -> int:
        """Columns of a line on stdout; `PLAIN_WIDTH` where it has no limit."""
        return self._out.width

    @property
    def has_width(self) -> bool:
        """Whether lines on stdout have a limit: on a terminal, or where COLUMNS sets one."""
        return self.width != PLAIN_WIDTH

    def write(self, data: RenderableType, *, whole: bool = False) -> None:
        """Print data, a plain string or anything rich can draw, on stdout; `whole` lets lines be longer."""
        console = self._out
        if whole:
            console = _console(stderr=False)
            console.width = PLAIN_WIDTH
        console.print(data, markup=False, highlight=False, soft_wrap=whole or isinstance(data, str))

    def write_json(self, document: object) -> None:
        """Print exactly one JSON document on stdout: anything that msgspec can encode."""
        sys.stdout.buffer.write(f"{json_text(document, indent=2)}\n".encode())
        sys.stdout.flush()
        self._json_written = True

    def summarize(self, result: object, text: RenderableType) -> None:
        """Print what a run did: the result where JSON was asked for, else a text, not under ``--quiet``."""
        if self.stdout_json:
            self.write_json(result)
        elif not is_quiet():
            self.write(text)

    def say(self, text: str) -> None:
        """Print a message on stderr; ``--quiet`` silences it."""
        logger.info("%s", text)

    def confirm(self, question: str, *, hint: str = "To go on without being asked, add --yes.") -> bool:
        """Ask at the terminal, on stderr; anything but yes is no.

        Raises:
            UsageError: stdin is not a terminal.
        """
        if not (sys.stdin and sys.stdin.isatty()):
            raise UsageError(f"{question} Nobody can answer here.", hint=hint)
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)  # noqa: T201  # no progress, no log line
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def fail(self, error: ClogsError) -> None:
        """Print what failed and what to do next, on stderr, and on stdout where JSON was asked for."""
        logger.error("%s", error.message)
        for hint in (error.hint or "").splitlines():
            logger.error("  → %s", hint)
        if self.stdout_json and not self._json_written:
            document = {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}
            self.write_json({"error": document})

    @contextmanager
    def progress(self, label: str) -> Iterator[ProgressDisplay]:
        """Show progress: a bar on a terminal, a line now and then elsewhere, nothing under ``--quiet``."""
        if is_quiet():
            display = ProgressDisplay()
        elif self._err.is_terminal and not self._err.is_dumb_terminal:
            display = ProgressBar(self._err, label)
        else:
            display = ProgressLines(self.say, label)
        try:
            yield display
        except BaseException:
            display.close(keep=True)
            raise
        display.close()


def json_text(document: object, *, indent: int = 0) -> str:
    """Write anything that msgspec can encode as JSON, on one line without `indent`."""
    import msgspec

    encoder = msgspec.json.Encoder(enc_hook=str, decimal_format="number")
    encoded = encoder.encode(document)
    text = (msgspec.json.format(encoded, indent=indent) if indent else encoded).decode()
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def configure_logging(*, level: str, log_format: str) -> None:
    """Send clogs' own messages to stderr, and no others: Python would print warnings of libraries, too.

    The format is ``text``, bare on a terminal and with time and level elsewhere, or ``json``.
    """
    handler = _StderrHandler(level)
    if log_format == "json":
        handler.setFormatter(_JSONLines())
    else:
        handler.setFormatter(LogLines("%(message)s") if sys.stderr.isatty() else LogLines())
    logging.getLogger().handlers = [logging.NullHandler()]
    logger.handlers = [handler]
    logger.setLevel(logging.DEBUG)  # the log file takes every level
    logger.propagate = False
    logging.raiseExceptions = False  # a full disk under the log must neither end a run nor print a traceback


def is_quiet() -> bool:
    """Return whether only warnings and errors are shown."""
    # by its exact type: the log file's handler is of a subclass, and takes every level
    shown = (each.level for each in logger.handlers if type(each) is _StderrHandler)
    return not any(level <= logging.INFO for level in shown)


class _StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to stderr as it is at the time: a bar takes its place, and puts lines above itself."""

    def __init__(self, level: str) -> None:
        logging.Handler.__init__(self, level)  # the stream is not for anyone to set

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


class _JSONLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": moment, "level": record.levelname, "message": record.getMessage()}
        return json.dumps(line)  # escapes all but ASCII, and so whatever a terminal would obey


def _console(*, stderr: bool) -> Console:
    from rich.console import Console
    from rich.text import Text

    class _Console(Console):
        def render(
            self, renderable: RenderableType, options: ConsoleOptions | None = None
        ) -> Iterator[Segment]:
            """Break no line between a number and its unit; rich would do so at NO-BREAK SPACE, too."""
            if isinstance(renderable, Text):
                renderable = renderable.copy()
                renderable.plain = _BEFORE_UNIT.sub(_JOINT, renderable.plain)
            for segment in super().render(renderable, options):
                yield segment._replace(text=segment.text.replace(_JOINT, " "))

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would exit with code 1, though the reader has just seen enough

    console = _Console(stderr=stderr, emoji=False)
    if not console.is_terminal and "COLUMNS" not in console._environ:  # noqa: SLF001
        console.width = PLAIN_WIDTH
    return console
