"""The driver's errors as ours, without any secret."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from pymongo import errors
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_chain,
    wait_fixed,
)

from clogs.errors import ClogsError, SettingsError, SourceError, TransientSourceError
from clogs.terminal.text import duration

UNAUTHORIZED = 13
AUTHENTICATION_FAILED = 18

_PASSING = frozenset(
    {
        6,  # HostUnreachable
        7,  # HostNotFound
        89,  # NetworkTimeout
        91,  # ShutdownInProgress
        134,  # ReadConcernMajorityNotAvailableYet
        175,  # QueryPlanKilled
        189,  # PrimarySteppedDown
        237,  # CursorKilled
        262,  # ExceededTimeLimit
        9001,  # SocketException
        10107,  # NotWritablePrimary
        11600,  # InterruptedAtShutdown
        11602,  # InterruptedDueToReplStateChange
        13388,  # StaleConfig
        13435,  # NotPrimaryNoSecondaryOk
        13436,  # NotPrimaryOrSecondary
    }
)
"""Codes of transient faults, by the retryable reads specification, and of killed cursors."""

_NEVER_PASSES = (
    "CERTIFICATE_VERIFY_FAILED",
    f"[Errno {socket.EAI_NONAME}]",
)
"""What the driver says of faults that waiting does not mend; its error classes do not show them."""

NO_SERVER = (
    "No server yet: docker run -d -p 127.0.0.1:27017:27017 mongo:8, or Atlas;"
    " clogs pipeline --from ~/.claude needs none."
)

logger = logging.getLogger(__name__)


def retrying(retry_delays: Sequence[timedelta]) -> Retrying:
    """Call a function, and again after each of these delays while its fault is transient."""

    def report(state: RetryCallState) -> None:
        fault = state.outcome and state.outcome.exception()
        delay = state.next_action.sleep if state.next_action else 0
        logger.info("%s Trying again in %s.", fault, duration(delay))

    delays = [delay.total_seconds() for delay in retry_delays]
    return Retrying(
        retry=retry_if_exception_type(TransientSourceError),
        stop=stop_after_attempt(len(delays) + 1),
        wait=wait_chain(*map(wait_fixed, delays or [0])),
        before_sleep=report,
        reraise=True,
    )


@contextmanager
def mapped_errors(where: str) -> Iterator[None]:
    """Raise the driver's errors as ours; ``where`` says of what source, without any secret."""
    try:
        yield
    except errors.InvalidURI:
        # The driver's message can quote a piece of the password, so neither it nor its cause is shown.
        raise SettingsError(
            "mongo.uri is not a valid MongoDB URI, or one of its options is not.",
            hint="Check hosts, ports and options; percent-encode user and password:"
            " mongodb://user:p%40ss@host:27017",
        ) from None
    except (errors.ConnectionFailure, errors.CursorNotFound) as exc:
        raise _silence(exc, where) from exc
    except errors.OperationFailure as exc:
        raise _refusal(exc, where) from exc
    except errors.PyMongoError as exc:
        raise SourceError(
            f"MongoDB at {where} cannot be used: {_first_line(exc)}",
            hint="Check mongo.uri (MONGO_URI): clogs config",
        ) from exc


def _silence(exc: errors.PyMongoError, where: str) -> ClogsError:
    """The server does not answer, for now or for good."""
    passes = not any(each in str(exc) for each in _NEVER_PASSES)
    kind = TransientSourceError if passes else SourceError
    remedy = NO_SERVER if "Connection refused" in str(exc) else "Try: clogs config"
    return kind(
        f"MongoDB at {where} does not answer: {_first_line(exc)}",
        hint=f"Is it running, and is mongo.uri (MONGO_URI) right? {remedy}",
    )


def _refusal(exc: errors.OperationFailure, where: str) -> ClogsError:
    if exc.code == AUTHENTICATION_FAILED:
        message = f"MongoDB at {where} refuses the user or the password."
        return SourceError(message, hint="Check mongo.uri (MONGO_URI), and its authSource option.")
    if exc.code == UNAUTHORIZED:
        message = f"MongoDB at {where} does not allow this user: {_first_line(exc)}"
        return SourceError(message, hint="Grant the user the role `read`, or `readWrite` for clogs import.")
    passes = any(map(exc.has_error_label, ("RetryableWriteError", "RetryableError"))) or exc.code in _PASSING
    kind = TransientSourceError if passes else SourceError
    return kind(f"MongoDB at {where} failed: {_first_line(exc)}", hint="The server's own log says more.")


def _first_line(exc: Exception) -> str:
    text = str(exc).partition("\n")[0].partition(", Timeout:")[0]
    return text.partition(" (configured timeouts")[0].rstrip(".") + "."
