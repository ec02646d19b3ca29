"""Dead letters with the settings given to them: each stage accepts, or throws away, what it rejected."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from clogs import dead_letters
from clogs.dead_letters import DeadLetter, Header, Reasons, Stage
from clogs.pipeline.wiring import address_of
from clogs.terminal.progress import Progress, no_progress

if TYPE_CHECKING:
    from clogs.settings import Settings

BATCH_LETTERS = 250
BATCH_CHARACTERS = 8 * 1024 * 1024  # a batch ends when its documents have more

# The import comes last: it alone needs a server, which may be down.
_STAGES: tuple[Stage, ...] = ("load", "extract", "transcript", "import")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """What a replay did: how many letters passed, by stage, and those that did not, with today's reasons."""

    accepted: dict[Stage, int]
    still_rejected: tuple[Header, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeResult:
    """How many dead letters and damaged landing files a purge removed, or would under ``dry_run``."""

    letters: int
    files: int
    dry_run: bool


def replay_letters(
    settings: Settings, chosen: Sequence[Header], *, run: str, on_progress: Progress = no_progress
) -> ReplayResult:
    """Run dead letters through today's code, and accept those that pass. The caller holds the run lock.

    What passes is durable in its new place before its letter is removed, so a killed replay can be repeated.

    Raises:
        SourceError: MongoDB cannot be written to, and an import's letter is among them; those of the other
            stages are done by then.
        ClogsError: A file cannot be written or removed.
    """
    started, done = time.perf_counter(), 0
    accepted: dict[Stage, int] = {}
    rejected: Reasons = {}
    for stage in _STAGES:
        ids = {header.id for header in chosen if header.stage == stage}
        passed: set[str] = set()
        if ids:
            with _stage_replay(stage, settings, run) as replay_batch:
                for batch in _batches(_letters(settings, ids)):
                    reasons = replay_batch(batch)
                    passed |= {letter.id for letter in batch} - reasons.keys()
                    rejected |= reasons
                    done += len(batch)
                    on_progress(done, len(chosen))
            dead_letters.remove(settings.data.dead_letter_dir, passed)
        accepted[stage] = len(passed)
    still = (replace(header, reasons=rejected[header.id]) for header in chosen if header.id in rejected)
    seconds = time.perf_counter() - started
    return ReplayResult(accepted=accepted, still_rejected=tuple(still), seconds=seconds)


def purge_letters(settings: Settings, ids: Collection[str], *, dry_run: bool = False) -> PurgeResult:
    """Remove dead letters for good, with the damaged files of a load.

    The caller holds the run lock, except under `dry_run`.
    """
    from clogs.load import discard, quarantined_file

    folder = settings.data.dead_letter_dir
    letters = files = 0
    for letter in _letters(settings, ids):
        letters += 1
        path = quarantined_file(letter, folder) if letter.stage == "load" else None
        if path:
            files += 1
            if not dry_run:
                discard(path, dead_letter_dir=folder)
    if not dry_run:
        dead_letters.remove(folder, ids)
    return PurgeResult(letters=letters, files=files, dry_run=dry_run)


def _letters(settings: Settings, ids: Collection[str]) -> Iterator[DeadLetter]:
    return (letter for letter in dead_letters.read(settings.data.dead_letter_dir) if letter.id in ids)


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
def _stage_replay(
    stage: Stage, settings: Settings, run: str
) -> Iterator[Callable[[Sequence[DeadLetter]], Reasons]]:
    """What runs a batch of letters through their stage."""
    data = settings.data
    if stage == "load":
        from clogs.load import restore

        yield partial(restore, raw_dir=data.raw_dir, dead_letter_dir=data.dead_letter_dir)
    elif stage in {"extract", "transcript"}:
        from clogs.checks.suites import blocking_checks
        from clogs.extract import replay_documents

        yield partial(
            replay_documents,
            raw_dir=data.raw_dir,
            exclude=settings.mongo.exclude,
            blocking_checks=blocking_checks(settings.quality.checks),
            name=f"{run}_{stage}",
        )
    else:
        from clogs import mongo
        from clogs.transcripts.importer import replay_lines

        with mongo.connect(address_of(settings)) as source:
            yield partial(replay_lines, source=source)
