"""The stage: what ``clogs validate --build-docs`` calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from clogs.checks.results import CheckResult, PastResult
from clogs.datadocs.page import render
from clogs.datadocs.profile import profile, tables
from clogs.files import write_atomic
from clogs.schema import Model
from clogs.warehouse import Connection, bounded


def build(
    connection: Connection,
    *,
    models: Sequence[Model],
    checks: Sequence[CheckResult],
    courses: Mapping[str, Sequence[PastResult]],
    folder: Path,
    at: datetime,
) -> Path:
    """Measure the warehouse and write its documentation.

    Args:
        connection: The warehouse; it is only read.
        models: All models; tables of theirs that are not there are left out.
        checks: How the checks ended, of all layers or of some.
        courses: How each ended before, by its name, the oldest first.
        folder: Where to put it; made where it is missing, readable by its owner alone.
        at: When the checks ended, with a time zone.

    Returns:
        The page, ``index.html`` in the folder.

    Raises:
        ClogsError: The disk is full, or the folder cannot be written to.
    """
    with bounded(connection):
        names = tables(connection, also=[model.name for model in models])
        profiles = [profile(connection, name) for name in names]
    page = render(profiles, models=models, checks=checks, courses=courses, at=at)
    path = folder / "index.html"
    write_atomic(path, lambda path: path.write_text(page, encoding="utf-8"))
    return path
