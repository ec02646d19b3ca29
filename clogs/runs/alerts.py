"""Alerts: one POST to a web address when scheduled runs begin to fail, and one when they work again."""

from __future__ import annotations

import html
import http.client
import logging
import platform
import threading
import urllib.error
import urllib.request
from pathlib import Path

import msgspec

from clogs.redact import hide_url
from clogs.runs.records import Run, read
from clogs.terminal.text import printable

SECONDS = 10.0  # how long an alert may delay the end of a run

logger = logging.getLogger(__name__)


def alert_once(state_dir: Path, run: Run, webhook_url: str) -> bool:
    """Alert of the first scheduled run that fails, and of the first that succeeds after it.

    Returns:
        Whether the last alert that arrived is one of a failure. One that did not arrive is left to the
        next run.
    """
    earlier = (each for each in read(state_dir) if each.trigger != "hand" and each.run < run.run)
    before = next((each for each in earlier if each.status != "stopped"), None)
    alerted = before is not None and before.alerted
    if run.status == "done":
        return alerted and not alert(webhook_url, run)
    return alerted or (run.failure is not None and alert(webhook_url, run))


def alert(webhook_url: str, run: Run) -> bool:
    """Post how a run ended, in the form that Slack understands: its ``text`` is for people.

    Returns:
        Whether it was delivered. If not, a warning says why, with no more of the address than its host.
    """
    delivered: list[bool] = []
    # urllib's time-out covers neither looking up the name nor an answer that trickles in
    sender = threading.Thread(target=lambda: delivered.append(_post(webhook_url, _payload(run))), daemon=True)
    sender.start()
    sender.join(SECONDS)
    if not delivered:
        logger.warning("The alert to %s got no answer within %.0f s.", hide_url(webhook_url), SECONDS)
    return any(delivered)


def _payload(run: Run) -> bytes:
    host, failure = platform.node(), run.failure
    text = f"clogs on {host} " + (f"failed: {failure.message}" if failure else "works again.")
    if failure and failure.hint:
        text += f"\n→ {failure.hint}"
    text = "\n".join(map(printable, text.split("\n")))  # it may quote hostile keys
    return msgspec.json.encode(
        {
            "text": html.escape(text, quote=False),  # as Slack wants it, and nobody is mentioned by it
            "status": "failed" if failure else "recovered",
            "host": host,
            "run": run.run,
            "started_at": run.started_at,
            "failed_steps": [step.name for step in run.steps if step.failure],
            "exit_code": failure.exit_code if failure else 0,
        }
    )


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Makes a redirection an error: urllib would follow it with a GET, which loses the message."""

    def redirect_request(self, *_args: object, **_options: object) -> None:
        return None


def _post(url: str, payload: bytes) -> bool:
    headers = {"Content-Type": "application/json", "User-Agent": "clogs"}
    request = urllib.request.Request(url, payload, headers, method="POST")  # noqa: S310  # http(s) by settings
    try:
        opener = urllib.request.build_opener(_NoRedirect)
        with opener.open(request, timeout=2 * SECONDS):  # ends the thread; the run waits for SECONDS only
            return True
    except urllib.error.HTTPError as exc:
        logger.warning("The alert to %s was refused: HTTP status %s.", hide_url(url), exc.code)
    except (OSError, http.client.HTTPException, ValueError) as exc:
        # only the type: the error's text may quote the address
        logger.warning("The alert to %s could not be sent: %s.", hide_url(url), type(exc).__name__)
    return False
