"""The reference page of all models: ``python tests/model_page.py`` writes it anew.

Types and descriptions of columns are those that DuckDB has of the published views, on a warehouse without a
row.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from conftest import PROJECT
from empty import config_in, empty_warehouse

from clogs import warehouse
from clogs.schema import Model
from clogs.transform import TransformConfig, lineage, transform
from clogs.warehouse import ColumnInfo

PAGE = PROJECT / "docs" / "models.md"
COMMAND = "python tests/model_page.py"
LAYERS = {
    "gold": "What to ask. Facts (`fct_`) have a row per event, dimensions (`dim_`) a row per thing that"
    " events belong to, and aggregates (`agg_`) are summed up for a dashboard.",
    "silver": "What gold is made of: entries, messages, tool calls, API responses and sessions, each of them"
    " once, however many files repeat it.",
    "bronze": "The documents as they were landed, copies included, taken apart into columns. Seeds (`seed_`)"
    " are lists that come with clogs.",
}

_INTRODUCTION = f"""\
<!-- Generated. Change the models, then run: {COMMAND} -->

# Models

`clogs transform` builds these tables from `raw.conversations`, which has one row per document of the
collection. Read gold first; the layers below it show how a number came about.
[questions.md](questions.md) asks gold what people want to know.

The warehouse holds the same descriptions, so a dashboard can show them:

```sh
clogs query "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'fct_messages'"
```

## Lineage
"""
_SCHEMAS = ", ".join(f"'{layer}'" for layer in LAYERS)
_COLUMNS = f"""
    SELECT schema_name || '.' || table_name, column_name, data_type, coalesce(comment, '')
    FROM duckdb_columns() WHERE schema_name IN ({_SCHEMAS}) ORDER BY schema_name, table_name, column_index
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Model):
    """A model, and its columns in their order; none for a step that is no table."""

    columns: tuple[ColumnInfo, ...]


def page() -> str:
    """The whole page, the same for the same models."""
    layers = (_layer(layer) for layer in LAYERS)
    return "\n".join([_INTRODUCTION, _graph(), *layers])


@cache
def tables() -> tuple[Table, ...]:
    """All models by name, built without a row."""
    with tempfile.TemporaryDirectory() as folder:
        config = config_in(Path(folder))
        columns = _built(config)
        return tuple(Table(**asdict(model), columns=columns.get(model.name, ())) for model in lineage(config))


def _built(config: TransformConfig) -> dict[str, tuple[ColumnInfo, ...]]:
    """Build the models; read the columns of the tables, by name."""
    empty_warehouse(config.warehouse.parent)
    transform(config)
    with warehouse.connect(config.warehouse, read_only=True) as connection:
        columns = connection.execute(_COLUMNS).fetchall()
    grouped = groupby(columns, itemgetter(0))
    return {
        table: tuple(ColumnInfo(name=name, type=kind, description=text) for _, name, kind, text in rows)
        for table, rows in grouped
    }


def _graph() -> str:
    return "\n".join(["```mermaid", "flowchart LR", *_subgraphs(), *_arrows(), "```", ""])


def _subgraphs() -> Iterator[str]:
    names = {parent for table in tables() for parent in table.parents} | {table.name for table in tables()}
    for layer in ("raw", *reversed(LAYERS)):
        yield f"  subgraph {layer}"
        yield from (f"    {_short(name)}" for name in sorted(names) if name.startswith(f"{layer}."))
        yield "  end"


def _arrows() -> Iterator[str]:
    for name in ("raw.conversations", *(table.name for table in tables())):
        if children := _children(name):
            yield f"  {_short(name)} --> {' & '.join(map(_short, children))}"


def _children(name: str) -> list[str]:
    return [table.name for table in tables() if name in table.parents]


def _layer(layer: str) -> str:
    members = [table for table in tables() if table.name.startswith(f"{layer}.")]
    contents = " · ".join(f"[{_short(table.name)}](#{_anchor(table.name)})" for table in members)
    return "\n".join([f"## {layer}", "", LAYERS[layer], "", contents, "", *map(_section, members)])


def _section(table: Table) -> str:
    facts = {
        "Key": ", ".join(f"`{name}`" for name in table.key),
        "Built from": ", ".join(map(_link, table.parents)),
        "Read by": ", ".join(map(_link, _children(table.name))),
    }
    step = "" if table.columns else " A step within those that read it, not a table."
    lines = [f"### {table.name}", "", table.description + step, ""]
    lines += [f"- {fact}: {value}" for fact, value in facts.items() if value]
    if table.columns:
        lines += ["", "| column | type | what it holds |", "|---|---|---|", *map(_row, table.columns)]
    return "\n".join([*lines, ""])


def _row(column: ColumnInfo) -> str:
    return f"| `{column.name}` | {column.type} | {column.description.replace('|', chr(92) + '|')} |"


def _link(name: str) -> str:
    return f"[{name}](#{_anchor(name)})" if name != "raw.conversations" else f"`{name}`"


def _short(name: str) -> str:
    return name.partition(".")[2]


def _anchor(heading: str) -> str:
    """What GitHub makes of a heading."""
    return heading.replace(".", "")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
