"""``clogs status``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rich.columns import Columns
from rich.constrain import Constrain
from rich.table import Table
from rich.text import Text

from clogs.commands.output import table
from clogs.commands.session import Flag, Session
from clogs.errors import ClogsError
from clogs.pipeline import steps
from clogs.runs.records import WHY_KILLED, was_killed
from clogs.terminal.text import count, duration, instant, printable, size

if TYPE_CHECKING:
    from clogs.health.reader import DeadLetters, Extraction, SourceStatus, Status, Warehouse

GOLD_WIDTH = 100
"""Columns for the rows of gold's tables, also where lines have no end."""


def status(*, json: Flag = False, session: Session) -> None:
    """Show how things stand: watermark, freshness, row counts, last runs and dead letters.

    Nothing is changed, and MongoDB may be down. The exit code is 1 if the last run failed
    or was killed, if the warehouse cannot be read though no run is in progress, or if
    the newest document is older than quality.max_age.

    Args:
        json: Print one JSON document.
    """
    settings, terminal = session.settings, session.terminal
    found = steps.status(settings)
    if json:
        terminal.write_json(found)
    else:
        terminal.write(_facts(found))
        rows = (
            (each.run, instant(each.loaded_at), f"{each.files:,}", f"{each.rows:,}")
            for each in found.warehouse.last_loads
        )
        loads = table(("last loads", "loaded", "files", "rows"), rows, right={"files", "rows"})
        for last in (_runs(found), loads):
            if last.row_count:
                terminal.write("")
                terminal.write(last)
    _require_health(found, settings.quality.max_age)


def _facts(found: Status) -> Table:
    """A line or more on each part, beside its name."""
    landing = found.landing
    facts = {
        "source": f"{found.source.name}\n{_source(found.source, found.extraction.watermark_field, found.at)}",
        **_documents(found.extraction, found.source, found.at),
        "watermark": _watermark(found.extraction, found.source),
        "last extract": _ago(found.extraction.extracted_at, found.at),
        "landing": f"{count(landing.files, 'file')} ({size(landing.bytes)})" if landing.files else "none yet",
        "dead letters": _dead_letters(found.dead_letters),
        **_warehouse(found.warehouse, found.at),
        "next run": _next_run(found),
    }
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in facts.items():
        grid.add_row(name, _text(text))
    schema, rows = "gold.", found.warehouse.rows.items()
    gold = [f"{name.removeprefix(schema)} {n:,}" for name, n in rows if name.startswith(schema)]
    if gold:
        grid.add_row("gold", Constrain(Columns(map(_text, gold), padding=(0, 3)), GOLD_WIDTH))
    return grid


def _text(lines: str) -> Text:
    return Text("\n".join(map(printable, lines.split("\n"))))


def _source(source: SourceStatus, watermark_field: str, now: datetime) -> str:
    if source.fault:
        return source.fault.message
    if source.transcripts is not None:
        return count(source.transcripts, "transcript")
    if not source.exists:
        return "the collection does not exist yet"
    documents = f"about {count(source.documents or 0, 'document')}"
    text = f"{documents} · newest {watermark_field} {_ago(source.newest, now)}"
    by = "change streams" if source.found_by == "change_stream" else "the watermark"
    text += f"\nfound by {by}: {source.found_by_reason}"
    if source.undated and source.found_by == "watermark":
        undated = f"{count(source.undated, 'document')} without a Date in {watermark_field}"
        text += f"\n{undated}: only --reconcile and --full-backfill find them"
    return text


def _documents(extraction: Extraction, source: SourceStatus, now: datetime) -> dict[str, str]:
    """Source and landing side by side, as of the last reconciliation."""
    if source.transcripts is not None or extraction.extracted_at is None:
        return {}
    compared = extraction.compared
    if compared is None:
        return {"documents": "not compared with the source yet: clogs extract --reconcile"}
    parts = [
        f"{compared.source:,} in the source",
        f"{compared.landed:,} landed",
        f"{compared.rejected:,} rejected",
        f"{compared.deleted:,} deleted there",
    ]
    if compared.pruned:
        parts.insert(3, f"{compared.pruned:,} pruned")
    end = "they add up"
    if compared.missing:
        end = f"{compared.missing:,} missing: clogs extract --reconcile"
    if compared.missing < 0:
        end = f"{-compared.missing:,} more arrived meanwhile"
    return {"documents": f"{' · '.join(parts)}\n{end} · compared {_ago(compared.at, now)}"}


def _watermark(extraction: Extraction, source: SourceStatus) -> str:
    if source.transcripts is not None:
        return "one for each transcript"
    if extraction.watermark is None:
        return "none yet: the next extract reads everything"
    if extraction.behind_seconds is None:
        return instant(extraction.watermark)
    behind = duration(extraction.behind_seconds)
    ahead = f"the source is {behind} ahead" if extraction.behind_seconds else "the source is not ahead"
    return f"{instant(extraction.watermark)} · {ahead}"


def _dead_letters(letters: DeadLetters) -> str:
    if letters.fault:
        return letters.fault.message
    if not letters.count:
        return "none"
    return f"{letters.count:,}, the newest from {instant(letters.newest)} · see clogs dead-letters list"


def _next_run(found: Status) -> str:
    if found.running:
        return f"now: {found.running}"
    if found.next_run is None:
        return "not scheduled: clogs schedule install"
    return f"{instant(found.next_run)}, in {duration((found.next_run - found.at).total_seconds())}"


def _warehouse(warehouse: Warehouse, now: datetime) -> dict[str, str]:
    file = f"{warehouse.path}" if warehouse.bytes is None else f"{warehouse.path} ({size(warehouse.bytes)})"
    if warehouse.fault:
        return {"warehouse": f"{file}\n{warehouse.fault.message}"}
    if warehouse.bytes is None:
        return {"warehouse": f"none yet: {file}"}
    last = warehouse.last_loads[0] if warehouse.last_loads else None
    return {
        "warehouse": file,
        "last load": f"{_ago(last.loaded_at, now)}, by {last.run}" if last else "none yet",
        "newest row": f"ingested_at {_ago(warehouse.newest_ingested_at, now)}\n"
        f"timestamp {_ago(warehouse.newest_timestamp, now)}",
        "rows": f"{warehouse.rows.get('raw.conversations', 0):,} in raw.conversations",
    }


def _runs(found: Status) -> Table:
    rows = []
    for each in found.runs:
        ended = f"failed: {each.failure.message}" if each.failure else each.status
        if was_killed(each, found.running):
            ended = "killed"
        took = "" if each.seconds is None else duration(each.seconds)
        rows.append((each.run, instant(each.started_at), took, each.trigger, ended))
    return table(("last runs", "started", "took", "by", "ended"), rows, right={"took"})


def _require_health(found: Status, max_age: timedelta) -> None:
    # a run that was stopped, or is in progress, says nothing about whether runs work
    judged = (run for run in found.runs if run.status in {"done", "failed"} or was_killed(run, found.running))
    last = next(judged, None)
    if last and last.failure:
        raise ClogsError(f"The last run failed: {last.failure.message}", hint=last.failure.hint)
    if last and last.status == "running":
        raise ClogsError(
            f"The last run, started at {instant(last.started_at)}, was killed.",
            hint=f"{WHY_KILLED} Nothing is lost; run it again: clogs pipeline",
        )
    if found.warehouse.fault and not found.running:
        raise ClogsError(found.warehouse.fault.message, hint="Look for the cause with: clogs doctor")
    newest = found.warehouse.newest_ingested_at
    if newest and found.at - newest > max_age:
        raise ClogsError(
            f"The newest document in the warehouse is {duration((found.at - newest).total_seconds())} old.",
            hint="Are the sync service and the schedule still running? The limit is quality.max_age.",
        )


def _ago(moment: datetime | None, now: datetime) -> str:
    """A moment and how long ago it was, unless it is yet to come."""
    if moment is None or moment > now:
        return instant(moment)
    return f"{instant(moment)}, {duration((now - moment).total_seconds())} ago"
