"""The report as one page without a server, to read without a script, and to filter with one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import vl_convert
from markupsafe import Markup

from clogs import __version__
from clogs.datadocs.charts import UNITS
from clogs.datadocs.template import INDEX, bundled_text, template
from clogs.files import write_content
from clogs.report.charts import MOST_BARS, STEP, TIME_UNIT, describe, draw
from clogs.report.facts import read_facts, summed
from clogs.report.figures import Figures, Row
from clogs.report.sections import CARDS, HIGH, MEDIUM, SECTIONS, Section
from clogs.report.text import cell, column_name


def build(figures: Figures, *, path: Path, cache_dir: Path, redact: bool) -> None:
    """Write the page.

    Args:
        figures: What the report is about.
        path: The page's file, which may exist.
        cache_dir: Keeps Vega's script, which takes seconds to put together.
        redact: Replace names by pseudonyms, and leave texts out.
    """
    facts = read_facts(figures, redact=redact)
    shown = [_shown(section, facts[section.facts]) for section in SECTIONS]
    (totals,) = summed(CARDS, facts[CARDS.facts]) or [{}]
    data = {
        "facts": {name: _columns(rows) for name, rows in facts.items()},
        "sections": {
            each["section"].id: asdict(each["section"]) | {"spec": each["described"]} for each in shown
        },
        "bars": {"step": STEP, "most": MOST_BARS},
        "cards": asdict(CARDS),
        "levels": {"high": HIGH, "medium": MEDIUM},
        "unit": TIME_UNIT,
        "units": [(unit, most) for _, unit, most in UNITS],
    }
    style, own, script = (
        bundled_text(package, name)
        for package, name in (
            ("clogs.datadocs", "style.css"),
            ("clogs.report", "style.css"),
            ("clogs.report", "script.js"),
        )
    )
    page = template("clogs.report", style=[style, own], scripts=[_vega(cache_dir), script]).render(
        period=figures.chosen.period,
        newest=figures.newest(),
        totals=totals,
        cards=CARDS.measures,
        unpriced=len(facts["unpriced"]),
        shown=[each for each in shown if each["rows"]],
        choices={
            name: sorted({row[name] for row in facts[CARDS.facts] if row[name]})
            for name in ("project", "user")
        },
        days=sorted({row["day"] for row in facts[CARDS.facts] if row["day"]}),
        data=_embedded(data),
        index=INDEX if (path.parent / INDEX).exists() else None,
        column_name=column_name,
        cell=cell,
        levels=data["levels"],
        version=__version__,
    )
    write_content(path, page.encode())


def _shown(section: Section, facts: Sequence[Row]) -> dict[str, Any]:
    """A section with its rows, and its chart where it has one."""
    rows = summed(section, facts)
    described = describe(section, rows) if section.chart and rows else None
    days = [row["day"] for row in facts if row.get("day")]
    return {
        "section": section,
        "rows": rows,
        "described": described and described | {"data": {"name": "rows"}},
        "svg": draw(described, days) if described else None,
        "caption": _caption(section, rows) if rows else "",
    }


def _caption(section: Section, rows: Sequence[Row]) -> str:
    """What a chart shows, for those who do not see it."""
    measure = section.measures[0]
    most = max(rows, key=lambda row: row[measure] or 0)
    names = ", ".join(cell(name, most[name]) for name in section.by)
    by = ", ".join(map(column_name, section.by))
    said = f"{cell(measure, most[measure])}, {names}"
    return f"{section.title}: {column_name(measure)} by {by}. The most is {said}."


def _columns(rows: Sequence[Row]) -> Mapping[str, Any]:
    """Rows as columns; of texts, each once, and its place for each row."""
    found: dict[str, Any] = {}
    for name in rows[0] if rows else ():
        values = [row[name] for row in rows]
        if any(isinstance(value, str) for value in values):
            places = {value: index for index, value in enumerate(dict.fromkeys(values))}
            found[name] = {"texts": list(places), "places": [places[value] for value in values]}
        else:
            found[name] = [round(value, 6) if isinstance(value, float) else value for value in values]
    return found


def _embedded(data: object) -> Markup:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return Markup(text)  # noqa: S704  # no mark of HTML is left


def _vega(cache_dir: Path) -> str:
    """Vega's script, with the interpreter that needs no ``eval``."""
    path = cache_dir / f"vega-{version('vl-convert-python')}.js"
    if not path.exists():
        source = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
        write_content(path, source.encode())
    return path.read_text(encoding="utf-8")
