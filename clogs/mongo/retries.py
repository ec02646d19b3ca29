"""Trying again where a fault of the source may pass by itself."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_chain,
    wait_fixed,
)

from clogs.errors import TransientSourceError
from clogs.terminal.text import duration

logger = logging.getLogger(__name__)


def retrying(retry_delays: Sequence[timedelta]) -> Retrying:
    """What calls a function, again after each of these waits where a fault passes by itself."""
    delays = [delay.total_seconds() for delay in retry_delays]
    return Retrying(
        retry=retry_if_exception_type(TransientSourceError),
        stop=stop_after_attempt(len(delays) + 1),
        wait=wait_chain(*map(wait_fixed, delays or [0])),
        before_sleep=_tell,
        reraise=True,
    )


def _tell(state: RetryCallState) -> None:
    fault = state.outcome.exception() if state.outcome else None
    wait = state.next_action.sleep if state.next_action else 0
    logger.info("%s Trying again in %s.", fault, duration(wait))
