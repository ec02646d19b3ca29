"""Ranges shared between this process and others."""

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
from contextlib import contextmanager
from logging.handlers import QueueHandler, QueueListener
from typing import Any

import polars as pl

from clogs.errors import ClogsError
from clogs.extract.range import DURABLE, ExtractCounts, ExtractJob, Landed, land_range
from clogs.extract.scan import Read
from clogs.extract.watermark import ExtractState, write_extract_state

SECONDS_TO_END = 5

SPARING = {"POLARS_MAX_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
"""Variables of workers, which save 30 MB of each: this process read its own when it began."""

logger = logging.getLogger("clogs")


def land_ranges(ranges: Sequence[Read], job: ExtractJob, before: ExtractState) -> Generator[Landed]:
    """Land ranges, some of them in workers; the first failure ends them all.

    Yields:
        What became of a batch of this process, or of a whole range of a worker.

    Raises:
        SourceError: The source cannot be read.
        ClogsError: A file cannot be written, or a worker died.
    """
    write_extract_state(before.begun(job.started))
    left = deque(enumerate(ranges))
    running: set[Future[Landed]] = set()
    here: Iterator[Landed] = iter(())
    count = min(job.workers, len(ranges)) - 1
    with _sparing(), _workers(max(1, count)) as workers:  # a pool starts them with their first range
        while True:
            for done in [each for each in running if each.done()]:
                running.remove(done)
                yield done.result()
            while left and len(running) < count:
                number, read = left.popleft()
                running.add(workers.submit(_land, read, job, before, number))
            if landed := next(here, None):
                yield landed
            elif left:
                number, read = left.popleft()
                here = land_range(read, job, before, part=f"{number:03}", is_begun=True)
            elif running:
                wait(running, return_when=FIRST_COMPLETED)
            else:
                return


@contextmanager
def _sparing() -> Iterator[None]:
    """Let processes that are started inside have `SPARING`, and none that is started later."""
    given = {name: os.environ[name] for name in SPARING.keys() & os.environ.keys()}
    os.environ.update(SPARING)
    try:
        yield
    finally:
        for name in SPARING:
            del os.environ[name]
        os.environ.update(given)


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


def _land(read: Read, job: ExtractJob, before: ExtractState, number: int) -> Landed:
    """Land a range in a worker."""
    counts, landed = ExtractCounts(), [pl.DataFrame(schema=DURABLE)]
    for each, documents in land_range(read, job, before, part=f"{number:03}", is_begun=True):
        counts += each
        landed.append(documents)
    return counts, pl.concat(landed)
