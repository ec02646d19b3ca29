"""Ranges shared among processes: this one, and a worker for each further CPU."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from logging.handlers import QueueHandler, QueueListener
from typing import Any

from clogs.errors import ClogsError
from clogs.extract.batches import Job, Landed, land_range
from clogs.mongo import Address, KeyRange, Source, connect

MOST_PROCESSES = 3
"""More read no faster than a server and a disk can follow, and each keeps a batch in memory."""

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
    processes = min(_cpus(), MOST_PROCESSES, len(ranges))
    total, seen = Landed(), job.seen()
    with ExitStack() as stack:
        if processes > 1:
            shared = stack.enter_context(_workers(source.address, job, processes - 1))
            parts = _shared(source, ranges, job, shared, on_documents)
        else:
            parts = _alone(source, ranges, job, on_documents)
        for landed in parts:
            seen.add(landed.seen)
            total = total.plus(landed)
    return replace(total, seen=seen.documents())


def _cpus() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _alone(
    source: Source, ranges: Sequence[KeyRange], job: Job, on_documents: Callable[[int], None]
) -> Iterator[Landed]:
    for number, key_range in enumerate(ranges):
        yield land_range(source, key_range, job, number=number, on_documents=on_documents)


def _shared(
    source: Source,
    ranges: Sequence[KeyRange],
    job: Job,
    workers: ProcessPoolExecutor,
    on_documents: Callable[[int], None],
) -> Iterator[Landed]:
    """Let workers take ranges, and land here what none has taken yet, until all are done."""
    waiting = {number: workers.submit(_land, each, number) for number, each in enumerate(ranges)}
    while waiting:
        for number in [number for number, future in waiting.items() if future.done()]:
            landed = _result(waiting.pop(number))
            on_documents(landed.documents)
            yield landed
        own = next((number for number, future in waiting.items() if future.cancel()), None)
        if own is not None:
            del waiting[own]
            yield land_range(source, ranges[own], job, number=own, on_documents=on_documents)
        elif waiting:
            wait(waiting.values(), return_when=FIRST_COMPLETED)


def _result(future: Future[Landed]) -> Landed:
    try:
        return future.result()
    except BrokenProcessPool as exc:
        raise ClogsError(
            "A worker process of the extraction was killed.",
            hint="Was memory short? Run it again: it goes on from what is durable.",
        ) from exc


@contextmanager
def _workers(address: Address, job: Job, count: int) -> Iterator[ProcessPoolExecutor]:
    """Start workers; they end with this process, and at once where it fails or is stopped."""
    context = multiprocessing.get_context("spawn")
    messages: Any = context.Queue()
    listener = QueueListener(messages, *logger.handlers)
    arguments = (address, job, messages, logger.level)
    executor = ProcessPoolExecutor(count, context, initializer=_begin, initargs=arguments)
    listener.start()
    try:
        yield executor
    except BaseException:
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    finally:
        executor.shutdown(cancel_futures=True)
        listener.stop()


class _Worker:
    """What a worker process keeps from one range to the next."""

    open = ExitStack()  # until the process ends
    source: Source
    job: Job


def _begin(address: Address, job: Job, messages: Any, level: int) -> None:  # noqa: ANN401
    """Prepare a worker: its messages go to the process that started it, and so does a Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logger.handlers = [QueueHandler(messages)]
    logger.setLevel(level)
    logger.propagate = False
    _Worker.source = _Worker.open.enter_context(connect(address))
    _Worker.job = job


def _land(key_range: KeyRange, number: int) -> Landed:
    return land_range(_Worker.source, key_range, _Worker.job, number=number)


def _end_with_parent() -> None:
    """However it dies: a worker that outlived it would land files beside the next run."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
    os._exit(1)
