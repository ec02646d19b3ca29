"""What PySpark, Java and the catalog raise, as errors of ours: what failed, why, and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import msgspec

from clogs import errors
from clogs.errors import ClogsError, UnavailableError
from clogs.redact import hide_logins


class _Fault(NamedTuple):
    """A kind of error: what its text or Spark's log has in it, and what is said then."""

    pattern: str
    kind: type[ClogsError]
    hint: str
    reason: str | None = None  # unless the error says it best


_LOG = "What Spark wrote is in spark.log in the state folder."
_JAVA = "Install Java 17 or 21, and point JAVA_HOME or PATH at it."
_JARS = (
    "Let spark.jars in spark.config (SPARK_CONFIG) name Iceberg's runtime for Spark 4.1 and the catalog's"
    " driver, or leave it out: then Spark fetches both from Maven."
)
_FAULTS = (
    _Fault("UnsupportedClassVersionError", ClogsError, _JAVA, "this Java is too old."),
    _Fault("java: (No such|.*not found)|JAVA_HOME is not set", ClogsError, _JAVA, "Java was not found."),
    _Fault(
        "All masters are unresponsive",
        UnavailableError,
        "Start the cluster, or set spark.master (SPARK_MASTER).",
        "no master answers.",
    ),
    _Fault("unresolved dependency", UnavailableError, _JARS, "jars cannot be fetched from Maven."),
    _Fault("Cannot find catalog plugin class|No suitable driver", ClogsError, _JARS),
    _Fault(
        "SQLITE_BUSY|SQLITE_LOCKED",
        UnavailableError,
        "Another program has it open: end that, then run this again. Nothing is lost.",
    ),
    _Fault(
        r"\b(SQL|SQLite|Connect|UnknownHost|REST|Forbidden|NotAuthorized|Meta|AccessControl)Exception\b",
        UnavailableError,
        "Check that the catalog runs and that you may write to it, then run this again. Nothing is lost.",
    ),
)
_CAUSE = re.compile(r"^Caused by: (.*)", re.MULTILINE)
_CLASS = re.compile(r"^:? ?(?:[a-z]\w*\.)+[\w$]+: ")


@contextmanager
def naming(what: str, log: Callable[[], str] = str) -> Iterator[None]:
    """Map the errors of PySpark and of its way to Java to ours; those of ours in a task come back as such.

    Args:
        what: What has failed then, which begins the message.
        log: What Spark has written meanwhile, which says more where it does not start.

    Raises:
        ClogsError: One was raised.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError, OSError) as exc:
        text = str(exc) or type(exc).__name__
        raise _of_task(text) or _error(what, text, log()) from exc


def as_text(error: ClogsError) -> str:
    """Write an error of ours down, to be sent by a task."""
    return msgspec.json.encode((type(error).__name__, error.message, error.hint)).decode()


def from_text(text: str) -> ClogsError:
    """Make the error of `as_text` again."""
    kind, message, hint = msgspec.json.decode(text)
    error: ClogsError = getattr(errors, kind)(message, hint=hint)
    return error


def _of_task(text: str) -> ClogsError | None:
    """The error of ours that a task ended with, if it was one."""
    found = re.search(rf"^{errors.__name__}\.(\w+): (.+)$", text, re.MULTILINE)
    return getattr(errors, found[1])(found[2], hint=_LOG) if found else None


def _error(what: str, text: str, log: str) -> ClogsError:
    """What failed, with the reason and the hint of the first kind that it is of."""
    reason = _reason(text)
    for fault in _FAULTS:
        if re.search(fault.pattern, f"{text}\n{log}"):
            return fault.kind(f"{what}: {fault.reason or reason}", hint=fault.hint)
    return ClogsError(f"{what}: {reason}", hint=_LOG)


def _reason(text: str) -> str:
    """What an error of Java's or Spark's says, without stacks and plans: its first line and last cause."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith("An error occurred while calling")]
    first, *last = (_CLASS.sub("", line) for line in [(told or lines)[0], *_CAUSE.findall(text)[-1:]])
    return hide_logins(": ".join([first, *(cause for cause in last if cause not in first)]))
