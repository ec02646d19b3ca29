"""The load stage: which landing files are new, and in which batches they are loaded."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path

import polars as pl

from clogs import warehouse
from clogs.errors import ClogsError, DataError, SilentBucketError
from clogs.landing.files import by_size
from clogs.landing.ledger import LandingDiff, compare, ledger_name, record
from clogs.landing.newest import arrow_rows, reading_rows
from clogs.landing.place import Place
from clogs.landing.verify import DamagedError, verified
from clogs.load.quarantine import quarantine
from clogs.load.upsert import LoadCounts, upsert
from clogs.terminal.progress import Progress, no_progress
from clogs.terminal.text import count, join_limited
from clogs.warehouse import Connection

BATCH_BYTES = 1024 * 1024 * 1024  # of landing files on disk, loaded in one transaction
OBJECT_BYTES = 64 * 1024 * 1024  # of objects, whose rows are in memory

# Rows of files that are missing or changed, unless another file has a newer version.
_KEEP = """
    DELETE FROM raw.rebuilt AS rebuilt USING raw.conversations AS old
    WHERE rebuilt._id = old._id AND rebuilt.extracted_at < old.extracted_at;
    INSERT INTO raw.rebuilt FROM raw.conversations ANTI JOIN raw.rebuilt USING (_id);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult(LoadCounts):
    """What a load did.

    Attributes:
        files: Landing files that were loaded.
        missing: Landing files that were loaded once and no longer exist; their rows stay.
        total: Rows of the table afterwards.
        seconds: Wall time.
    """

    files: int
    missing: int
    total: int
    seconds: float


def load(
    connection: Connection,
    *,
    raw_dir: Place,
    dead_letter_dir: Path,
    run: str,
    full_refresh: bool = False,
    on_progress: Progress = no_progress,
) -> LoadResult:
    """Load the landing files that are not in the ledger.

    Rows and ledger are written in one transaction per batch of files, or in one for all of them under
    `full_refresh`, so that readers see the old table or the new one. The newest version of a document wins
    in whatever order its versions come. The rows of files that are gone stay, also under `full_refresh`.

    Raises:
        DataError: A file is damaged, and now in quarantine, or was changed after it was loaded. All others
            are loaded.
        ClogsError: A file cannot be read or moved just now, or was written by a newer clogs. All others
            are loaded.
        SilentBucketError: The landing's bucket does not answer. What was read before is loaded.
    """
    started = time.perf_counter()
    warehouse.create_tables(connection)
    diff = compare(connection, raw_dir)
    record(connection, diff)
    loading = _Loading(connection, raw_dir, run, on_progress)
    with warehouse.bounded(connection):
        if full_refresh:
            loading.refresh(diff)
        else:
            loading.load(diff.new)
    raise_for_files(
        loading.damaged,
        loading.unreadable,
        diff,
        raw_dir=raw_dir,
        dead_letter_dir=dead_letter_dir,
        run=run,
    )
    return LoadResult(
        files=loading.files,
        **asdict(loading.counts),
        missing=diff.missing,
        total=int(connection.execute("SELECT count(*) FROM raw.conversations").fetchall()[0][0]),
        seconds=time.perf_counter() - started,
    )


@dataclass(slots=True)
class _Loading:
    """A load in progress: the files that it could not load, and the counts of the others."""

    connection: Connection
    raw_dir: Place
    run: str
    on_progress: Progress
    damaged: dict[Place, str] = field(default_factory=dict)
    unreadable: list[ClogsError] = field(default_factory=list)
    is_cut_off: bool = False
    """Whether the bucket does not answer: to ask it for every other file, too, could take hours."""
    files: int = 0
    counts: LoadCounts = field(default_factory=LoadCounts)
    _read: dict[Place, pl.DataFrame] = field(default_factory=dict)
    """The rows of objects that were verified, and are to be loaded next."""

    def load(self, paths: Sequence[Place], *, table: str = "conversations") -> None:
        """Load files, batch by batch; the caller of another table commits."""
        self.on_progress(0, len(paths))
        # verified lazily, just before their batch is loaded, so that they are read from disk once
        most = BATCH_BYTES if isinstance(self.raw_dir, Path) else OBJECT_BYTES
        for batch in by_size(filter(self._can_load, paths), most):
            own = table == "conversations"
            with warehouse.transaction(self.connection) if own else nullcontext():
                frames = [self._read.pop(path) for path in batch if path in self._read]
                rows = arrow_rows(frames) if frames else None
                with reading_rows(self.connection, rows):
                    self.counts += upsert(
                        self.connection, batch, rows, raw_dir=self.raw_dir, run=self.run, table=table
                    )
            self.files += len(batch)
            self.on_progress(self.files + len(self.damaged), len(paths))

    def refresh(self, diff: LandingDiff) -> None:
        """Load all files into a table that takes the place of the old one."""
        with warehouse.transaction(self.connection):
            warehouse.create_conversations(self.connection, "rebuilt")
            self.load(sorted(diff.loaded + diff.new), table="rebuilt")
            if diff.missing or diff.changed or self.damaged or self.unreadable:
                self.connection.execute(_KEEP)
            self.connection.execute(
                "DROP TABLE raw.conversations; ALTER TABLE raw.rebuilt RENAME TO conversations"
            )
            warehouse.note_everything(self.connection)

    def _can_load(self, path: Place) -> bool:
        if self.is_cut_off:
            return False
        try:
            with verified(path) as file:
                if not isinstance(path, Path):
                    self._read[path] = pl.read_parquet(file)
        except DamagedError as exc:
            self.damaged[path] = str(exc)
        except ClogsError as error:
            self.unreadable.append(error)
            self.is_cut_off = isinstance(error, SilentBucketError)
        else:
            return True
        return False


def raise_for_files(
    damaged: Mapping[Place, str],
    unreadable: Sequence[ClogsError],
    diff: LandingDiff,
    *,
    raw_dir: Place,
    dead_letter_dir: Path,
    run: str,
) -> None:
    """Put damaged files in quarantine, and raise if any file could not be loaded."""
    faults, hints = [], []
    # a file that was loaded stays where it is: a backup of it may be put back in its place
    changed = diff.changed + [path for path in diff.loaded if path in damaged]
    damaged = {path: reason for path, reason in damaged.items() if path not in changed}
    if damaged:
        folder = quarantine(damaged, raw_dir=raw_dir, dead_letter_dir=dead_letter_dir, run=run)
        names = [f"{ledger_name(path, raw_dir)} {reason}" for path, reason in damaged.items()]
        files = count(len(damaged), "damaged landing file")
        faults.append(f"{files} moved to {folder}: {join_limited(names)}.")
        hints.append("Read again from MongoDB what damaged files held: clogs extract --full-backfill")
    if changed:
        names = [str(path) for path in changed]
        faults.append(
            f"{count(len(changed), 'landing file')} changed after being loaded: {join_limited(names)}."
        )
        hints.append("Put changed files back as they were, or move them away: the table keeps their rows.")
    if faults:
        raise DataError(f"{' '.join(faults)} All others are loaded.", hint=" ".join(hints))
    if unreadable:
        raise unreadable[0]
