"""Compiled models brought up to date, whether SQLMesh runs them or we do.

A run reads from the parents' logs which keys were touched, runs the SELECT on these keys alone, and replaces
the rows that differ. A table is built as a whole when it is new, or when its parents cannot say what changed.
The rows, the audits of what changed and the log for the tables built from this one are one transaction: a row
that fails an audit never becomes visible.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from clogs import warehouse
from clogs.errors import ClogsError, DataError
from clogs.runs.signals import was_stopped
from clogs.terminal.progress import Progress
from clogs.terminal.text import first_line
from clogs.transform.audits import audit
from clogs.transform.compiled import CompiledModel
from clogs.transform.logs import Logs
from clogs.transform.replace import replace
from clogs.transform.restrict import Followed, read_from, restrict
from clogs.transform.selection import Parents
from clogs.warehouse import Connection, create_temporary, identifier

logger = logging.getLogger(__name__)

MEMORY = 2_000_000_000
"""Bytes that DuckDB may take without a setting: more would only fill its cache."""


def follow(
    connection: Connection,
    models: Sequence[CompiledModel],
    parents: Parents,
    wanted: Collection[str],
    on_progress: Progress,
) -> tuple[dict[str, float], list[tuple[str, Exception]]]:
    """Bring the wanted models up to date, each in a transaction; those built from one that fails are skipped.

    Returns:
        The seconds of each model that was, and the names and errors of those that failed.
    """
    due = [model for model in models if model.name in wanted]
    seconds: dict[str, float] = {}
    failures: list[tuple[str, Exception]] = []
    logs = Logs(connection)
    left: set[str] = set()  # those that failed, and what is built from them
    for done, model in enumerate(due):
        on_progress(done, len(due))
        if parents[model.name] & left:
            left.add(model.name)
            continue
        started = time.perf_counter()
        try:
            with warehouse.transaction(connection):
                update(logs, model)
        except (warehouse.Error, ClogsError) as exc:
            if was_stopped():  # an interrupted query is no model's failure
                raise KeyboardInterrupt from exc
            failures.append((model.name, exc))
            left.add(model.name)
            logs = Logs(connection)  # what it wrote is undone
        else:
            seconds[model.name] = time.perf_counter() - started
            logger.debug("%s: up to date in %.2f s", model.name, seconds[model.name])
    on_progress(len(due), len(due))
    return seconds, failures


def explain(file: Path, name: str, cause: BaseException) -> ClogsError:
    """Say which model failed and why; an audit says it itself."""
    if isinstance(cause, DataError):
        return cause
    return warehouse.fault_of(file, cause) or ClogsError(
        f"The model {name} could not be built: {first_line(cause)}",
        hint="Correct the model; if you did not change it, rebuild with: clogs transform --full-refresh",
    )


def update(logs: Logs, model: CompiledModel, *, is_new: bool = False) -> None:
    """Bring a model up to date, in the transaction that the caller has begun.

    Raises:
        DataError: Rows fail an audit.
        ClogsError: The rows depend on rows outside their key.
    """
    connection = logs.connection
    if model.kind == "view":
        rows: str | None = model.query
    elif model.kind == "full":
        _create(connection, model, model.query)
        rows = f"FROM {model.identifier}"
    else:
        rows = _update(logs, model, is_new=is_new)
    if rows:
        audit(connection, model.name, model.audits, rows)


def _update(logs: Logs, model: CompiledModel, *, is_new: bool) -> str | None:
    """Build a table as a whole, or what is touched.

    Returns:
        A query of the rows to audit: all, or those that changed with those that must agree with them; None
        if nothing changed.
    """
    parents = _followed(model, logs)
    if parents is None:
        return _rebuild(logs, model, [])
    changed = [each for each in parents if each.seen is None or each.latest > each.seen]
    if is_new or not logs.follows(model.table) or not all(_can_follow(each, model, logs) for each in changed):
        return _rebuild(logs, model, parents)
    if not changed:
        return None
    rows = _follow(logs, model, parents, changed)
    _mark_seen(model, logs, parents)
    return rows


def _followed(model: CompiledModel, logs: Logs) -> list[Followed] | None:
    """How far a table has followed its parents; None if one of them keeps no log."""
    if model.parents is None or not all(logs.exists(parent.table) for parent in model.parents):
        return None
    states = []
    for parent in model.parents:
        seen = logs.seen(model.table, parent.table)
        # a log that was trimmed is empty
        states.append(Followed(parent, seen, latest=max(logs.latest(parent.table), seen or 0)))
    return states


def _can_follow(each: Followed, model: CompiledModel, logs: Logs) -> bool:
    """Whether a parent's log says which keys its changes touch."""
    if each.seen is None or (model.key and not each.parent.column):
        return False
    return not logs.everything_since(each.parent.table, each.seen)


def _mark_seen(model: CompiledModel, logs: Logs, parents: Iterable[Followed]) -> None:
    logs.mark_seen(model.table, {each.parent.table: each.latest for each in parents})


def _rebuild(logs: Logs, model: CompiledModel, parents: Iterable[Followed]) -> str:
    whole = {parent: parent.source for parent in model.parents or ()}
    _create(logs.connection, model, read_from(model.query, whole))
    logs.reset(model.table, model.identifier)
    _mark_seen(model, logs, parents)
    return f"FROM {model.identifier}"


def _create(connection: Connection, model: CompiledModel, query: str) -> None:
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {model.identifier.partition('.')[0]}")
    connection.execute(f"CREATE OR REPLACE TABLE {model.identifier} AS {query}")


def _follow(
    logs: Logs, model: CompiledModel, parents: Sequence[Followed], changed: Sequence[Followed]
) -> str | None:
    """Replace the rows of the touched keys by those that the SELECT makes of them now."""
    connection = logs.connection
    sources = {each.parent: each.parent.source for each in parents}
    touched = "touched" if model.key else None
    if touched:
        count = create_temporary(connection, touched, _touched(logs, changed))
        if not count:
            return None
        told_apart = [each for each in parents if each.parent.column]
        sources |= restrict(connection, told_apart, touched=touched, count=count)
    changes = replace(
        connection,
        model.identifier,
        read_from(model.query, sources),
        touched=touched,
        key=model.key,
        grain=model.grain,
    )
    if not changes:
        return None
    logs.append(model.table, model.identifier, rows=changes.rows)
    return changes.agreeing


def _touched(logs: Logs, changed: Iterable[Followed]) -> str:
    """A query of the keys that the parents' changes touch."""
    keys = " UNION ALL ".join(
        f"SELECT {identifier(each.parent.column)} AS key FROM {logs.of(each.parent.table)}"
        f" WHERE number > {each.seen}"
        for each in changed
        if each.parent.column
    )
    return f"SELECT DISTINCT key FROM ({keys}) WHERE key IS NOT NULL"
