"""The driver's errors as ours, without any secret."""

from __future__ import annotations

import logging
import re
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
from clogs.terminal.text import duration, shortened

UNAUTHORIZED = 13
AUTHENTICATION_FAILED = 18
CURSOR_NOT_FOUND = 43
ON_VIEW = 166
NOT_A_REPLICA_SET = 40573

_NO_PRIMARY = frozenset(
    {
        189,  # PrimarySteppedDown
        10058,  # LegacyNotPrimary
        10107,  # NotWritablePrimary
        11602,  # InterruptedDueToReplStateChange
        13435,  # NotPrimaryNoSecondaryOk
        13436,  # NotPrimaryOrSecondary
    }
)
_SHUTTING_DOWN = frozenset({91, 11600})  # ShutdownInProgress, InterruptedAtShutdown

_PASSING = (
    _NO_PRIMARY
    | _SHUTTING_DOWN
    | {
        6,  # HostUnreachable
        7,  # HostNotFound
        89,  # NetworkTimeout
        134,  # ReadConcernMajorityNotAvailableYet
        175,  # QueryPlanKilled
        237,  # CursorKilled
        262,  # ExceededTimeLimit
        CURSOR_NOT_FOUND,
        9001,  # SocketException
        13388,  # StaleConfig
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

NO_VIEW = "Give the collection that it shows: mongo.collection (MONGO_COLLECTION)."

_REFUSALS = {
    UNAUTHORIZED: (
        "does not allow this user: {}",
        "Grant the user the role `read`, or `readWrite` for clogs import.",
    ),
    AUTHENTICATION_FAILED: (
        "refuses the user or the password.",
        "Check mongo.uri (MONGO_URI), and its authSource option.",
    ),
    CURSOR_NOT_FOUND: ("lost the cursor of a read.", "Run it again."),
    ON_VIEW: ("has a view of this name: {}", NO_VIEW),
    **dict.fromkeys(_SHUTTING_DOWN, ("is shutting down.", "Run it again once it is up.")),
}
"""What the server means, with a place for what it says, and what to do about it."""

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
def mapped_errors(where: str, *, has_user: bool = True) -> Iterator[None]:
    """Raise the driver's errors as ours.

    Args:
        where: Of what server or source, without any secret.
        has_user: The URI names a user.
    """
    try:
        yield
    except errors.InvalidURI:
        # The driver's message can quote a piece of the password, so neither it nor its cause is shown.
        raise SettingsError(
            "mongo.uri is not a valid MongoDB URI, or one of its options is not.",
            hint="Check hosts, ports and options; percent-encode user and password:"
            " mongodb://user:p%40ss@host:27017",
        ) from None
    except (errors.NotPrimaryError, errors.CursorNotFound, errors.OperationFailure) as exc:
        raise _refusal(exc, f"MongoDB at {where}", has_user=has_user) from exc
    except errors.ConnectionFailure as exc:
        raise _silence(exc, where) from exc
    except errors.PyMongoError as exc:
        raise SourceError(
            f"MongoDB at {where} cannot be used: {_reason(exc)}",
            hint="Check mongo.uri (MONGO_URI): clogs config",
        ) from exc


def _silence(exc: errors.PyMongoError, where: str) -> ClogsError:
    """The server does not answer, for now or for good."""
    text = str(exc)
    if "No replica set members match" in text or "No primary available" in text:
        return _no_primary(f"MongoDB at {where}")
    if "wire version" in text:
        return too_old(where)
    kind = SourceError if any(each in text for each in _NEVER_PASSES) else TransientSourceError
    remedy = NO_SERVER if "Connection refused" in text else "Try: clogs config"
    frozen = "No servers found yet" in text or "timed out" in text
    reason = "it gives no sign of life within the time limit." if frozen else _reason(exc)
    hint = f"Is it running, and is mongo.uri (MONGO_URI) right? {remedy}"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        hint = "Name the file of its certificate authority in mongo.uri (MONGO_URI): tlsCAFile=FILE"
    return kind(f"MongoDB at {where} does not answer: {reason}", hint=hint)


def too_old(where: str) -> SourceError:
    """The error for a server of before MongoDB 4.4."""
    return SourceError(
        f"MongoDB at {where} is older than 4.4, the oldest version that clogs reads.",
        hint="Upgrade the server, or read transcripts without one: clogs pipeline --from ~/.claude",
    )


def _refusal(exc: errors.PyMongoError, server: str, *, has_user: bool) -> ClogsError:
    """The server answers, with an error."""
    details = getattr(exc, "details", None) or {}
    code = getattr(exc, "code", None) or details.get("code")
    if code == UNAUTHORIZED and not has_user:
        hint = "Give them in mongo.uri (MONGO_URI): mongodb://USER:PASSWORD@HOST/?authSource=admin"
        return SourceError(f"{server} asks for a user and a password.", hint=hint)
    if code in _NO_PRIMARY or isinstance(exc, errors.NotPrimaryError):
        return _no_primary(server)
    passes = code in _PASSING or any(map(exc.has_error_label, ("RetryableWriteError", "RetryableError")))
    kind = TransientSourceError if passes else SourceError
    problem, hint = _REFUSALS.get(code or 0, ("failed: {}", "The server's own log says more."))
    return kind(f"{server} {problem.format(_reason(exc))}", hint=hint)


def _no_primary(server: str) -> TransientSourceError:
    return TransientSourceError(
        f"{server} has no primary just now.",
        hint="After an election or a restart it has one again: then run it again.",
    )


def _reason(exc: errors.PyMongoError) -> str:
    """What the driver says, on one line, without hosts, the command and the server's whole reply."""
    details = getattr(exc, "details", None) or {}
    text = str(details.get("errmsg") or exc) if isinstance(details, dict) else str(exc)
    text = re.split(r"\n|, full error:|, Timeout:| \(configured timeouts|,? ?\{", text, maxsplit=1)[0]
    parts = re.split(r"(?:^|,)\s?[\w.%-]+:\d+: |(?:^|,)\s?\[[\w:.%]+\]:\d+: ", text)
    reasons = dict.fromkeys(part.strip().rstrip(".") for part in parts if part.strip())
    return shortened("; ".join(reasons), 200) + "."
