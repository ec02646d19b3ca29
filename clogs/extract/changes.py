"""What a collection's change stream brings, landed by the same code as a range."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial

from clogs.errors import NoChangesError
from clogs.extract.range import ExtractCounts, ExtractJob, land_range
from clogs.extract.scan import PART_BYTES
from clogs.extract.watermark import ExtractState, no_documents, write_extract_state
from clogs.mongo import Changes, Reply, Source, retrying
from clogs.terminal.progress import Progress

logger = logging.getLogger(__name__)


def open_changes(source: Source, job: ExtractJob, before: ExtractState) -> Changes | None:
    """Open the change stream where the last run ended, or now; None where the watermark is in force.

    Raises:
        NoChangesError: There is none, and ``pipeline.source_mode`` asks for one.
        LostChangesError: It does not reach back to the last run.
        TransientSourceError: The connection was lost.
    """
    if job.source_mode == "watermark":
        return None
    try:
        return retrying(job.retry_delays)(
            source.changes,
            before.token,
            exclude=job.exclude,
            batch_size=job.batch_size,
            # A reply becomes one frame: two versions of a document in it would have the same extracted_at.
            batch_bytes=PART_BYTES,
        )
    except NoChangesError as error:
        if job.source_mode == "change_stream":
            raise
        is_news = before.token or (error.is_refused and before.watermark is None)
        logger.log(
            logging.WARNING if is_news else logging.DEBUG, "%s The watermark finds new documents.", error
        )
        return None


def mode_in_force(source: Source, source_mode: str) -> tuple[str, str]:
    """Return what finds new documents, ``change_stream`` or ``watermark``, and why.

    Raises:
        NoChangesError: ``pipeline.source_mode`` asks for a change stream, and there is none.
        TransientSourceError: The connection was lost.
    """
    if source_mode == "watermark":
        return "watermark", "pipeline.source_mode says so."
    try:
        source.changes(None, exclude=(), batch_size=1, batch_bytes=1).close()
    except NoChangesError as error:
        if source_mode == "change_stream":
            raise
        return "watermark", error.message
    return "change_stream", "the deployment has them, and this user may read them."


def land_changes(
    changes: Changes,
    job: ExtractJob,
    before: ExtractState,
    *,
    on_progress: Progress,
) -> tuple[ExtractCounts, ExtractState]:
    """Land what changed since ``before``, and write the state after each batch that is durable.

    Every change is landed: the window does not say which version of a document is the one that was read last.
    So it is left empty, and a later run by the watermark lands the documents of the lookback once more.

    Raises:
        LostChangesError: The stream has ended; what came before is landed, and the state says so.
        SourceError: The source cannot be read.
        ClogsError: A file cannot be written.
    """
    before = replace(before, window=no_documents())
    counts, state = ExtractCounts(), before.begun(job.started)
    on_progress(0, None)
    landed = land_range(lambda _only, _limit: replies(changes, job), job, before)
    with closing(landed):
        for each, documents in landed:
            counts += each
            state = state.plus(documents, until=job.started, lookback=job.lookback, undated=True)
            token = documents["position"].drop_nulls()[-1]
            state = replace(state, token=token, window=no_documents())
            write_extract_state(state)
            on_progress(counts.documents, None)
    changes.raise_for_end()
    # without a Date, a document is found all the same
    return replace(counts, undated=0), replace(state if counts.documents else before, token=changes.token)


def replies(changes: Changes, job: ExtractJob) -> Iterator[Reply]:
    """Read a change stream until it has caught up, also after faults that pass."""
    return iter(partial(retrying(job.retry_delays), changes.next_reply), None)
