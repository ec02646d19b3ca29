"""Telling somebody that a scheduled run failed, or works again: one POST to a web address."""

from __future__ import annotations

import html
import http.client
import logging
import platform
import threading
import urllib.error
import urllib.request

import msgspec

from clogs.redact import hide_url
from clogs.runs.records import Run
from clogs.terminal.text import printable

SECONDS = 10.0
"""How long an alert may hold up a run that is over."""

logger = logging.getLogger(__name__)


def alert(url: str, run: Run) -> bool:
    """Post what became of a run, in the form that Slack understands: its ``text`` is for people.

    Args:
        url: The address; all of it but the host is secret.
        run: The run, which failed, or is the first that did not after some that had.

    Returns:
        Whether it was taken. If not, a warning says why; the run itself is as good as before.
    """
    taken: list[bool] = []
    # a name that does not resolve, and an answer that trickles, know no time-out of urllib's
    sender = threading.Thread(target=lambda: taken.append(_post(url, _payload(run))), daemon=True)
    sender.start()
    sender.join(SECONDS)
    if not taken:
        logger.warning("The alert to %s got no answer within %.0f s.", hide_url(url), SECONDS)
    return any(taken)


def _payload(run: Run) -> bytes:
    host, failure = platform.node(), run.failure
    text = f"clogs on {host} " + (f"failed: {failure.message}" if failure else "works again.")
    if failure and failure.hint:
        text += f"\n→ {failure.hint}"
    text = "\n".join(map(printable, text.split("\n")))  # it may quote hostile keys
    return msgspec.json.encode(
        {
            "text": html.escape(text, quote=False),  # as Slack wants it: nobody is mentioned
            "status": "failed" if failure else "recovered",
            "host": host,
            "run": run.run,
            "started_at": run.started_at,
            "failed_steps": [step.name for step in run.steps if step.failure],
            "exit_code": failure.exit_code if failure else 0,
        }
    )


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Takes a redirection for a refusal: what follows it is a GET, which says nothing."""

    def redirect_request(self, *_args: object, **_options: object) -> None:
        return None


def _post(url: str, payload: bytes) -> bool:
    headers = {"Content-Type": "application/json", "User-Agent": "clogs"}
    request = urllib.request.Request(url, payload, headers, method="POST")  # noqa: S310  # http(s) by settings
    try:
        opener = urllib.request.build_opener(_NoRedirect)
        with opener.open(request, timeout=2 * SECONDS):  # nobody waits so long
            return True
    except urllib.error.HTTPError as exc:
        logger.warning("The alert to %s was refused: HTTP status %s.", hide_url(url), exc.code)
    except (OSError, http.client.HTTPException, ValueError) as exc:
        # what went wrong can quote the address
        logger.warning("The alert to %s could not be sent: %s.", hide_url(url), type(exc).__name__)
    return False
