"""``clogs status``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from rich.columns import Columns
from rich.table import Table
from rich.text import Text

from clogs import stages
from clogs.commands.options import Flag, Given
from clogs.commands.tables import table
from clogs.wording import count, duration, instant, printable, size

if TYPE_CHECKING:
    from clogs.status import (
        DeadLetterStatus,
        ExtractionStatus,
        LandingStatus,
        Run,
        SourceStatus,
        Status,
        WarehouseStatus,
    )


def status(
    *,
    json: Flag = False,
    session: Given,
) -> None:
    """Show how things stand: watermark, freshness, row counts, last runs and dead letters.

    Nothing is changed, and MongoDB may be down.

    Args:
        json: Print one JSON document.
    """
    terminal = session.terminal
    found = stages.status(session.settings)
    if json:
        terminal.write_json(found)
        return
    terminal.write(_facts(found))
    if found.warehouse.last_runs:
        terminal.write("")
        terminal.write(_runs(found.warehouse.last_runs))


def _facts(found: Status) -> Table:
    """A line or more on each part, beside its name."""
    facts = {
        "source": _source(found.source, found.extraction.watermark_field, found.at),
        "watermark": _watermark(found.extraction),
        "last extract": _ago(found.extraction.extracted_at, found.at),
        "landing": _landing(found.landing),
        "dead letters": _dead_letters(found.dead_letters),
        **_warehouse(found.warehouse, found.at),
    }
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in facts.items():
        grid.add_row(name, _lines(text))
    if gold := _gold(found.warehouse.rows):
        grid.add_row("gold", Columns(map(_lines, gold), padding=(0, 3)))
    return grid


def _lines(text: str) -> Text:
    return Text("\n".join(map(printable, text.split("\n"))))


def _source(source: SourceStatus, watermark_field: str, now: datetime) -> str:
    if source.fault:
        return f"{source.name}\n{source.fault}"
    if not source.exists:
        return f"{source.name}\nno such collection yet"
    documents = f"about {count(source.documents or 0, 'document')}"
    text = f"{source.name}\n{documents} · newest {watermark_field} {_ago(source.newest, now)}"
    if source.undated:
        undated = f"{count(source.undated, 'document')} without a Date in {watermark_field}"
        text += f"\n{undated}: only `clogs extract --full-backfill` finds them"
    return text


def _watermark(extraction: ExtractionStatus) -> str:
    if extraction.watermark is None:
        return "none yet: the next extract reads everything"
    if extraction.behind_seconds is None:
        return instant(extraction.watermark)
    behind = duration(extraction.behind_seconds)
    source = f"the source is {behind} ahead" if extraction.behind_seconds else "the source is not ahead"
    return f"{instant(extraction.watermark)} · {source}"


def _landing(landing: LandingStatus) -> str:
    return f"{count(landing.files, 'file')} ({size(landing.bytes)})" if landing.files else "none yet"


def _dead_letters(letters: DeadLetterStatus) -> str:
    if not letters.count:
        return "none"
    return f"{letters.count:,}, the newest of {instant(letters.newest)} · see clogs dead-letters list"


def _warehouse(warehouse: WarehouseStatus, now: datetime) -> dict[str, str]:
    if warehouse.bytes is None:
        return {"warehouse": f"none yet: {warehouse.path}"}
    file = f"{warehouse.path} ({size(warehouse.bytes)})"
    if warehouse.fault:
        return {"warehouse": f"{file}\n{warehouse.fault}"}
    last = warehouse.last_runs[0] if warehouse.last_runs else None
    return {
        "warehouse": file,
        "last load": f"{_ago(last.loaded_at, now)}, by {last.run}" if last else "none yet",
        "newest row": f"ingested_at {_ago(warehouse.newest_ingested_at, now)}\n"
        f"timestamp {_ago(warehouse.newest_timestamp, now)}",
        "rows": f"{warehouse.rows.get('raw.conversations', 0):,} in raw.conversations",
    }


def _gold(rows: dict[str, int]) -> list[str]:
    schema = "gold."
    return [f"{name.removeprefix(schema)} {n:,}" for name, n in rows.items() if name.startswith(schema)]


def _runs(runs: tuple[Run, ...]) -> Table:
    rows = ((each.run, instant(each.loaded_at), f"{each.files:,}", f"{each.rows:,}") for each in runs)
    return table(("last runs", "loaded", "files", "rows"), rows, right={"files", "rows"})


def _ago(moment: datetime | None, now: datetime) -> str:
    """A moment and how long ago it was, unless it is yet to come."""
    if moment is None or moment > now:
        return instant(moment)
    return f"{instant(moment)}, {duration((now - moment).total_seconds())} ago"
