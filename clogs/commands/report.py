"""``clogs report``."""

from __future__ import annotations

import sys
import webbrowser
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.cells import cell_len

from clogs.commands.output import GAP, table_lines
from clogs.commands.rows import csv_lines
from clogs.commands.session import Flag, Session
from clogs.errors import ClogsError, UsageError
from clogs.pipeline.wiring import open_warehouse
from clogs.report.figures import Figures, Filter, Row, redacted
from clogs.report.measures import DIMENSIONS, TIMES, By
from clogs.report.period import ALL, Period, period
from clogs.report.text import cell, column_name
from clogs.settings import Settings
from clogs.terminal.text import money, shortened

Format = Literal["table", "csv"]
Names = Annotated[tuple[str, ...], Parameter(negative="", show_default=False, metavar="NAME")]
Time = Annotated[str | None, Parameter(metavar="TIME")]

BAR_WIDTH = 8
LEAST_WIDTH = 7
"""Of names and texts, which are cut where a terminal is narrow."""
WIDE = 100
HIDDEN = frozenset({
    "cache_savings_usd", "responses", "cost_7_days_usd", "from_cache", "to_cache", "p95_seconds", "files",
    "duration_seconds",
})  # fmt: skip
"""Left out of tables on a terminal narrower than `WIDE`."""

TABLES = {
    "by_day": "By day",
    "by_project": "By project",
    "by_model": "By model",
    "failing_tools": "Tools that fail",
    "dearest_sessions": "Dearest sessions",
    "longest_sessions": "Longest sessions",
    "unpriced_models": "Models without a price, so not in the cost",
}


def report(
    *,
    by: Annotated[tuple[By, ...], Parameter(negative="", show_default=False)] = (),
    last: Annotated[str | None, Parameter(metavar="LENGTH")] = None,
    since: Time = None,
    until: Time = None,
    project: Names = (),
    model: Names = (),
    user: Names = (),
    compare: Flag = False,
    budget: Annotated[float | None, Parameter(metavar="USD")] = None,
    redact: Flag = False,
    html: Annotated[Path | bool, Parameter(negative="", show_default=False, metavar="[FILE]")] = False,
    open: Flag = False,  # noqa: A002  # the option's name
    format: Format = "table",  # noqa: A002  # the option's name
    json: Flag = False,
    session: Session,
) -> None:
    """Show what was spent, on what, and what failed.

    Without --by: the period beside the one before it, then days, projects, models,
    tools that fail, sessions. Every figure is a query on gold, which --verbose shows.

    Args:
        by: One table by these in place of the summary; repeatable. Category, weekday and hour count prompts;
            language and file count changes.
        last: How long, up to now: 30d, 12h, 4w or all. The default is 30d.
        since: From here on: yesterday, monday, 7d, 12h, 2026-11-01 or 2026-11-01T08:00.
        until: Up to here; a day is included whole.
        project: Projects, by name or folder; may be a glob, such as 'web-*'.
        model: Models, likewise: 'claude-opus-*'.
        user: Users, likewise.
        compare: Show the first figure of the period before, such as the cost, beside each row.
        budget: End with 1 if more US dollars were spent.
        redact: Replace names by pseudonyms, and leave texts out.
        html: Write a page with charts, which needs no server; of all days unless a period is given.
            [default: docs/report.html in data.dir]
        open: Write the page, and show it in the browser.
        format: How to print the figures.
        json: Print one JSON document.
    """
    is_page, is_table = bool(html or open), not json and format == "table"
    _require_compatible(by, model, compare=compare, is_page=is_page, is_table=is_table)
    settings, terminal = session.settings, session.terminal
    last = last or (ALL if is_page and not (since or until) else None)
    chosen = period(last=last, since=since, until=until, timezone=settings.transform.timezone)
    with open_warehouse(settings, read_only=True) as connection:
        figures = Figures(connection, Filter(period=chosen, projects=project, models=model, users=user))
        figures.require_gold()
        if is_page:
            path = _write_page(figures, html, settings, redact=redact)
            found = {"total": figures.totals()}
        else:
            found = _by(figures, by, compare=compare) if by else _summary(figures, whole=not is_table)
        newest = figures.newest()
    if redact:
        found = _redacted(found)
    if is_page:
        terminal.say(f"The page is {path}")
        if open:
            webbrowser.open(path.as_uri())
    elif json:
        terminal.write_json({"since": chosen.since, "until": chosen.until, "by": by} | found)
    elif format == "csv":
        sys.stdout.writelines(_csv_lines(found))
    else:
        for line in _lines(found, chosen, newest, width=terminal.width):
            terminal.write(line)
    _require_budget(found["total"]["cost_usd"], budget)


def _require_compatible(
    by: Sequence[By], model: Sequence[str], *, compare: bool, is_page: bool, is_table: bool
) -> None:
    """Refuse options that contradict each other."""
    if compare and TIMES & set(by):
        raise UsageError("--compare is for tables without times.", hint="Such as --by project --compare.")
    if is_page and (by or compare or not is_table):
        raise UsageError("The page has all figures.", hint="Leave out --by, --compare, --format and --json.")
    if is_page and model:
        raise UsageError(
            "The page also covers prompts and tools, which have no model.", hint="Leave out --model."
        )


def _write_page(figures: Figures, file: Path | bool, settings: Settings, *, redact: bool) -> Path:  # noqa: FBT001
    from clogs.datadocs.template import REPORT
    from clogs.report.page import build

    path = file.absolute() if isinstance(file, Path) else settings.data.dir / "docs" / REPORT
    build(figures, path=path, cache_dir=settings.data.state_dir, redact=redact)
    return path


def _by(figures: Figures, by: Sequence[By], *, compare: bool) -> dict[str, Any]:
    rows = figures.table(by)
    before = figures.chosen.period.before
    if compare and before:
        earlier = {tuple(row[each] for each in by): row for row in figures.table(by, before)}
        first = next(name for name in rows[0] if name not in by) if rows else "cost_usd"
        for row in rows:
            row[f"{first}_before"] = earlier.get(tuple(row[each] for each in by), {}).get(first)
    return {"rows": rows, "total": figures.totals()}


def _summary(figures: Figures, *, whole: bool) -> dict[str, Any]:
    """What stands in a terminal, or the whole of it."""
    before = figures.chosen.period.before
    summary = {
        "total": figures.totals(),
        "before": figures.totals(before) if before else None,
        "by_day": figures.table(["day"]),
        "by_project": figures.table(["project"]),
        "by_model": figures.table(["model"]),
        "failing_tools": figures.failing_tools(),
        "dearest_sessions": figures.sessions("cost_usd"),
        "longest_sessions": figures.sessions("active_seconds"),
        "unpriced_models": figures.unpriced_models(),
    }
    return summary | figures.details() if whole else summary


def _redacted(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: redacted(rows) if isinstance(rows, list) else rows for name, rows in found.items()}


def _require_budget(spent: float | None, budget: float | None) -> None:
    if budget is not None and (spent or 0) > budget:
        above = money((spent or 0) - budget)
        raise ClogsError(f"{money(spent)} were spent, {above} above the budget of {money(budget)}.")


# Figures as text


def _lines(found: Mapping[str, Any], chosen: Period, newest: object, *, width: int) -> Iterator[str]:
    """What stands below each other in a terminal."""
    yield f"{chosen}\n"
    if not found["total"]["sessions"]:
        yield f"Nothing in this time. The newest day is {newest or 'none yet'}: clogs report --last all"
        return
    if "rows" in found:
        yield from _table(found["rows"], found["total"], width=width)
        return
    yield from _totals(found["total"], found["before"])
    for name, title in TABLES.items():
        if found[name]:
            yield f"\n{title}"
            yield from _table(found[name], width=width)


def _totals(total: Row, before: Row | None) -> Iterator[str]:
    head = ("", "period", "before", "change")
    rows = [
        [column_name(name), cell(name, value), *_compared(name, value, before[name] if before else None)]
        for name, value in total.items()
    ]
    return table_lines(head, rows, right=set(head[1:]))


def _compared(name: str, now: float | None, before: float | None) -> tuple[str, str]:
    return cell(name, before), f"{(now or 0) / before - 1:+.0%}" if before else "–"


def _table(rows: Sequence[Row], total: Row | None = None, *, width: int) -> Iterator[str]:
    """Rows with a bar for their first number, and a total where there is one."""
    if not rows:
        yield "Nothing."
        return
    hidden = HIDDEN if width < WIDE else frozenset()
    names = [name for name in rows[0] if name not in hidden]
    if "title" in names:  # of sessions, which have no room for more than their project
        names = [name for name in names if name not in {"user", "day"}]
    numbers = [
        name
        for name in names
        if name not in DIMENSIONS and any(isinstance(row[name], int | float) for row in rows)
    ]
    texts = {name: [cell(name, row[name]) for row in rows] for name in names}
    if total:
        for place, name in enumerate(names):
            texts[name].append("total" if not place else cell(name, total[name]) if name in total else "")
    most = max(row[numbers[0]] or 0 for row in rows)
    bars = ["█" * round(BAR_WIDTH * (row[numbers[0]] or 0) / most) if most > 0 else "" for row in rows]
    columns: list[tuple[str, list[str]]] = []
    for name in names:
        columns.append((column_name(name), texts[name]))
        if name == numbers[0]:
            columns.append(("", bars + [""] * bool(total)))
    cut = {column_name(name) for name in names if name not in numbers and name not in TIMES}
    head, cells = zip(*_fitted(columns, cut, width), strict=True)
    yield from table_lines(head, zip(*cells, strict=True), right={column_name(name) for name in numbers})


def _fitted(
    columns: Sequence[tuple[str, list[str]]], cut: Collection[str], width: int
) -> Iterator[tuple[str, list[str]]]:
    """Columns that fit a width: names and texts are cut, evenly, numbers never."""
    widths = [max(map(cell_len, (head, *texts))) for head, texts in columns]
    room = width - sum(each for each, (head, _) in zip(widths, columns, strict=True) if head not in cut)
    room -= GAP * (len(columns) - 1)
    share = max(LEAST_WIDTH, room // max(1, sum(head in cut for head, _ in columns)) - 1)
    for head, texts in columns:
        yield head, [shortened(text, share) for text in texts] if head in cut else texts


def _csv_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """One table, or each figure of a summary in a line of its own."""
    if "rows" in found:
        rows = found["rows"]
        return csv_lines(list(rows[0]), [list(row.values()) for row in rows]) if rows else iter(())
    figures = [
        (name, place, measure, value)
        for name, rows in found.items()
        for place, row in enumerate(rows if isinstance(rows, list) else [rows or {}], start=1)
        for measure, value in row.items()
    ]
    return csv_lines(("table", "row", "measure", "value"), figures)
