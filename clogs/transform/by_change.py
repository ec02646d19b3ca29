"""The materialization ``by_change``: tables that follow the changes of the tables they are built from.

A model's SELECT says what the whole table is. ``key`` in the materialization's properties names the column
that its rows hang together by: the rows of one key are made of those rows of each parent that have the same
key, and of no others. (A parent that has no such column counts as a whole; ``parent = 'column'`` says that it
has another name there.) A run reads from the parents' logs which keys were touched, runs the SELECT on these
keys alone, and replaces the rows that came out otherwise. So a table always is what its SELECT makes of its
parents, and a run costs what has changed.

A table is built as a whole when it is new, or its parents cannot tell what changed. All of it, the audits of
what changed and the log for the tables built from this one are one transaction: a row that fails an audit
never becomes visible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlglot import exp
from sqlmesh.core.engine_adapter.base import EngineAdapter
from sqlmesh.core.model import Model
from sqlmesh.core.model.kind import CustomKind
from sqlmesh.core.snapshot import Snapshot
from sqlmesh.core.snapshot.evaluator import CustomMaterialization
from sqlmesh.utils.errors import SQLMeshError

from clogs.transform.audits import audit
from clogs.transform.logs import SOURCE, Logs, bare, quoted
from clogs.transform.replace import Replaced, replace
from clogs.transform.restrict import Parent, Restriction

NAME = "by_change"


class ByChange(CustomMaterialization[CustomKind]):
    """The strategy that SQLMesh calls."""

    NAME = NAME

    def create(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # SQLMesh's signature
        """Leave it to `insert`; SQLMesh would run the whole SELECT to try it."""

    def insert(
        self,
        table_name: str,
        query_or_df: Any,  # noqa: ANN401
        model: Model,
        is_first_insert: bool,  # noqa: FBT001
        render_kwargs: dict[str, Any],
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """Bring the table up to date, in the transaction that `clogs.transform.context` has begun."""
        update = Update(self.adapter, table_name, query_or_df, model, kwargs["snapshots"])
        changed = update.run(is_new=is_first_insert)
        if changed:
            audit(self.adapter, model, changed, {**render_kwargs, **kwargs})

    def delete(self, name: str, **kwargs: Any) -> None:  # noqa: ANN401
        """Drop the table of an old version, and its log."""
        super().delete(name, **kwargs)
        table = exp.to_table(name, dialect="duckdb")
        self.adapter.drop_table(Logs(self.adapter, table.catalog).of(table.name))


@dataclass
class Update:
    """One table, brought up to date.

    Attributes:
        adapter: SQLMesh's connection, in a transaction.
        name: The table, as SQLMesh names it.
        query: The model's SELECT, on the tables as SQLMesh names them.
        model: The model.
        snapshots: The models it may read, by their names in SQLMesh.
    """

    adapter: EngineAdapter
    name: str
    query: exp.Query
    model: Model
    snapshots: Mapping[str, Snapshot]

    def run(self, *, is_new: bool) -> exp.Table | None:
        """Build the table as a whole, or what is touched.

        Returns:
            A table of the rows that are to be audited: all, or those that changed with those that must agree
            with them; None if nothing changed.

        Raises:
            SQLMeshError: The rows do not hang together by the key.
        """
        parents = self._parents()
        if parents is None:
            self._rebuild({})
            return self.table
        seen = self.logs.seen(self.table.name)
        latest = {each.table: max(self.logs.latest(each.table), seen.get(each.table, 0)) for each in parents}
        news = [each for each in parents if latest[each.table] > seen.get(each.table, -1)]
        if is_new or not self.logs.exists(self.table.name) or any(self._is_lost(each, seen) for each in news):
            self._rebuild(latest)
            return self.table
        if not news:
            return None
        changed = self._follow(parents, news, seen)
        self.logs.mark_seen(self.table.name, latest)
        return changed

    @cached_property
    def table(self) -> exp.Table:
        """The table."""
        return bare(exp.to_table(self.name, dialect="duckdb"))

    @cached_property
    def logs(self) -> Logs:
        """All logs."""
        return Logs(self.adapter, self.table.catalog)

    @cached_property
    def key(self) -> str | None:
        """The column that its rows hang together by."""
        return self._properties.get("key")

    @cached_property
    def _properties(self) -> dict[str, str]:
        given = self.model.kind.materialization_properties if isinstance(self.model.kind, CustomKind) else {}
        return {name: str(value) for name, value in given.items()}

    def _is_lost(self, parent: Parent, seen: Mapping[str, int]) -> bool:
        """Whether it cannot be told which keys a parent's changes touch."""
        if parent.table not in seen or (self.key and not parent.column):
            return True
        return self.logs.everything_since(parent.table, seen[parent.table])

    def _parents(self) -> list[Parent] | None:
        """The tables it reads, but for seeds, which never change; None if one of them keeps no log."""
        models = {
            exp.to_table(snapshot.table_name(), dialect="duckdb").name: snapshot.model
            for snapshot in self.snapshots.values()
            if snapshot.is_model and snapshot.version
        }
        parents = []
        for name, table in {table.name: table for table in self._read()}.items():
            model = models.get(name)
            if model and model.kind.is_seed:
                continue
            is_source = table.db == "raw" and name == SOURCE
            if not (is_source or (model and is_by_change(model))) or not self.logs.exists(name):
                return None
            called = model.name.rpartition(".")[2] if model else SOURCE
            column = self._properties.get(called, self.key)
            parents.append(Parent(name, column if column in self.adapter.columns(bare(table)) else None))
        return parents

    def _read(self) -> Iterator[exp.Table]:
        return (table for table in self.query.find_all(exp.Table) if table.db)

    def _rebuild(self, latest: Mapping[str, int]) -> None:
        query = self.query.sql("duckdb", comments=False)
        self.adapter.create_schema(exp.table_(self.table.db, self.table.catalog))
        self.adapter.execute(f"CREATE OR REPLACE TABLE {self.table.sql('duckdb')} AS {query}")
        self.logs.reset(self.table.name, self.table.sql("duckdb"))
        self.logs.mark_seen(self.table.name, latest)

    def _follow(
        self, parents: Sequence[Parent], news: Sequence[Parent], seen: Mapping[str, int]
    ) -> exp.Table | None:
        """Replace the rows of the touched keys by those that the SELECT makes of them now."""
        query: exp.Expr = self.query
        if self.key:
            touched = self._find_touched(news, seen)
            if not touched:
                return None
            restricted = [parent for parent in parents if parent.column]
            query = Restriction(self.adapter, restricted, touched, seen).of(query)
        grain = [column.name for grain in self.model.grains for column in grain.find_all(exp.Column)]
        table = self.table.sql("duckdb")
        replaced = replace(
            self.adapter,
            table,
            query.sql("duckdb", comments=False),
            key=self.key,
            grain=grain or list(self.adapter.columns(self.table)),
        )
        if replaced == Replaced.FOREIGN:
            raise SQLMeshError(f"the rows of {self.model.name} do not hang together by its key, {self.key}")
        if not replaced:
            return None
        self.logs.append(self.table.name, table, changed=("SELECT * EXCLUDE (_place) FROM gone", "FROM come"))
        return exp.to_table("temp.main.audited")

    def _find_touched(self, news: Sequence[Parent], seen: Mapping[str, int]) -> int:
        """How many keys the parents' changes touch; they go into a temporary table ``touched``."""
        queries = (
            f"SELECT {quoted(each.column)} AS key FROM {self.logs.of(each.table)}"
            f" WHERE number > {seen[each.table]} AND {quoted(each.column)} IS NOT NULL"
            for each in news
            if each.column
        )
        self.adapter.execute(f"CREATE OR REPLACE TEMP TABLE touched AS {' UNION '.join(queries)}")
        return int(self.adapter.fetchall("SELECT count(*) FROM touched")[0][0])


def is_by_change(model: Model) -> bool:
    """Tell whether a model is kept up to date by this materialization."""
    return isinstance(model.kind, CustomKind) and model.kind.materialization == NAME
