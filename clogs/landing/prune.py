"""Remove old days from the landing folder and the warehouse."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from io import BytesIO

import polars as pl

from clogs import warehouse
from clogs.landing.files import day_of, landed
from clogs.landing.ledger import ledger_name, read_ledger, remove, set_pruned
from clogs.landing.place import Place, put, size_of, sweep
from clogs.landing.seen import pruned_ids, scan_ids, scanning
from clogs.warehouse import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneResult:
    """What was removed, or would be under `dry_run`; `before` is the first day kept, in UTC."""

    before: date
    days: int
    rows: int
    files: int
    bytes: int
    dry_run: bool
    seconds: float


Delete = Callable[[Connection, PruneResult], None]
"""What an engine does: it deletes the rows of what was found, and says in the ledger that they are pruned."""


def prune(
    connection: Connection,
    *,
    raw_dir: Place,
    before: date,
    dry_run: bool = False,
    delete: Delete | None = None,
) -> PruneResult:
    """Remove all days before one, in UTC, or only count them under ``dry_run``.

    The caller holds the run lock. Rows and ledger change in one transaction, unless `delete` does it in
    another way; the files are removed after it. After a crash in between, the next load removes the rest.
    Files that were not loaded yet go first, so that none is loaded later.
    """
    started = time.perf_counter()
    by_day = f"SELECT date, count(*) FROM raw.conversations WHERE date < DATE '{before}' GROUP BY date"
    counted: dict[date, int] = dict(connection.execute(by_day).fetchall())
    files = [path for path in landed(raw_dir) if (day := day_of(path)) and day < before]
    found = PruneResult(
        before=before,
        days=len(counted.keys() | {day_of(path) for path in files}),
        rows=sum(counted.values()),
        files=len(files),
        bytes=sum(map(size_of, files)),
        dry_run=dry_run,
        seconds=0,
    )
    if not dry_run:
        loaded = read_ledger(connection)
        unloaded = [path for path in files if ledger_name(path, raw_dir) not in loaded]
        if found.rows or unloaded:
            _keep_ids(connection, raw_dir, before, unloaded)
        remove(unloaded)
        (delete or _delete)(connection, found)
        sweep(raw_dir)
        remove(files)
    return replace(found, seconds=time.perf_counter() - started)


def _delete(connection: Connection, found: PruneResult) -> None:
    """Delete the rows from DuckDB's table."""
    days = f"date < DATE '{found.before}'"
    with warehouse.transaction(connection):
        warehouse.note_changed(
            connection, f"SELECT _id FROM raw.conversations WHERE {days}", count=found.rows
        )
        for table in ("raw.conversations", "quality.partitions"):
            connection.execute(f"DELETE FROM {table} WHERE {days}")
        set_pruned(connection.execute, found.before)
        # no file is new, and yet no stage may be skipped
        connection.execute("DELETE FROM raw.checkpoints")


def _keep_ids(connection: Connection, raw_dir: Place, before: date, unloaded: Sequence[Place]) -> None:
    """Keep the ids of all documents before a day: what was pruned is not missing from the landing."""
    rows = connection.execute(f"SELECT _id FROM raw.conversations WHERE date < DATE '{before}'").pl()
    with scanning(raw_dir):
        ids = pl.concat([rows, scan_ids(unloaded).collect()]).unique(maintain_order=True)
    content = BytesIO()
    ids.write_parquet(content)
    digest = hashlib.sha256(content.getbuffer()).hexdigest()
    put(pruned_ids(raw_dir) / f"before_{before}_{digest[:16]}.parquet", content.getvalue())
