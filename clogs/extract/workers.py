"""Ranges shared between this process and a worker, where there is a second CPU."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from functools import cache
from logging.handlers import QueueHandler, QueueListener
from typing import Any

from clogs.errors import ClogsError
from clogs.extract.range import Counts, ExtractJob, Landed, land_range
from clogs.extract.watermark import ExtractState
from clogs.mongo import Address, KeyRange, Source, connect

MOST_PROCESSES = 2
"""Each takes memory of its own: with two, a backfill stays under 500 MB, whatever it reads."""

SECONDS_TO_END = 5

logger = logging.getLogger("clogs")


def land_ranges(
    source: Source, ranges: Sequence[KeyRange], job: ExtractJob, before: ExtractState
) -> Generator[Landed]:
    """Land ranges, some of them in workers; the first failure ends them all.

    Yields:
        What became of a batch of this process, or of a whole range of a worker.

    Raises:
        SourceError: MongoDB cannot be read.
        ClogsError: A file cannot be written, or a worker died.
    """
    left = deque(enumerate(ranges))
    running: set[Future[Landed]] = set()
    here: Iterator[Landed] = iter(())
    count = min(_cpus(), MOST_PROCESSES, len(ranges)) - 1
    with _workers(max(1, count)) as workers:  # a pool starts them with their first range
        while True:
            for done in [each for each in running if each.done()]:
                running.remove(done)
                yield done.result()
            while left and len(running) < count:
                number, key_range = left.popleft()
                running.add(workers.submit(_land, source.address, key_range, job, before, number))
            if landed := next(here, None):
                yield landed
            elif left:
                number, key_range = left.popleft()
                here = land_range(source, key_range, job, before, number=number)
            elif running:
                wait(running, return_when=FIRST_COMPLETED)
            else:
                return


def _cpus() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _workers(count: int) -> Iterator[ProcessPoolExecutor]:
    """A pool whose workers end with this process, and at once where it fails or is stopped."""
    context = multiprocessing.get_context("spawn")
    messages: Any = context.Queue()
    listener = QueueListener(messages, _Here())
    arguments = (messages, logger.getEffectiveLevel())
    executor = ProcessPoolExecutor(count, context, initializer=_begin, initargs=arguments)
    listener.start()
    try:
        yield executor
    except BaseException as exc:
        # Nothing is waited for that a worker may have left half-done.
        workers = multiprocessing.active_children()
        for worker in workers:
            worker.terminate()
        executor.shutdown(wait=False, cancel_futures=True)
        messages.cancel_join_thread()
        for worker in workers:
            worker.join(SECONDS_TO_END)
        if isinstance(exc, BrokenProcessPool):
            raise ClogsError(
                "A worker process of the extraction was killed.",
                hint="Was memory short? Run it again: nothing is lost.",
            ) from exc
        raise
    executor.shutdown()
    listener.stop()


class _Here(logging.Handler):
    """Handles the messages of workers as if they were this process's own."""

    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger(record.name).handle(record)


def _begin(messages: Any, level: int) -> None:  # noqa: ANN401
    """Prepare a worker: its messages go to the process that started it, and so does a Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logger.handlers = [QueueHandler(messages)]
    logger.setLevel(level)
    logger.propagate = False


def _end_with_parent() -> None:
    """However it dies: a worker that outlived it would land files beside the next run."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
    os._exit(1)


def _land(
    address: Address, key_range: KeyRange, job: ExtractJob, before: ExtractState, number: int
) -> Landed:
    """Land a range in a worker."""
    counts, state = Counts(), before.begun(job.started)
    undated = not key_range.is_whole
    for each, documents in land_range(_source(address), key_range, job, before, number=number):
        counts += each
        state = state.plus(documents, started=job.started, lookback=job.lookback, undated=undated)
    return counts, state.pruned(job.lookback, undated=undated).window


_connections = ExitStack()


@cache
def _source(address: Address) -> Source:
    """The collection, connected to for a worker's first range and until it ends."""
    return _connections.enter_context(connect(address))
