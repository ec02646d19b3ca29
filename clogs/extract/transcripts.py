"""Claude Code's own files in place of MongoDB: the documents are those that an import would store."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import chain

import msgspec

from clogs.dead_letters import DeadLetter
from clogs.errors import ClogsError
from clogs.extract.range import ExtractCounts, ExtractJob, land_range
from clogs.extract.stage import ExtractResult, warn
from clogs.extract.watermark import extract_state_path, read_extract_state
from clogs.extract.workers import land_ranges
from clogs.files import reading
from clogs.landing.files import identity
from clogs.landing.place import read, sweep
from clogs.landing.place import replace as put_state
from clogs.mongo import Document, Reply, decode, encode
from clogs.terminal.progress import Progress, no_progress
from clogs.transcripts.find import Transcript
from clogs.transcripts.importer import document_of, fields_of, line_of
from clogs.transcripts.origin import Origin, origin
from clogs.transcripts.positions import Positions, decode_positions, encode_positions
from clogs.transcripts.read import FilePosition, Line, read_batches

RANGE_BYTES = 64 * 1024 * 1024
"""How many bytes of files a process reads before it takes the next range."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TranscriptRange:
    """Reads what is new in some transcripts, also in another process; see `clogs.extract.scan.Read`."""

    files: tuple[tuple[Transcript, FilePosition], ...]
    origin: Origin
    ingested_at: datetime

    def __call__(self, _only: Sequence[str], _limit: int) -> Iterator[Reply]:
        """Read line by line; a file that cannot be read is left for the next run."""
        for transcript, start in self.files:
            try:
                for batch, end in read_batches(transcript.path, start):
                    if batch:
                        yield self._reply(transcript, batch, end)
            except ClogsError as error:
                logger.warning("%s It is left out until it can be read.", error)

    def _reply(self, transcript: Transcript, batch: Sequence[Line], end: FilePosition) -> Reply:
        return Reply(
            raw=[line.text for line in batch],
            documents=[_document(transcript, line, self.origin, self.ingested_at) for line in batch],
            lines=[f"{transcript.path}:{line.number}" for line in batch],
            position=msgspec.json.encode((str(transcript.path), end)).decode(),
        )


def extract_transcripts(
    transcripts: Sequence[Transcript],
    job: ExtractJob,
    *,
    full_backfill: bool = False,
    dry_run: bool = False,
    on_progress: Progress = no_progress,
) -> ExtractResult:
    """Land the lines that are new in transcripts. The caller holds the run lock.

    How far each file was read is kept in the state, and moves when its lines are durable.

    Raises:
        DataError: More lines than allowed were rejected; the others are landed.
        ClogsError: A file cannot be written.
    """
    clock = time.perf_counter()
    with reading(str(job.raw_dir)):
        landing = identity(job.raw_dir, create=not dry_run)
    state = job.state_dir / f"transcripts-{hashlib.blake2b(landing.encode(), digest_size=6).hexdigest()}.json"
    with reading(str(state)):
        content = read(state)
    positions = {} if full_backfill else decode_positions(content, name=str(state))
    ranges = list(_ranges(transcripts, positions, origin(), job.started))
    if dry_run:
        replies = chain.from_iterable(each((), 0) for each in ranges)
        return ExtractResult(
            documents=sum(len(reply.raw) for reply in replies), since=None, watermark=None, dry_run=True
        )
    for folder in (job.raw_dir, job.dead_letter_dir, job.state_dir):
        sweep(folder)
    before = read_extract_state(
        extract_state_path(job.state_dir, source="transcripts", watermark_field="", landing=landing)
    )
    landed = land_ranges(ranges, job, before) if len(ranges) > 1 else land_range(ranges[0], job, before)
    counts = ExtractCounts()
    on_progress(0, None)
    with closing(landed):  # so that workers end before an error is reported
        for each, documents in landed:
            counts += each
            positions |= _positions(documents["position"].drop_nulls().to_list())
            put_state(state, encode_positions(positions))
            on_progress(counts.documents, None)
    counts = replace(counts, undated=0)  # later runs find lines by their positions
    result = ExtractResult(**asdict(counts), since=None, watermark=None, seconds=time.perf_counter() - clock)
    warn(result, job, stage="transcript")
    return result


def _ranges(
    transcripts: Sequence[Transcript], positions: Positions, here: Origin, started: datetime
) -> Iterator[TranscriptRange]:
    """Share files among ranges, by the bytes that have not been read yet."""
    files: list[tuple[Transcript, FilePosition]] = []
    unread = 0
    for transcript in transcripts:
        start = positions.get(str(transcript.path), FilePosition())
        files.append((transcript, start))
        with suppress(OSError):  # it is gone, or will be left out when it is read
            unread += max(0, transcript.path.stat().st_size - start.offset)
        if unread >= RANGE_BYTES:
            yield TranscriptRange(tuple(files), here, started)
            files, unread = [], 0
    if files:
        yield TranscriptRange(tuple(files), here, started)


def document_of_letter(letter: DeadLetter) -> Document | str:
    """The document of a line that was rejected, by today's code, or why it is none."""
    try:
        transcript, line = line_of(letter)
    except ValueError as exc:
        return str(exc)
    return _document(transcript, line, origin(), letter.at)


def _document(transcript: Transcript, line: Line, here: Origin, ingested_at: datetime) -> Document | str:
    """The document of a line as it comes back from MongoDB, or why there is none."""
    if line.fault:
        return line.fault
    raw = encode(document_of(line, fields_of(transcript, here), ingested_at))
    return raw if isinstance(raw, str) else decode(raw)


def _positions(found: Sequence[str]) -> Positions:
    return dict(msgspec.json.decode(each, type=tuple[str, FilePosition]) for each in found)
