"""Claude Code's own files → the MongoDB collection, as the sync service would put them, each line once."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from clogs import dead_letters
from clogs.dead_letters import DeadLetter, Reasons
from clogs.errors import SourceError
from clogs.files import reading, write_content
from clogs.mongo import Document, Source, object_id, utc
from clogs.terminal.progress import Progress, no_progress
from clogs.transcripts.find import Transcript, transcript_at
from clogs.transcripts.origin import Origin
from clogs.transcripts.origin import origin as here
from clogs.transcripts.positions import decode_positions, encode_positions
from clogs.transcripts.read import FilePosition, Line, parse, read_batches

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What an import did."""

    files: int
    grown: int  # files with lines that were not read before
    lines: int
    imported: int
    known: int  # lines whose document the collection already held
    rejected: int
    index_created: bool  # on the watermark field, where there was none
    seconds: float


def import_transcripts(
    source: Source,
    transcripts: Sequence[Transcript],
    *,
    origin: Origin,
    watermark_field: str,
    state_dir: Path,
    dead_letter_dir: Path,
    run: str,
    max_rejected: float,
    on_progress: Progress = no_progress,
) -> ImportResult:
    """Insert every line that the collection does not hold yet. The caller holds the run lock.

    Files are read on from where they ended; `state_dir` keeps the positions. MongoDB itself refuses a line
    that is read again, for it has the same ``_id``.

    Raises:
        SourceError: MongoDB cannot be written to; what was inserted stays and is not inserted again.
        DataError: A larger share of the lines than ``max_rejected`` was rejected; the others are imported.
        ClogsError: A transcript cannot be read or a file cannot be written.
    """
    started = time.perf_counter()
    index_created = _index(source, watermark_field)
    state = state_dir / f"import-{hashlib.blake2b(source.name.encode(), digest_size=6).hexdigest()}.json"
    # An emptied collection is filled again, whatever was read before.
    with reading(state):
        kept = state.read_bytes() if state.exists() and not source.is_empty() else None
    positions = decode_positions(kept, name=str(state))
    grown = lines = imported = rejected = 0
    try:
        for done, transcript in enumerate(transcripts, start=1):
            key, before = str(transcript.path), lines
            for batch, position in read_batches(transcript.path, positions.get(key, FilePosition())):
                inserted, letters = _import(source, transcript, batch, origin, run)
                dead_letters.write(dead_letter_dir, letters)
                # Last: lines before a position are never read again.
                positions[key] = position
                lines, imported, rejected = lines + len(batch), imported + inserted, rejected + len(letters)
            grown += lines > before
            on_progress(done, len(transcripts))
    finally:
        # Also after a failure: what was read until then is not read again.
        write_content(state, encode_positions(positions))
    dead_letters.judge(
        rejected, lines, stage="import", noun="line", kept="imported", max_rejected=max_rejected
    )
    return ImportResult(
        files=len(transcripts),
        grown=grown,
        lines=lines,
        imported=imported,
        known=lines - imported - rejected,
        rejected=rejected,
        index_created=index_created,
        seconds=time.perf_counter() - started,
    )


def _index(source: Source, field: str) -> bool:
    """Create the index that extract finds new documents by, where it is missing; go on without it."""
    try:
        indexed = source.is_indexed(field)
    except SourceError:  # to list indexes is a right of its own
        indexed = False
    try:
        return not indexed and source.create_index(field)
    except SourceError as error:
        logger.warning("The index on %s cannot be created: %s", field, error)
        return False


def replay_lines(letters: Sequence[DeadLetter], source: Source) -> Reasons:
    """Insert the lines of dead letters that are entries by today's code, as their import would have.

    A file that a line came from may be gone.

    Raises:
        SourceError: MongoDB cannot be written to.
    """
    now = datetime.now(UTC)
    documents: dict[str, Document] = {}
    reasons: Reasons = {}
    for letter in letters:
        try:
            transcript, line = line_of(letter)
        except ValueError as exc:
            reasons[letter.id] = (str(exc),)
            continue
        if line.fault:
            reasons[letter.id] = (line.fault,)
        else:
            documents[letter.id] = document_of(line, letter.fields or fields_of(transcript, here()), now)
    ids = list(documents)
    _, refused = source.insert_absent(list(documents.values()))
    return reasons | {ids[each.index]: (each.reason,) for each in refused}


def _import(
    source: Source, transcript: Transcript, batch: Sequence[Line], origin: Origin, run: str
) -> tuple[int, list[DeadLetter]]:
    now = datetime.now(UTC)
    fields = fields_of(transcript, origin)
    entries = [line for line in batch if line.entry is not None]
    documents = [document_of(line, fields, now) for line in entries]
    inserted, refused = source.insert_absent(documents)
    faults = [(line, line.fault) for line in batch if line.fault]
    faults += [(entries[each.index], each.reason) for each in refused]
    letters = []
    for line, reason in faults:
        document, encoding = dead_letters.as_text(line.text)
        letter = DeadLetter(
            stage="import",
            source=f"{transcript.path}:{line.number}",
            reasons=(reason,),
            document=document,
            run=run,
            at=now,
            encoding=encoding,
            fields=fields,
        )
        letters.append(letter)
    return inserted, letters


def fields_of(transcript: Transcript, origin: Origin) -> dict[str, str]:
    """What each document of a transcript says of where it is from."""
    return {"projectId": transcript.project_id, "sourceFile": transcript.source_file, **origin.fields}


def document_of(line: Line, fields: Mapping[str, str], ingested_at: datetime) -> Document:
    """Make the document of a line that holds an entry, with `fields_of` its file, as the sync service would.

    Its ``_id`` follows from file, line number and text alone, so a line that is read again, after a crash or
    with the state lost, is the same document. It sorts in the order of the file's lines.
    """
    file = hashlib.blake2b(f"{fields['projectId']}\0{fields['sourceFile']}".encode(), digest_size=5)
    text = hashlib.blake2b(line.text, digest_size=4)
    number = (line.number % 2**24).to_bytes(3, "big")
    return {
        **(line.entry or {}),
        "_id": object_id(file.digest() + number + text.digest()),
        **fields,
        "ingestedAt": utc(ingested_at),
    }


def line_of(letter: DeadLetter) -> tuple[Transcript, Line]:
    """The line that a letter holds, and the file that it came from; ValueError if it holds none."""
    path, _, number = letter.source.rpartition(":")
    if not (path and number.isdecimal()):
        raise ValueError("its source is not FILE:LINE")
    line = parse(int(number), letter.raw)
    if line is None:
        raise ValueError("its line is blank")
    return transcript_at(Path(path)), line
