"""The materialization ``by_change``: tables that follow the changes of the tables they are built from.

A model's SELECT says what the whole table is. ``key`` in the materialization's properties names a column: the
rows of one key are made of those rows of each parent that have the same key, and of no others. (A parent
without that column counts as a whole; ``parent = 'column'`` says that it has another name there.) A run reads
from the parents' logs which keys were touched, runs the SELECT on these keys alone, and replaces the rows
that differ. So a table always is what its SELECT makes of its parents, and a run costs what has changed.

A table is built as a whole when it is new, or when its parents cannot say what changed. The rows, the audits
of what changed and the log for the tables built from this one are one transaction: a row that fails an audit
never becomes visible.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlglot import exp
from sqlmesh.core.engine_adapter.base import EngineAdapter
from sqlmesh.core.model import Model
from sqlmesh.core.model.kind import CustomKind
from sqlmesh.core.snapshot import Snapshot
from sqlmesh.core.snapshot.evaluator import CustomMaterialization

from clogs.transform.audits import audit
from clogs.transform.logs import SOURCE, Logs, quoted, without_alias
from clogs.transform.replace import replace
from clogs.transform.restrict import Parent, restrict

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
    """One table, brought up to date."""

    adapter: EngineAdapter
    name: str
    query: exp.Query
    model: Model
    snapshots: Mapping[str, Snapshot]

    def run(self, *, is_new: bool) -> exp.Table | None:
        """Build the table as a whole, or what is touched.

        Returns:
            A table of the rows to audit: all, or those that changed with those that must agree with them;
            None if nothing changed.

        Raises:
            SQLMeshError: The rows depend on rows outside their key.
        """
        parents = self._parents()
        if parents is None:
            return self._rebuild([])
        changed = [each for each in parents if each.seen is None or each.latest > each.seen]
        if is_new or not self.logs.exists(self.table.name) or not all(map(self._can_follow, changed)):
            return self._rebuild(parents)
        if not changed:
            return None
        rows = self._follow(parents, changed)
        self._mark_seen(parents)
        return rows

    @cached_property
    def table(self) -> exp.Table:
        """The table."""
        return without_alias(exp.to_table(self.name, dialect="duckdb"))

    @cached_property
    def logs(self) -> Logs:
        """All logs."""
        return Logs(self.adapter, self.table.catalog)

    @cached_property
    def key(self) -> str | None:
        """The column whose values are followed."""
        return self._properties.get("key")

    @cached_property
    def _properties(self) -> dict[str, str]:
        given = self.model.kind.materialization_properties if isinstance(self.model.kind, CustomKind) else {}
        return {name: str(value) for name, value in given.items()}

    def _can_follow(self, parent: Parent) -> bool:
        """Whether a parent's log says which keys its changes touch."""
        if parent.seen is None or (self.key and not parent.column):
            return False
        return not self.logs.everything_since(parent.table, parent.seen)

    def _parents(self) -> list[Parent] | None:
        """The tables it reads, except seeds, which never change; None if one of them keeps no log."""
        models = {
            exp.to_table(snapshot.table_name(), dialect="duckdb").name: snapshot.model
            for snapshot in self.snapshots.values()
            if snapshot.is_model and snapshot.version
        }
        all_seen = self.logs.seen(self.table.name)
        parents = []
        for name, table in {
            table.name: table for table in self.query.find_all(exp.Table) if table.db
        }.items():
            model = models.get(name)
            if model and model.kind.is_seed:
                continue
            is_source = table.db == "raw" and name == SOURCE
            if not (is_source or (model and is_by_change(model))) or not self.logs.exists(name):
                return None
            column = self._properties.get(model.name.rpartition(".")[2] if model else SOURCE, self.key)
            seen = all_seen.get(name)
            parents.append(
                Parent(
                    name,
                    column if column in self.adapter.columns(without_alias(table)) else None,
                    seen,
                    # a log that was trimmed is empty
                    latest=max(self.logs.latest(name), seen or 0),
                )
            )
        return parents

    def _mark_seen(self, parents: Iterable[Parent]) -> None:
        self.logs.mark_seen(self.table.name, {each.table: each.latest for each in parents})

    def _rebuild(self, parents: Iterable[Parent]) -> exp.Table:
        query = self.query.sql("duckdb", comments=False)
        self.adapter.create_schema(exp.table_(self.table.db, self.table.catalog))
        self.adapter.execute(f"CREATE OR REPLACE TABLE {self.table.sql('duckdb')} AS {query}")
        self.logs.reset(self.table.name, self.table.sql("duckdb"))
        self._mark_seen(parents)
        return self.table

    def _follow(self, parents: Sequence[Parent], changed: Sequence[Parent]) -> exp.Table | None:
        """Replace the rows of the touched keys by those that the SELECT makes of them now."""
        query: exp.Expr = self.query
        touched = self._touched(changed) if self.key else None
        if touched:
            ((count,),) = self.adapter.fetchall(f"SELECT count(*) FROM {touched}")
            if not count:
                return None
            told_apart = [parent for parent in parents if parent.column]
            query = restrict(self.adapter, query, told_apart, touched=touched, count=count)
        grain = [column.name for grain in self.model.grains for column in grain.find_all(exp.Column)]
        table = self.table.sql("duckdb")
        changes = replace(
            self.adapter,
            table,
            query.sql("duckdb", comments=False),
            touched=touched,
            key=self.key,
            grain=grain or list(self.adapter.columns(self.table)),
        )
        if not changes:
            return None
        rows = f"SELECT * EXCLUDE (_place) FROM {changes.removed} UNION ALL BY NAME FROM {changes.added}"
        self.logs.append(self.table.name, table, rows=rows)
        return exp.table_(changes.agreeing, "main", "temp")

    def _touched(self, changed: Iterable[Parent]) -> str:
        """A temporary table of the keys that the parents' changes touch."""
        queries = (
            f"SELECT {quoted(each.column)} AS key FROM {self.logs.of(each.table)}"
            f" WHERE number > {each.seen} AND {quoted(each.column)} IS NOT NULL"
            for each in changed
            if each.column
        )
        self.adapter.execute(f"CREATE OR REPLACE TEMP TABLE touched AS {' UNION '.join(queries)}")
        return "touched"


def is_by_change(model: Model) -> bool:
    """Return whether a model is kept up to date by this materialization."""
    return isinstance(model.kind, CustomKind) and model.kind.materialization == NAME
