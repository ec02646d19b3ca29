"""The stage: which files are new, in what portions they are loaded, and what is said of the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from clogs import warehouse
from clogs.errors import ClogsError, DataError
from clogs.landing.compare import LandingDiff, compare, record
from clogs.landing.ledger import LandingFile, ledger_name
from clogs.landing.verify import DamagedError, check
from clogs.load.quarantine import set_aside
from clogs.load.upsert import Counts, upsert
from clogs.terminal.text import count, join_limited
from clogs.warehouse import Connection

BATCH_BYTES = 1024 * 1024 * 1024
"""Landing files are loaded in one transaction up to this size on disk."""

# Where some files are missing or not what they were: their rows, unless another file has a newer version.
_KEEP = """
    DELETE FROM raw.rebuilt AS found USING raw.conversations AS known
    WHERE found._id = known._id AND found.extracted_at < known.extracted_at;
    INSERT INTO raw.rebuilt FROM raw.conversations ANTI JOIN raw.rebuilt USING (_id);
"""
_REPLACE = "DROP TABLE raw.conversations; ALTER TABLE raw.rebuilt RENAME TO conversations"

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What a load did.

    Attributes:
        files: Landing files loaded; those in the ledger are not read again.
        rows: Rows in them.
        inserted: Documents that were not in the table.
        updated: Documents whose row was replaced by a newer version.
        unchanged: Rows that changed nothing: the table had this version of their document, or a newer one.
        missing: Landing files that were loaded once and are no longer there; their rows stay.
        total: Rows in ``raw.conversations`` afterwards.
        seconds: Wall time.
    """

    files: int
    rows: int
    inserted: int
    updated: int
    unchanged: int
    missing: int
    total: int
    seconds: float


def load(
    connection: Connection,
    *,
    raw_dir: Path,
    dead_letter_dir: Path,
    run: str,
    full_refresh: bool = False,
    on_progress: Progress = lambda _done, _total: None,
) -> LoadResult:
    """Load the landing files that the ledger does not know.

    Rows and ledger are written in one transaction per batch of files, or in one for all of them under
    `full_refresh`, so that readers see the old table or the new one. The newest version of a document wins
    in whatever order its versions come. The rows of files that are gone stay, also under `full_refresh`.

    Args:
        connection: The warehouse, writable.
        raw_dir: The landing folder.
        dead_letter_dir: Where damaged files are set aside.
        run: The run's id, for the ledger.
        full_refresh: Rebuild the table from all landing files.
        on_progress: Called with how many files are loaded, and how many there are to load.

    Raises:
        DataError: A file is damaged, and set aside, or was changed after it was loaded. All others are
            loaded.
        ClogsError: A file cannot be read or moved just now, or was written by a newer clogs. All others
            are loaded.
    """
    started = time.perf_counter()
    warehouse.create_tables(connection)
    found = compare(connection, raw_dir, verify=full_refresh)
    record(connection, found)
    loading = _Loading(connection, raw_dir, run, on_progress)
    with warehouse.bounded(connection):
        if full_refresh:
            loading.refresh(found)
        else:
            loading.load(found.new)
    _refuse(found.changed, loading.damaged, raw_dir=raw_dir, dead_letter_dir=dead_letter_dir, run=run)
    if loading.refused:
        raise loading.refused[0]
    return LoadResult(
        files=loading.files,
        rows=loading.counts.rows,
        inserted=loading.counts.inserted,
        updated=loading.counts.updated,
        unchanged=loading.counts.unchanged,
        missing=found.missing,
        total=int(connection.execute("SELECT count(*) FROM raw.conversations").fetchall()[0][0]),
        seconds=time.perf_counter() - started,
    )


@dataclass(slots=True)
class _Loading:
    """A load under way: the files it could not read, and what became of the others."""

    connection: Connection
    raw_dir: Path
    run: str
    on_progress: Progress
    damaged: dict[Path, str] = field(default_factory=dict)
    refused: list[ClogsError] = field(default_factory=list)
    files: int = 0
    counts: Counts = field(default_factory=Counts)

    def load(self, paths: Sequence[Path], *, rebuilt: bool = False) -> None:
        """Load files, batch by batch; those of `refresh` become visible in its own transaction."""
        self.on_progress(0, len(paths))
        for batch in self._batches(paths):
            with nullcontext() if rebuilt else warehouse.transaction(self.connection):
                table = "rebuilt" if rebuilt else "conversations"
                self.counts += upsert(self.connection, batch, run=self.run, table=table)
            self.files += len(batch)
            self.on_progress(self.files + len(self.damaged), len(paths))

    def refresh(self, found: LandingDiff) -> None:
        """Load all files into a table that takes the place of the old one."""
        with warehouse.transaction(self.connection):
            warehouse.create_conversations(self.connection, "rebuilt")
            self.load(sorted(found.loaded + found.new), rebuilt=True)
            if found.missing or found.changed or self.damaged or self.refused:
                self.connection.execute(_KEEP)
            self.connection.execute(_REPLACE)
            warehouse.note_everything(self.connection)

    def _batches(self, paths: Sequence[Path]) -> Iterator[list[LandingFile]]:
        batch: list[LandingFile] = []
        size = 0
        for path in paths:
            try:
                batch.append(check(path, self.raw_dir))
            except DamagedError as exc:
                self.damaged[path] = str(exc)
                continue
            except ClogsError as error:
                self.refused.append(error)
                continue
            size += batch[-1].bytes
            if size > BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch


def _refuse(
    changed: Sequence[Path], damaged: Mapping[Path, str], *, raw_dir: Path, dead_letter_dir: Path, run: str
) -> None:
    """Set damaged files aside, and tell of all that were not loaded."""
    told, remedies = [], []
    if damaged:
        folder = set_aside(damaged, raw_dir=raw_dir, dead_letter_dir=dead_letter_dir, run=run)
        faults = join_limited([f"{ledger_name(path, raw_dir)} {reason}" for path, reason in damaged.items()])
        told.append(f"{count(len(damaged), 'damaged landing file')} set aside in {folder}: {faults}.")
        remedies.append("Read again from MongoDB what damaged files held: clogs extract --full-backfill")
    if changed:
        names = join_limited(list(map(str, changed)))
        told.append(f"{count(len(changed), 'landing file')} changed after being loaded: {names}.")
        remedies.append("Put changed files back as they were, or move them away: the table keeps their rows.")
    if told:
        raise DataError(f"{' '.join(told)} All others are loaded.", hint=" ".join(remedies))
