"""The rules that make the numbers true, as SQLMesh's own unit tests of the models: a file each in ``rules``.

A test gives the rows, and of them the columns, that matter to it. An input that it leaves out is what that
model makes of those that it gives; ``raw.conversations`` is then empty, and a seed as it ships. So a test can
begin at a model's parents or at the documents. Days are Berlin's, where ``vars`` says nothing else. A whole
number is compared exactly, but only in a column without nulls: with them, SQLMesh compares to five digits.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-untyped]  # as sqlmesh brings it
import pytest
from empty import config_in, empty_warehouse
from sqlglot import exp
from sqlmesh.core.context import Context
from sqlmesh.core.model import SeedModel
from sqlmesh.core.test import ModelTextTestResult
from sqlmesh.core.test.definition import ModelTest
from sqlmesh.utils import UniqueKeyDict, yaml

from clogs.transform.context import open_context

pytestmark = pytest.mark.slow

Body = dict[str, Any]
Types = dict[str, exp.DataType]

RULES = Path(__file__).parent / "rules"
SHIPPED = "shipped"
"""The schema of the models as they are on an empty warehouse: the types of their columns, and the seeds."""

GIVEN = "given"
"""The schema of a test's inputs."""

CASES = {
    f"{path.stem}: {name}": body
    for path in sorted(RULES.glob("*.yaml"))
    for name, body in yaml.load(path, render_jinja=False).items()
}


@pytest.mark.filterwarnings("ignore:Mismatched null-like values:FutureWarning")  # pandas, of a difference
@pytest.mark.parametrize("name", CASES)
def test_rule(models: Models, name: str) -> None:
    difference = models.difference(name, CASES[name])
    if difference:
        pytest.fail(difference, pytrace=False)


@dataclass(frozen=True)
class Models:
    """The models, and the types of their columns by their names without catalog."""

    context: Context
    types: Mapping[str, Types]

    def difference(self, name: str, body: Body) -> str:
        """Run one test; return what SQLMesh says if it fails."""
        test = ModelTest.create_test(
            body={**deepcopy(body), "schema": GIVEN, "inputs": self._inputs(body)},
            test_name=name,
            models=UniqueKeyDict("models", **self.context.models),
            engine_adapter=self.context.engine_adapter,
            dialect="duckdb",
            path=None,
            default_catalog=self.context.default_catalog,
        )
        assert test, f"there is no model {body['model']}"
        result = ModelTextTestResult(StringIO(), descriptions=True, verbosity=1)
        with pd.option_context("display.max_columns", None, "display.width", 110):
            test.run(result)
        return "\n".join(text for _, text in result.failures + result.errors)

    @cached_property
    def _tables(self) -> dict[str, str]:
        """Where a test's inputs are."""
        return {fqn: _table(fqn, GIVEN) for fqn in self.context.dag.sorted}

    def _inputs(self, body: Body) -> dict[str, Any]:
        """What the model is built from, parents first."""
        (model,) = (fqn for fqn in self.context.dag.sorted if _short(fqn) == body["model"])
        needed = self._needed(model, body["inputs"])
        inputs = {_short(fqn): self._input(fqn, body) for fqn in self.context.dag.sorted if fqn in needed}
        assert not body["inputs"].keys() - inputs, "the model is not built from all that is given"
        return inputs

    def _needed(self, model: str, given: Container[str]) -> set[str]:
        """All that a model is built from, but for what only given inputs are built from."""
        parents = self.context.dag.graph[model]
        return parents.union(*(self._needed(each, given) for each in parents if _short(each) not in given))

    def _input(self, fqn: str, body: Body) -> Body:
        types = self.types[_short(fqn)]
        if given := body["inputs"].get(_short(fqn)):
            return {"rows": deepcopy(given), "columns": _readable(types)}
        query = exp.select(*(exp.column(name, quoted=True) for name in types)).from_(self._made(fqn, body))
        return {"query": query, "columns": types}

    def _made(self, fqn: str, body: Body) -> exp.Table | exp.Subquery:
        """What an input is that a test leaves out."""
        model = self.context.models.get(fqn)
        if model is None or model.kind.is_seed:
            return exp.to_table(_table(fqn, SHIPPED), dialect="duckdb")
        query = model.render_query_or_raise(table_mapping=self._tables, variables=body.get("vars", {}))
        return query.subquery("made")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Models]:
    folder = tmp_path_factory.mktemp("rules")
    empty_warehouse(folder)
    with open_context(config_in(folder, timezone="Europe/Berlin")) as context:
        yield Models(context, {_short(fqn): _ship(context, fqn) for fqn in context.dag.sorted})


def _ship(context: Context, fqn: str) -> Types:
    """Make a model's view, as it is on an empty warehouse, or a seed's table; return its columns' types."""
    adapter = context.engine_adapter
    table = _table(fqn, SHIPPED)
    model = context.models.get(fqn)
    adapter.create_schema(exp.table_(SHIPPED, catalog=context.default_catalog))
    if model is None:
        adapter.execute(f"CREATE VIEW {table} AS SELECT * FROM {fqn}")
    elif isinstance(model, SeedModel):
        adapter.ctas(table, next(model.render_seed()), model.columns_to_types)
    else:
        tables = {parent: _table(parent, SHIPPED) for parent in context.dag.sorted}
        adapter.create_view(table, model.render_query_or_raise(table_mapping=tables))
    return adapter.columns(table)


def _readable(types: Types) -> Types:
    """The types of columns that a test gives; a digest may be any text there."""
    text = exp.DataType.build("text")
    return {name: text if kind.is_type("uuid") else kind for name, kind in types.items()}


def _short(fqn: str) -> str:
    table = exp.to_table(fqn, dialect="duckdb")
    return f"{table.db}.{table.name}"


def _table(fqn: str, schema: str) -> str:
    """Where SQLMesh's unit tests put an input, in a schema of that name."""
    table = exp.to_table(fqn, dialect="duckdb")
    place = exp.table_("__".join(part.name for part in table.parts), schema, table.catalog, quoted=True)
    return place.sql("duckdb")
