"""Whether a run would work: what `clogs doctor` finds, and the remedies."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from clogs.errors import ClogsError, HeldWarehouseError
from clogs.health.findings import Finding, failed, failures, open_to_others, warning_unless
from clogs.health.places import check_disk, check_folders, free_bytes
from clogs.health.prices import check_prices, unpriced_models
from clogs.health.reader import (
    DeadLetters,
    Landing,
    SourceStatus,
    Warehouse,
    read_dead_letters,
    read_landing,
    read_source,
    read_transcripts,
    read_warehouse,
)
from clogs.landing.place import Place
from clogs.mongo import Address, connect
from clogs.runs.lock import holder
from clogs.runs.log import log_path
from clogs.runs.records import WHY_KILLED, read, was_killed
from clogs.runs.records import versions as installed_versions
from clogs.schedule import installed
from clogs.terminal.text import count, instant, size


def checkup(
    address: Address,
    paths: Sequence[Path],
    *,
    watermark_field: str,
    source_mode: str,
    lookback: timedelta,
    raw_dir: Place,
    folders: Mapping[str, Path],
    warehouse_path: Path,
    newest_price: date | None,
) -> list[Finding]:
    """Check everything a run needs, and change nothing; it reads transcripts in ``paths``, or the collection.

    The folders are named by their settings, such as ``data.dir``; the landing is one of them unless it is in
    a bucket. ``newest_price`` is the day on which the newest price was looked up.
    """
    data_dir, state_dir = folders["data.dir"], folders["data.state_dir"]
    warehouse = read_warehouse(warehouse_path)
    findings = [check_versions(), *check_folders(folders, warehouse_path)]
    with failures(findings, "disk"):
        landing = read_landing(raw_dir).bytes if isinstance(raw_dir, Path) else 0
        used = landing + (warehouse.bytes or 0)
        findings.append(check_disk(data_dir, free=free_bytes(data_dir), used=used))
    if not isinstance(raw_dir, Path):
        with failures(findings, "landing"):
            findings.append(_bucket(read_landing(raw_dir)))
    with failures(findings, "lock"):
        running = holder(state_dir)
        lock = warning_unless(
            running is None,
            "lock",
            "Free: no run is in progress.",
            f"Another run is in progress: {running}.",
            "Let it finish; if it hangs, stop it: nothing is lost.",
        )
        findings.append(lock)
    with failures(findings, "schedule", "warning"):
        findings.append(_schedule())
    with failures(findings, "history"):
        findings.append(check_history(state_dir))
    with failures(findings, "warehouse"):
        findings.append(_warehouse(warehouse, state_dir))
    unpriced = unpriced_models(warehouse_path)
    findings.append(check_prices(newest_price, unpriced, today=datetime.now(UTC).date()))
    findings.append(_dead_letters(read_dead_letters(folders["data.dead_letter_dir"])))
    if paths:
        return [*findings, _transcripts(read_transcripts(paths))]
    return findings + _source(address, watermark_field, source_mode, lookback)


def check_versions() -> Finding:
    """Name the versions of Python, clogs and what it is built on."""
    python, *others = installed_versions().items()
    names = ", ".join(f"{name} {version}" for name, version in others)
    return Finding("versions", "ok", f"Python {python[1]}, {names}")


def _schedule() -> Finding:
    schedule = installed()
    next_run = schedule.next_run(datetime.now(UTC)) if schedule else None
    programs = {word for each in schedule.entries for word in each.words[:1]} if schedule else set()
    # a bare name is looked up along cron's PATH, which is not this one's
    missing = sorted(word for word in programs if word.startswith("/") and not shutil.which(word))
    if next_run is None:
        message = "No run is scheduled: the warehouse grows only when you run clogs pipeline."
    elif missing:
        message = f"The scheduled program cannot be started: {', '.join(missing)}."
    else:
        return Finding("schedule", "ok", f"The next run is at {instant(next_run)}.")
    return Finding("schedule", "warning", message, "clogs schedule install")


def check_history(state_dir: Path) -> Finding:
    """Say how the last run of the pipeline ended."""
    last = next(read(state_dir), None)
    if last is None:
        return Finding("history", "ok", "The pipeline has not run yet.")
    message = f"The last run ({last.run}, started by {last.trigger} at {instant(last.started_at)})"
    if last.status == "running" and was_killed(last, holder(state_dir)):
        message += f" was killed: PID {last.pid} does not hold the lock, and how it ended was never recorded."
        hint = f"{WHY_KILLED} Nothing is lost."
    elif last.status == "failed":
        message += f" failed: {last.failure.message if last.failure else 'why was not recorded.'}"
        hint = (last.failure and last.failure.hint) or ""
    else:
        ended = {"running": "is in progress", "stopped": "was stopped"}.get(last.status, "finished")
        return Finding("history", "ok", f"{message} {ended}.")
    if hint and not hint.endswith((".", "?")):
        hint += " ·"  # it ends with a command
    log = f"The log is {log_path(state_dir)}."
    return Finding("history", "warning", message, f"{hint} {log} Then run it again: clogs pipeline".lstrip())


def _bucket(found: Landing) -> Finding:
    files = f"{count(found.files, 'landing file')}, {size(found.bytes)}"
    return Finding("landing", "ok", f"{found.folder} can be listed: {files}.")


def _warehouse(found: Warehouse, state_dir: Path) -> Finding:
    if isinstance(found.fault, HeldWarehouseError):
        holding = f"PID {found.fault.pid}"
        if (holder(state_dir) or "").startswith(f"{holding},"):
            return Finding("warehouse", "ok", f"{found.path} is in use by the run in progress ({holding}).")
    if found.fault:
        return failed("warehouse", found.fault)
    if found.bytes is None:
        return Finding("warehouse", "ok", f"None yet; the first load creates {found.path}.")
    message = f"{found.path} ({size(found.bytes)}) can be read."
    return open_to_others("warehouse", found.path, 0o600) or Finding("warehouse", "ok", message)


def _dead_letters(found: DeadLetters) -> Finding:
    if found.fault:  # only a warning: no run needs them
        return failed("rejected", found.fault, "warning")
    letters = (
        f"{count(found.count, 'dead letter')}: clogs dead-letters" if found.count else "No dead letters."
    )
    return Finding("rejected", "ok", letters)


def _transcripts(found: SourceStatus) -> Finding:
    if found.fault:
        return failed("source", found.fault)
    return Finding("source", "ok", f"{count(found.transcripts or 0, 'transcript')} in {found.name}.")


def _source(address: Address, watermark_field: str, source_mode: str, lookback: timedelta) -> list[Finding]:
    try:
        with connect(address) as collection:
            found = read_source(collection, watermark_field, source_mode)
            indexed = collection.is_indexed(watermark_field)
            early = collection.count({watermark_field: {"$gt": datetime.now(UTC) + lookback}})
    except ClogsError as error:
        return [failed("source", error)]
    if not found.exists:
        remedy = "Check mongo.db and mongo.collection (clogs config), or fill it: clogs import ~/.claude"
        return [Finding("source", "error", f"The collection {found.name} does not exist.", remedy)]
    return [
        Finding("source", "ok", f"{found.name} holds about {count(found.documents or 0, 'document')}."),
        _changes(found),
        *_documents(
            address,
            watermark_field,
            indexed=indexed,
            undated=found.undated or 0,
            early=early,
            by_stream=found.found_by == "change_stream",
        ),
    ]


def _changes(found: SourceStatus) -> Finding:
    """Say what finds new documents: the watermark misses edits, and documents with an old date."""
    by = "change streams" if found.found_by == "change_stream" else "the watermark"
    message = f"New documents are found by {by}: {found.found_by_reason}"
    remedy = 'Grant it: only change streams find edits. Or set pipeline.source_mode to "watermark".'
    return warning_unless("privilege" not in message, "changes", message, message, remedy)


def _documents(
    address: Address, watermark_field: str, *, indexed: bool, undated: int, early: int, by_stream: bool
) -> list[Finding]:
    """Say whether the watermark finds new documents, fast and only once."""
    db, name, field = map(json.dumps, (address.db, address.collection, watermark_field))
    ahead = "ahead of this machine's clock by more than the lookback"
    return [
        warning_unless(
            indexed,
            "index",
            f"{watermark_field} is indexed.",
            f"No index on {watermark_field}: to find new documents, each run scans the whole collection.",
            f"In mongosh: db.getSiblingDB({db}).getCollection({name}).createIndex({{{field}: 1}})",
        ),
        warning_unless(
            by_stream or not undated,
            "dates",
            f"Change streams find {count(undated, 'document')} without a Date in {watermark_field}, too."
            if undated
            else f"Every document has a Date in {watermark_field}.",
            f"{count(undated, 'document')} without a Date in {watermark_field}:"
            " only the first run and a full backfill find them.",
            "Read them with: clogs extract --full-backfill, or set pipeline.watermark_field"
            " (PIPELINE_WATERMARK_FIELD) to a better field.",
        ),
        warning_unless(
            not early,
            "clocks",
            f"No Date in {watermark_field} is {ahead}.",
            f"{count(early, 'document')} with a Date in {watermark_field} {ahead}:"
            " each run reads them again until that time.",
            "Correct the clock of this machine, or of the one that writes to MongoDB: timedatectl",
        ),
    ]
