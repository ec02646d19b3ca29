"""The page: everything in the order it is shown, for the templates to fill in."""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from clogs import __version__
from clogs.checks.results import CheckResult, PastResult
from clogs.datadocs import charts, text
from clogs.datadocs.distribution import Histogram, Shares
from clogs.datadocs.graph import graph
from clogs.datadocs.profile import TableProfile
from clogs.schema import Model
from clogs.terminal.text import count, instant, percent, printable

LAYERS = {
    "gold": "What to ask. Facts have a row per event, dimensions a row per thing that events belong to, and"
    " aggregates are summed up for a dashboard.",
    "silver": "What gold is made of: entries, messages, tool calls, API responses and sessions, each of them"
    " once, however many files repeat it.",
    "bronze": "The documents as they were landed, copies included, taken apart into columns.",
    "raw": "The documents of the collection, as they were loaded.",
}
_OTHERS = "Tables of other models than those that come with clogs."
_PLAIN = re.compile(r"[A-Za-z0-9_]+\.[A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check, and how it went until now."""

    result: CheckResult
    course: charts.Course


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table, or a step that is none.

    Attributes:
        name: Schema and table.
        anchor: The identity of its section.
        description: What one row is.
        profile: What was measured; None where there is no such table.
        key: The columns that tell its rows apart.
        parents: What it is built from, by name.
        readers: What is built from it.
        checks: Those that did not pass first.
        is_step: Whether it is no table, but stands within those that read it.
    """

    name: str
    anchor: str
    description: str
    profile: TableProfile | None
    key: tuple[str, ...]
    parents: tuple[str, ...]
    readers: tuple[str, ...]
    checks: tuple[Check, ...]
    is_step: bool

    @property
    def short_name(self) -> str:
        """The table, without its schema."""
        return self.name.partition(".")[2]

    @property
    def worst(self) -> str:
        """How the check ended that ended worst; empty where there is none."""
        outcomes = {check.result.outcome for check in self.checks}
        return next((each for each in ("failed", "warned", "passed") if each in outcomes), "")


def render(
    profiles: Sequence[TableProfile],
    *,
    models: Sequence[Model],
    checks: Sequence[CheckResult],
    courses: Mapping[str, Sequence[PastResult]],
    at: datetime,
) -> str:
    """Write the page.

    Args:
        profiles: The tables.
        models: What they are built from.
        checks: How they ended now.
        courses: How they ended before, by name, the oldest first.
        at: When now is.
    """
    tables = _tables(profiles, models, checks, courses, at)
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            layers=_by_layer(tables),
            introductions=LAYERS,
            others=_OTHERS,
            anchors={table.name: table.anchor for table in tables},
            steps={table.name for table in tables if table.is_step},
            graph=graph(models),
            profiles=profiles,
            documents=next((each.rows for each in profiles if each.name == "raw.conversations"), 0),
            outcomes=Counter(check.outcome for check in checks),
            faults=[check for table in tables for check in table.checks if check.result.outcome != "passed"],
            at=at,
            version=__version__,
            **_inlined(),
        )
    )


def _tables(
    profiles: Sequence[TableProfile],
    models: Sequence[Model],
    checks: Sequence[CheckResult],
    courses: Mapping[str, Sequence[PastResult]],
    at: datetime,
) -> list[Table]:
    measured = {each.name: each for each in profiles}
    known = {model.name: model for model in models}
    found = [
        Check(result=check, course=charts.course(check, courses.get(check.check, ()), at))
        for check in sorted(checks, key=lambda check: ("failed", "warned", "passed").index(check.outcome))
    ]
    names = sorted({*measured, *known, *(check.table for check in checks)})
    return [
        Table(
            name=name,
            anchor=name if _PLAIN.fullmatch(name) else f"table-{place}",
            description=_description(known.get(name), measured.get(name)),
            profile=measured.get(name),
            key=known[name].key if name in known else (),
            parents=known[name].parents if name in known else (),
            readers=tuple(model.name for model in models if name in model.parents),
            checks=tuple(check for check in found if check.result.table == name),
            is_step=name in known and not known[name].is_table,
        )
        for place, name in enumerate(names)
    ]


def _description(model: Model | None, profile: TableProfile | None) -> str:
    return (profile.description if profile else "") or (model.description if model else "")


def _by_layer(tables: Sequence[Table]) -> dict[str, list[Table]]:
    """The tables of each schema, our layers first, from what to ask to what it is made of."""
    schemas = {table.name.partition(".")[0] for table in tables}
    order = [*LAYERS, *sorted(schemas - set(LAYERS))]
    return {
        schema: [table for table in tables if table.name.partition(".")[0] == schema]
        for schema in order
        if schema in schemas
    }


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("clogs.datadocs"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    environment.filters |= {
        "bars": charts.bars,
        "shares": charts.shares,
        "percent": percent,
        "cut": text.cut,
        "instant": instant,
        "count": count,
    }
    environment.tests |= {
        "histogram": lambda found: isinstance(found, Histogram),
        "shares": lambda found: isinstance(found, Shares),
    }
    return environment


def _finalized(value: Any) -> Any:  # noqa: ANN401  # whatever stands in a template
    """Keep control characters out of the page, but for what is markup already."""
    return printable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _inlined() -> dict[str, str]:
    """The style and the script, and the hashes that the page's policy knows them by."""
    found: dict[str, str] = {}
    for name, file in (("style", "style.css"), ("script", "script.js")):
        source = files("clogs.datadocs").joinpath("templates", file).read_text(encoding="utf-8")
        found |= {name: source, f"{name}_hash": b64encode(sha256(source.encode()).digest()).decode()}
    return found
