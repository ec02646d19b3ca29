"""The document that a line of a transcript becomes, as the sync service would store it."""

from __future__ import annotations

import hashlib
from datetime import datetime

from clogs.mongo import Document, object_id, utc
from clogs.transcripts.find import Transcript
from clogs.transcripts.read import Line


def document_of(transcript: Transcript, line: Line, ingested_at: datetime) -> Document:
    """Make the document of a line that holds an entry.

    Its ``_id`` follows from file, line number and text alone, so a line that is read again, after a crash or
    with the state lost, is the same document. It sorts in the order of the file's lines.
    """
    file = hashlib.blake2b(f"{transcript.project_id}\0{transcript.source_file}".encode(), digest_size=5)
    text = hashlib.blake2b(line.text, digest_size=4)
    number = (line.number % 2**24).to_bytes(3, "big")
    return {
        **(line.entry or {}),
        "_id": object_id(file.digest() + number + text.digest()),
        "projectId": transcript.project_id,
        "sourceFile": transcript.source_file,
        "ingestedAt": utc(ingested_at),
    }
