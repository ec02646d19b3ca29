"""Whether the collection is the one that was read before."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from msgspec import structs

from clogs.errors import SourceError
from clogs.extract.watermark import ExtractState
from clogs.mongo import Source

Confirm = Callable[[str], bool]
"""Asks a question, and returns whether the answer is yes."""

ANOTHER = "%s is another collection than the one read before: it is read whole."

logger = logging.getLogger(__name__)


def state_of(source: Source, before: ExtractState, confirm: Confirm | None) -> ExtractState:
    """The state to go on from: ``before``, or that before the first run where the collection is another one.

    Where nothing says which it is, ``confirm`` asks whether to begin anew; None says so, and begins anew.

    Raises:
        SourceError: MongoDB cannot be read, or the collection does not exist.
        UsageError: Nobody can answer.
    """
    if not source.exists():
        raise SourceError(
            f"The collection {source.name} does not exist.",
            hint="Check mongo.db and mongo.collection (clogs config), or fill it: clogs import ~/.claude",
        )
    found = source.identity()
    known = before.source or found
    same = found.is_same(known)
    if same is False and not before.token:  # else its stream says what became of it
        logger.warning(ANOTHER, source.name)
    if same is None:
        problem = (
            f"{source.name} was read at {', '.join(known.hosts)} before, and neither replica set nor UUID"
            " says whether it is the same collection."
        )
        if confirm is None:
            logger.warning("%s It is read whole.", problem)
        elif not confirm(f"{problem} Read it whole, as another one?"):
            same = True
    if same:
        # a user with fewer rights is not told the UUID, which stays what it is
        uuid, name = found.uuid or known.uuid, found.replica_set or known.replica_set
        return replace(before, source=structs.replace(found, uuid=uuid, replica_set=name))
    return ExtractState(before.path, source=found, extracted_at=before.extracted_at)
