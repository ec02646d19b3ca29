"""Ranges shared between this process and a worker, where there is a second CPU."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from logging.handlers import QueueHandler, QueueListener
from typing import Any

from clogs.errors import ClogsError
from clogs.extract.range import Job, Landed, land_range
from clogs.mongo import Address, KeyRange, Source, connect

MOST_PROCESSES = 2
"""Each takes memory of its own: with two, a backfill stays under 500 MB, whatever it reads."""

SECONDS_TO_END = 5

logger = logging.getLogger("clogs")


def land_ranges(
    source: Source, ranges: Sequence[KeyRange], job: Job, *, on_documents: Callable[[int], None]
) -> Landed:
    """Land all ranges; the first failure ends them all.

    Args:
        source: The collection. Workers connect to it anew.
        ranges: What to read; no document is in two of them.
        job: How to land it.
        on_documents: Called with the number of documents of what has become durable.

    Raises:
        SourceError: MongoDB cannot be read.
        ClogsError: A file cannot be written, or a worker died.
    """
    total, seen = Landed(), job.seen()
    count = min(_cpus(), MOST_PROCESSES, len(ranges)) - 1
    with _workers(source.address, job, max(1, count)) as workers:  # started with their first range
        for landed in _shared(source, ranges, job, workers, count=count, on_documents=on_documents):
            seen.add(landed.seen)
            total = total.plus(landed)
    return replace(total, seen=seen.documents())


def _cpus() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _shared(
    source: Source,
    ranges: Sequence[KeyRange],
    job: Job,
    workers: ProcessPoolExecutor,
    *,
    count: int,
    on_documents: Callable[[int], None],
) -> Iterator[Landed]:
    """Give each worker a range, land the next one here, and so on until all are done."""
    left = deque(enumerate(ranges))
    running: dict[int, Future[Landed]] = {}

    def go_on(documents: int) -> None:
        on_documents(documents)
        while left and sum(not each.done() for each in running.values()) < count:
            number, key_range = left.popleft()
            running[number] = workers.submit(_land, key_range, number)

    go_on(0)
    while left or running:
        if left:
            number, key_range = left.popleft()
            yield land_range(source, key_range, job, number=number, on_documents=go_on)
        else:
            wait(running.values(), return_when=FIRST_COMPLETED)
        for number in [number for number, each in running.items() if each.done()]:
            landed = running.pop(number).result()
            go_on(landed.documents)
            yield landed


@contextmanager
def _workers(address: Address, job: Job, count: int) -> Iterator[ProcessPoolExecutor]:
    """Start workers; they end with this process, and at once where it fails or is stopped."""
    context = multiprocessing.get_context("spawn")
    messages: Any = context.Queue()
    listener = QueueListener(messages, _Here())
    arguments = (address, job, messages, logger.getEffectiveLevel())
    executor = ProcessPoolExecutor(count, context, initializer=_begin, initargs=arguments)
    listener.start()
    try:
        yield executor
    except BaseException as exc:
        _end(executor, messages)
        if isinstance(exc, BrokenProcessPool):
            raise ClogsError(
                "A worker process of the extraction was killed.",
                hint="Was memory short? Run it again: nothing is lost.",
            ) from exc
        raise
    executor.shutdown()
    listener.stop()


def _end(executor: ProcessPoolExecutor, messages: Any) -> None:  # noqa: ANN401
    """End workers at once, and wait for nothing that one of them may have left half-done."""
    workers = multiprocessing.active_children()
    for worker in workers:
        worker.terminate()
    executor.shutdown(wait=False, cancel_futures=True)
    messages.cancel_join_thread()
    for worker in workers:
        worker.join(SECONDS_TO_END)


class _Here(logging.Handler):
    """Handles the messages of workers as if they were this process's own."""

    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger(record.name).handle(record)


class _Worker:
    """What a worker process keeps from one range to the next."""

    def __init__(self, address: Address, job: Job) -> None:
        self.job = job
        self._connection = connect(address)

    @cached_property
    def source(self) -> Source:
        """The collection, connected to for the first range and until the process ends."""
        return self._connection.__enter__()


_worker: _Worker


def _begin(address: Address, job: Job, messages: Any, level: int) -> None:  # noqa: ANN401
    """Prepare a worker: its messages go to the process that started it, and so does a Ctrl-C."""
    global _worker  # noqa: PLW0603  # the only thing a pool's initializer can leave behind
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logger.handlers = [QueueHandler(messages)]
    logger.setLevel(level)
    logger.propagate = False
    _worker = _Worker(address, job)


def _land(key_range: KeyRange, number: int) -> Landed:
    return land_range(_worker.source, key_range, _worker.job, number=number)


def _end_with_parent() -> None:
    """However it dies: a worker that outlived it would land files beside the next run."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
    os._exit(1)
