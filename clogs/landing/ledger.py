"""The rows of ``raw.ledger``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from clogs.warehouse import Connection

FileStatus = Literal["landed", "vanished", "compacted", "pruned"]
"""Of a landing file that was loaded. ``landed`` ones stay in the folder, and ``vanished`` ones should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LandingFile:
    """A landing file that can be loaded.

    Attributes:
        path: Where it is.
        name: Its name in the ledger.
        day: Its partition.
        bytes: Its size.
        modified: When it was last written to, in microseconds since 1970, UTC.
        sha256: Of its content, in hex digits.
        format: The version of its format.
    """

    path: Path
    name: str
    day: date
    bytes: int
    modified: int
    sha256: str
    format: int


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger knows of a file.

    Attributes:
        bytes: Its size.
        modified: When it was last written to, in microseconds since 1970, UTC; None where an older version
            of clogs loaded it.
        sha256: Of its content, in hex digits; None likewise.
        status: What became of it.
        merged_into: The file that holds its rows, if it is compacted.
    """

    bytes: int
    modified: int | None
    sha256: str | None
    status: FileStatus
    merged_into: str | None


def ledger_name(path: Path, raw_dir: Path) -> str:
    """A landing file's name in the ledger: its place in the landing folder."""
    return path.relative_to(raw_dir).as_posix()


def read_ledger(connection: Connection) -> dict[str, Known]:
    """Every file that was ever loaded, by its name in the ledger."""
    rows = connection.execute(
        "SELECT file, bytes, epoch_us(modified_at), sha256, status, merged_into FROM raw.ledger"
    ).fetchall()
    return {file: Known(*known) for file, *known in rows}


def enter_merged(connection: Connection, file: LandingFile, *, rows: int, run: str) -> None:
    """Enter a file that holds rows of other ones, which are in the table already."""
    connection.execute(
        """
        INSERT INTO raw.ledger BY NAME SELECT
            ? AS file, ?::BIGINT AS bytes, make_timestamptz(?::BIGINT) AS modified_at, ? AS sha256,
            ?::INTEGER AS format, ?::BIGINT AS rows, ? AS run, ?::TIMESTAMPTZ AS loaded_at,
            0 AS inserted, 0 AS updated, rows AS unchanged, 'landed' AS status
        """,
        [file.name, file.bytes, file.modified, file.sha256, file.format, rows, run, datetime.now(UTC)],
    )


def set_status(
    connection: Connection, files: Sequence[str], status: FileStatus, *, merged_into: str | None = None
) -> None:
    """Note what became of files."""
    if files:
        connection.execute(
            "UPDATE raw.ledger SET status = ?, merged_into = ? WHERE file IN (SELECT unnest(?::VARCHAR[]))",
            [status, merged_into, list(files)],
        )
