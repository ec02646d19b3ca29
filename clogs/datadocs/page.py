"""The page: what the warehouse holds, what is built from what, the checks, and each table's columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path

from clogs import __version__
from clogs.checks.results import CheckResult, PastResult
from clogs.datadocs.charts import timeline
from clogs.datadocs.columns import column_table
from clogs.datadocs.profile import measure, tables
from clogs.datadocs.template import INDEX, REPORT, bundled_text, template
from clogs.files import write_content
from clogs.schema import Model
from clogs.terminal.text import count, percent
from clogs.warehouse import Connection, bounded, query

LAYERS = {
    "gold": "What to ask. Facts have a row per event, dimensions a row per thing that events belong to, and"
    " aggregates are summed up for a dashboard.",
    "silver": "What gold is made of: entries, messages, tool calls, API responses and sessions, each of them"
    " once, however many files repeat it.",
    "bronze": "The documents as they were landed, copies included, taken apart into columns.",
    "raw": "The documents of the collection, as they were loaded.",
}
MOST_PAST = 40
"""Validations in a check's history; older ones are left out."""

_PLAIN = re.compile(r"[A-Za-z0-9_]+\.[A-Za-z0-9_]+")
_DAYS = "SELECT date, count(*) FROM raw.conversations WHERE date IS NOT NULL GROUP BY date ORDER BY date"
_SIZE = "SELECT sum(total_blocks * block_size)::BIGINT FROM pragma_database_size()"


def build(
    connection: Connection,
    *,
    models: Sequence[Model],
    checks: Sequence[CheckResult],
    check_history: Mapping[str, Sequence[PastResult]],
    folder: Path,
    at: datetime,
) -> Path:
    """Measure the warehouse and write its page."""
    with bounded(connection):
        found = tables(connection, also=[model.name for model in models])
        profiles = {table.name: measure(connection, table) for table in found}
        days = query(connection, _DAYS)[1]
        ((file_size,),) = query(connection, _SIZE)[1]
    names = sorted({*profiles, *(model.name for model in models), *(check.table for check in checks)})
    worst_first = sorted(checks, key=lambda check: ("failed", "warned", "passed").index(check.outcome))
    style, script = (bundled_text("clogs.datadocs", name) for name in ("style.css", "script.js"))
    page = template("clogs.datadocs", style=[style], scripts=[script]).render(
        column_table=column_table,
        report=REPORT if (folder / REPORT).exists() else None,
        days=days,
        timeline=timeline(days),
        file_size=file_size,
        layers=_by_layer(names),
        introductions=LAYERS,
        anchors={
            name: name if _PLAIN.fullmatch(name) else f"table-{index}" for index, name in enumerate(names)
        },
        profiles=profiles,
        models={model.name: model for model in models},
        readers={name: [model.name for model in models if name in model.parents] for name in names},
        checks={name: [check for check in worst_first if check.table == name] for name in names},
        history={check.check: history(check, check_history.get(check.check, ()), at) for check in checks},
        outcomes=Counter(check.outcome for check in checks),
        at=at,
        version=__version__,
    )
    path = folder / INDEX
    write_content(path, page.encode())
    return path


def history(check: CheckResult, past: Sequence[PastResult], at: datetime) -> str:
    """How a check went in the validations until `at`, in a sentence; empty if that is the first."""
    before = [result for result in past if result.at < at][1 - MOST_PAST :]
    results: list[CheckResult | PastResult] = [check, *before]
    bad = sum(result.outcome != "passed" for result in results)
    most = percent(max(result.share for result in results))
    said = f"{count(len(results), 'validation')}, {bad} not passed; at most {most} of the rows failed."
    return said if len(results) > 1 else ""


def _by_layer(names: Sequence[str]) -> dict[str, list[str]]:
    """The sorted tables of each schema: other models' first, then ours, down to what they are made of."""
    layers = {schema: list(found) for schema, found in groupby(names, lambda name: name.partition(".")[0])}
    order = [*(schema for schema in layers if schema not in LAYERS), *LAYERS]
    return {schema: layers[schema] for schema in order if schema in layers}
