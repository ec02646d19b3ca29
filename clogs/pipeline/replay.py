"""Dead letters with the settings given to them: each stage takes in, or throws away, what it rejected."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from clogs import dead_letters
from clogs.dead_letters import DeadLetter, Entry, Replayed
from clogs.pipeline.wiring import address_of

if TYPE_CHECKING:
    from clogs.settings import Settings

BATCH_LETTERS = 250
"""So many letters go through a stage together, at most."""

BATCH_CHARACTERS = 8 * 1024 * 1024
"""Of a batch's documents: it ends when it has more."""

Progress = Callable[[int, int | None], None]
Replay = Callable[[Sequence[DeadLetter]], Replayed]


@dataclass(frozen=True, slots=True, kw_only=True)
class StillRejected:
    """A dead letter that does not pass.

    Attributes:
        id: Its key.
        stage: Who rejects it.
        source: Where it came from.
        reasons: What is wrong with it today.
    """

    id: str
    stage: str
    source: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """What a replay did.

    Attributes:
        taken_in: How many letters passed, by stage; they are dead letters no more.
        still_rejected: Those that did not, which stay.
        seconds: Wall time.
    """

    taken_in: dict[str, int]
    still_rejected: tuple[StillRejected, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeResult:
    """What a purge removed.

    Attributes:
        letters: Dead letters.
        files: Damaged landing files that had been set aside.
        dry_run: Nothing was removed; this is what would be.
    """

    letters: int
    files: int
    dry_run: bool


def replay(
    settings: Settings,
    chosen: Sequence[Entry],
    *,
    run: str,
    on_progress: Progress = lambda _done, _total: None,
) -> ReplayResult:
    """Run dead letters through today's code, and take in those that pass. The caller holds the run lock.

    What passes is durable in its new place before its letter is removed: whatever a killed replay leaves,
    the next one ends as if nothing had happened.

    Args:
        settings: The settings in force.
        chosen: Which ones.
        run: The run's id.
        on_progress: Called with how many are done, and how many there are.

    Raises:
        SourceError: An import's letter is among them, and MongoDB cannot be written to; those of the other
            stages are done by then.
        ClogsError: A file cannot be written or removed.
    """
    started, done, taken_in = time.perf_counter(), 0, {}
    passed: set[str] = set()
    reasons: dict[str, tuple[str, ...]] = {each.id: (f"clogs has no stage {each.stage}",) for each in chosen}
    for stage, opened in _STAGES.items():
        before = len(passed)
        keys = {each.id for each in chosen if each.stage == stage}
        for replayed in _replayed(settings, keys, opened, run):
            passed |= replayed.passed
            reasons |= replayed.rejected
            done += len(replayed.passed) + len(replayed.rejected)
            on_progress(done, len(chosen))
        dead_letters.remove(settings.data.dead_letter_dir, passed & keys)
        taken_in[stage] = len(passed) - before
    still = [
        StillRejected(id=each.id, stage=each.stage, source=each.source, reasons=reasons[each.id])
        for each in chosen
        if each.id not in passed
    ]
    seconds = time.perf_counter() - started
    return ReplayResult(taken_in=taken_in, still_rejected=tuple(still), seconds=seconds)


def purge(settings: Settings, keys: Collection[str], *, dry_run: bool = False) -> PurgeResult:
    """Remove dead letters for good, with the files that a load set aside; the caller holds the run lock.

    Args:
        settings: The settings in force.
        keys: Which ones.
        dry_run: Only count them; this needs no lock.

    Raises:
        ClogsError: A file cannot be read, written or removed.
    """
    folder = settings.data.dead_letter_dir
    found = [each for each in dead_letters.entries(folder) if each.id in keys]
    aside = {each.id for each in found if each.stage == "load"}
    files = _quarantined_files(settings, aside) if aside else []
    if not dry_run:
        for discard in files:
            discard()
        dead_letters.remove(folder, keys)
    return PurgeResult(letters=len(found), files=len(files), dry_run=dry_run)


def _quarantined_files(settings: Settings, keys: Collection[str]) -> list[Callable[[], None]]:
    """What removes each file that a load put in quarantine and that still exists."""
    from clogs.load import discard, quarantined_file

    folder = settings.data.dead_letter_dir
    paths = (quarantined_file(letter, folder) for letter in _letters(settings, keys))
    return [partial(discard, path, dead_letter_dir=folder) for path in paths if path]


def _replayed(
    settings: Settings,
    keys: Collection[str],
    opened: Callable[[Settings, str], AbstractContextManager[Replay]],
    run: str,
) -> Iterator[Replayed]:
    """Run the letters of one stage through it, batch by batch."""
    if keys:
        with opened(settings, run) as replay_batch:
            yield from map(replay_batch, _batches(_letters(settings, keys)))


def _letters(settings: Settings, keys: Collection[str]) -> Iterator[DeadLetter]:
    return (letter for letter in dead_letters.read(settings.data.dead_letter_dir) if letter.key in keys)


def _batches(letters: Iterable[DeadLetter]) -> Iterator[list[DeadLetter]]:
    batch: list[DeadLetter] = []
    characters = 0
    for letter in letters:
        batch.append(letter)
        characters += len(letter.document)
        if len(batch) >= BATCH_LETTERS or characters > BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


@contextmanager
def _load(settings: Settings, _run: str) -> Iterator[Replay]:
    from clogs.load import restore as stage

    yield partial(stage, raw_dir=settings.data.raw_dir, dead_letter_dir=settings.data.dead_letter_dir)


@contextmanager
def _extract(settings: Settings, run: str) -> Iterator[Replay]:
    from clogs.checks.suites import blocking_checks
    from clogs.extract import replay as stage

    yield partial(
        stage,
        raw_dir=settings.data.raw_dir,
        exclude=settings.mongo.exclude,
        blocking_checks=blocking_checks(settings.quality.checks),
        name=run,
    )


@contextmanager
def _import(settings: Settings, _run: str) -> Iterator[Replay]:
    from clogs import mongo
    from clogs.transcripts.importer import replay as stage

    with mongo.connect(address_of(settings)) as source:
        yield partial(stage, source=source)


_STAGES = {"load": _load, "extract": _extract, "import": _import}
"""What needs nothing from outside comes first."""
