"""What is measured, each in a process of its own, which prints the seconds it took, and those of CPU."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import defaultdict
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pymongo import MongoClient
from pymongo.cursor import Cursor

from clogs import extract as stage
from clogs.checks.suites import blocking_checks
from clogs.mongo import Address, connect
from clogs.runs.records import new_run
from clogs.settings.model import MongoSettings, PipelineSettings

DB, COLLECTION = "claude_logs", "conversations"
EXCLUDE = MongoSettings().exclude
DEFAULTS = PipelineSettings()

Document = dict[str, Any]


def find(uri: str) -> Cursor[Document]:
    """The same documents and fields for all, with the driver's defaults."""
    projection = dict.fromkeys(EXCLUDE, 0)
    return MongoClient[Document](uri)[DB][COLLECTION].find({}, projection)


def cursor(uri: str, _folder: Path) -> float:
    """Iterate, and do nothing."""
    started = time.perf_counter()
    for _ in find(uri):
        pass
    return time.perf_counter() - started


def extract(uri: str, folder: Path) -> float:
    """What clogs does."""
    return land(uri, folder, blocking_checks({}))


def unchecked(uri: str, folder: Path) -> float:
    """The same, but any document is landed that fits its columns."""
    return land(uri, folder, ())


def land(
    uri: str,
    folder: Path,
    checks: tuple[str, ...],
    mode: stage.SourceMode = "watermark",
    reconcile_days: int | None = None,
) -> float:
    """Extract into a folder, with some checks."""
    job = stage.ExtractJob(
        run=new_run(),
        raw_dir=folder / "raw",
        dead_letter_dir=folder / "dead_letters",
        state_dir=folder / "state",
        exclude=EXCLUDE,
        batch_size=DEFAULTS.batch_size,
        source_mode=mode,
        watermark_field=DEFAULTS.watermark_field,
        lookback=DEFAULTS.lookback,
        retry_delays=(timedelta(seconds=1),),
        max_rejected=0.01,
        blocking_checks=checks,
        workers=DEFAULTS.workers,
    )
    with connect(Address(uri, DB, COLLECTION), retry_delays=job.retry_delays) as source:
        started = time.perf_counter()
        stage.extract(source, job, reconcile_days=reconcile_days)
        return time.perf_counter() - started


def classic(uri: str, folder: Path) -> float:
    """What a script does: a dict per document, and a table from a list of these, by date."""
    started = time.perf_counter()
    found = find(uri)
    number = 0
    while batch := list(islice(found, DEFAULTS.batch_size)):
        days: dict[str, list[Document]] = defaultdict(list)
        for document in batch:
            row = classic_row(document)
            days[row["date"]].append(row)
        for day, rows in days.items():
            place = folder / f"date={day}"
            place.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pylist(rows), place / f"{number}.parquet", compression="snappy")
        number += 1
    return time.perf_counter() - started


def classic_row(document: Document) -> Document:
    """Flatten one document."""
    message = document.pop("message", None)
    content = message.get("content") if isinstance(message, dict) else message
    if isinstance(content, list):
        content = "\n".join(filter(None, map(classic_line, content))) or None
    named = (
        "type",
        "sessionId",
        "projectId",
        "timestamp",
        "ingestedAt",
        "sourceFile",
        "uuid",
        "parentUuid",
        "requestId",
        "agentId",
        "isSidechain",
        "isMeta",
        "cwd",
        "gitBranch",
        "version",
    )
    row = {"_id": str(document.pop("_id"))} | {name: document.pop(name, None) for name in named}
    row["date"] = (row["timestamp"] or row["ingestedAt"].isoformat())[:10]
    row["message_role"] = message.get("role") if isinstance(message, dict) else None
    row["message_content"] = content
    row["message_raw"] = json.dumps(message, default=str) if message else None
    row["entry_raw"] = json.dumps(document, default=str)
    return row


def classic_line(block: Any) -> str | None:  # noqa: ANN401  # JSON
    """The text of one content block."""
    if not isinstance(block, dict):
        return block if isinstance(block, str) else None
    kind = block.get("type")
    if kind == "tool_use":
        return f"[tool_use: {block.get('name')}]"
    return "[tool_result]" if kind == "tool_result" else block.get("text")


SUBJECTS = {"cursor": cursor, "extract": extract, "unchecked": unchecked, "classic": classic}


def cpu() -> float:
    """Seconds of CPU of this process, and of its children that have ended."""
    return sum(os.times()[:4])


if __name__ == "__main__":
    name, uri, folder = sys.argv[1:]
    before = cpu()
    seconds = SUBJECTS[name](uri, Path(folder))
    sys.stdout.write(f"{seconds} {cpu() - before}\n")
